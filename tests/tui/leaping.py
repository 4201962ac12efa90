"""A loop on which time is free: when nothing is left to do but to wait, what was waited for is due.

Textual's Pilot sleeps 20 ms or more after each key for the console to draw, and the console draws by timers. On this
loop all of that happens in the same order, as late by its own clock, and as fast as the machine can. Work takes no
time by that clock, so a busy machine changes nothing: whoever sleeps wakes when all that was to be done is done.
"""

import asyncio
import selectors


class LeapingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock leaps to its next timer once nobody has anything to do.

    Not for what waits for other processes or threads: their time is not free.
    """

    ahead_s = 0.0
    """How far all such loops together have leapt."""

    def __init__(self) -> None:
        """Begin where the loops before have leapt to."""
        super().__init__(_LeapingSelector())

    def time(self) -> float:
        """Return the seconds that were leapt."""
        return leaping_clock()


class _LeapingSelector(selectors.DefaultSelector):
    """Looks who has something to do, and does not wait for a timer."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if that is nothing, leap over the time that should be waited for it."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            LeapingLoop.ahead_s += timeout
        return ready


def leaping_clock() -> float:
    """Return seconds of a clock that stands still but when a loop leaps."""
    return LeapingLoop.ahead_s
