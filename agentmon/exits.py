"""How agentmon ends: exit codes, of which this is the one place that knows them, and the signals that ask for it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

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
