"""How agentmon ends: exit codes, of which this is the one place that knows them, and the signals that ask for it."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def signals_for_this_thread() -> Iterator[None]:
    """Let no thread that is started meanwhile get the signals: Python acts on them in the main thread alone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Exit(IntEnum):
    """How a command ends; `status` alone uses the last three with a meaning of its own."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    STATUS_WARNING = 1
    STATUS_DOWN = 2
    STATUS_UNKNOWN = 3


def leave(code: Exit) -> NoReturn:
    """End the process, also when a thread of it would keep it: Python waits for each that is not a daemon.

    The threads of a database that was left open are such, after a failure and by `store.writer.LEFT_OPEN`. A signal
    that comes meanwhile, as by a second ctrl+c, is no longer heard: Python's own end would let it kill the process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    if any(not each.daemon for each in threading.enumerate() if each is not threading.main_thread()):
        os._exit(code)
    sys.exit(code)
