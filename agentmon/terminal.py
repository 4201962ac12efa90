"""The terminal at the end: given back as it was found, even when nobody reads it any more."""

import contextlib
import os
import select
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

from tui.suspend import in_foreground

LEAVE_CONSOLE = (
    b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?2048l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""Undoes what Textual's Linux driver switches on: paste brackets, no wrap, mouse, reports of its pixels and of new
sizes, keyboard protocol, alternate screen, hidden cursor, focus reports."""

LEAVE_WITHIN_S, RETRY_S = 2.0, 0.01


class Terminal:
    """The controlling terminal's modes as they were before the console started."""

    def __init__(self) -> None:
        """Remember the modes now."""
        self._fd = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self._modes: list[Any] | None = None
        with contextlib.suppress(termios.error):
            self._modes = termios.tcgetattr(self._fd)

    def take_away(self) -> None:
        """Give the terminal back from under a console that may hang on it; takes `LEAVE_WITHIN_S` at most.

        Output that nobody read is dropped, the modes are set back and the console's screen is left, unless that was
        done when the console was suspended. From then on standard input, output and error are the null device.
        """
        terminal = os.dup(self._fd)
        point_at_null()
        if self._modes is not None:
            with contextlib.suppress(termios.error, OSError):
                self._leave(terminal, self._modes)
        os.close(terminal)

    def give_back(self) -> None:
        """Set the modes back and leave the console's screen, for a console that failed before it could."""
        if self._modes is not None:
            with contextlib.suppress(termios.error, OSError):
                self._leave(self._fd, self._modes)

    def _leave(self, terminal: int, modes: list[Any]) -> None:
        if not in_foreground(terminal):  # others use it, and to touch it would stop this process
            return
        os.set_blocking(terminal, False)
        try:
            termios.tcsetattr(terminal, termios.TCSANOW, modes)
            # A write that hangs in the console's output thread goes on with what the flush makes room for, and
            # until it has come back nothing else can be written, or not all of it.
            until = time.monotonic() + LEAVE_WITHIN_S
            while time.monotonic() < until:
                termios.tcflush(terminal, termios.TCIOFLUSH)
                with contextlib.suppress(BlockingIOError):
                    if os.write(terminal, LEAVE_CONSOLE) == len(LEAVE_CONSOLE):
                        return
                time.sleep(RETRY_S)
        finally:
            os.set_blocking(terminal, True)

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
