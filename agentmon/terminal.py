"""The terminal at the end: given back as it was found, even when nobody reads it any more."""

import contextlib
import os
import select
import sys
import termios
import threading
from collections.abc import Callable
from typing import Any

LEAVE_CONSOLE = b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
"""Undoes what Textual's Linux driver switches on: paste brackets, no wrap, mouse, keyboard protocol, alternate
screen, hidden cursor, focus reports."""


class Terminal:
    """The controlling terminal's modes as they were before the console started."""

    def __init__(self) -> None:
        """Remember the modes now."""
        self._fd = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self._modes: list[Any] | None = None
        with contextlib.suppress(termios.error):
            self._modes = termios.tcgetattr(self._fd)

    def restore(self) -> None:
        """Drop output that nobody read, set the modes back and leave the console's screen; never blocks."""
        if self._modes is None:
            return
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self._fd, termios.TCIOFLUSH)
            termios.tcsetattr(self._fd, termios.TCSANOW, self._modes)
            os.set_blocking(self._fd, False)
            try:
                os.write(self._fd, LEAVE_CONSOLE)
            finally:
                os.set_blocking(self._fd, True)

    def watch(self, lost: Callable[[], None]) -> None:
        """Call `lost` on a thread of its own once the other end of the terminal is gone."""
        if self._modes is not None:
            threading.Thread(target=self._await_hangup, args=(lost,), name="terminal", daemon=True).start()

    def _await_hangup(self, lost: Callable[[], None]) -> None:
        poll = select.poll()
        poll.register(self._fd, 0)  # errors and hang-ups are reported unasked; input is none of our business
        while not poll.poll():
            pass
        lost()


def point_at_null() -> None:
    """Point standard input, output and error at the null device, so that nothing touches a lost terminal."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)
