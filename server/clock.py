"""The receiver's time of day: which one is to be believed, and how it is noticed that it was set.

A second clock, which nobody sets and which goes on while the machine sleeps, tells what the time of day should be.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

TOLERANCE_MS = 3_000
"""Less than this is a clock that is kept right, not one that is set: it is followed without a word."""

EARLIEST_MS = 1_704_067_200_000
"""2024 began: agentmon is younger. A clock before it has not been set since the machine started."""

SETTLING_S = 120.0
"""How long after the machine's start a clock that is behind what is stored may be one that is not set yet."""

DAY_MS = 86_400_000
DOUBTED_S = 3_600.0
"""How long a clock that went back by more than a day is doubted, if receivers have gone by the old time for longer."""

INTERRUPTED_S = 0.5
"""Two looks at one clock that are further apart make the comparison with another clock worthless."""


def steady_s() -> float:
    """Return seconds since the machine's start that nobody sets, with the time that it slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Step:
    """The clock was found to be set: `by_ms` at the time `at` (ms), as it is now.

    `measured` is false for a step that was only found by what is stored with later times: then it was at least as much.
    Where the new time is not `believed`, the receiver goes on by the old one. `guessed_since` is since when (ms) it
    did that, None if the time before was a believed one.
    """

    at: int
    by_ms: int
    measured: bool = True
    believed: bool = True
    guessed_since: int | None = None

    @property
    def before(self) -> int:
        """What the time (ms) would be, had the clock not been set."""
        return self.at - self.by_ms


class ReceiverClock:
    """The time of day that the receiver goes by: that of the machine while it can be believed.

    A clock that stands before 2024 is not, nor one that is behind what is stored while the machine is just starting:
    many small machines know no time until the network tells them. And one that goes back by more than a day, after it
    was kept for longer, is doubted for an hour. Until then time goes on from what it was.
    """

    def __init__(self, wall: Callable[[], int], steady: Callable[[], float] = steady_s) -> None:
        """Go by `wall` (UTC ms), compared with `steady` (seconds since the machine's start)."""
        self._wall = wall
        self._steady = steady
        self._offset_ms: float | None = None
        self._newest = 0
        self._guessed_since: int | None = None
        self._told = False
        self._kept_since = 0
        self._doubted_s: float | None = None

    def begin(self, newest: int | None, kept_since: int | None = None) -> None:
        """Begin, with the newest time (ms) that is stored; steps count from now on.

        `kept_since` is since when (ms) receivers have run by this clock, without a hole of a day.
        """
        wall, steady_ms = self._wall(), self._steady() * 1000
        self._kept_since = self._kept_since or kept_since or wall
        self._newest = max(self._newest, newest or 0)
        self._offset_ms = None
        credible = self._credible(wall)
        self._offset_ms = wall - steady_ms
        if not credible:
            guessed = max(wall, self._newest + 1)
            self._offset_ms = guessed - steady_ms
            self._guessed_since = self._guessed_since or guessed

    def now(self) -> int:
        """Return the time of day, UTC milliseconds; it leaps only in `look`, so that nothing sees it before."""
        wall = self._wall()
        if self._offset_ms is None:
            return wall
        expected = round(self._steady() * 1000 + self._offset_ms)
        return wall if self._credible(wall) and abs(wall - expected) <= TOLERANCE_MS else expected

    def look(self, newest: int) -> Step | None:
        """Return how the clock was set since the last look, None if it was not; `newest` (ms) is stored by now."""
        steady = self._steady()
        now = self._wall()
        if self._offset_ms is None or self._steady() - steady > INTERRUPTED_S:
            return None
        expected = round(steady * 1000 + self._offset_ms)
        if not self._credible(now):
            return self._disbelieve(now, expected)
        self._offset_ms = now - steady * 1000
        guessed_since, self._guessed_since, self._told = self._guessed_since, None, False
        if abs(now - expected) > TOLERANCE_MS:
            self._kept_since = now if now - expected > DAY_MS else self._kept_since + min(0, now - expected)
            return Step(now, now - expected, guessed_since=guessed_since)
        if newest > now + TOLERANCE_MS:
            return Step(now, now - newest, measured=False)
        return None

    def _disbelieve(self, wall: int, expected: int) -> Step | None:
        self._guessed_since = self._guessed_since or expected
        if self._told:
            return None
        self._told = True
        return Step(wall, wall - expected, believed=False)

    def _credible(self, wall: int) -> bool:
        behind = wall < self._newest - TOLERANCE_MS
        return wall >= EARLIEST_MS and not (behind and self._steady() < SETTLING_S) and not self._is_doubtful(wall)

    def _is_doubtful(self, wall: int) -> bool:
        """Return whether a time is so far behind one that was kept for so long that this may be the wrong one."""
        steady = self._steady()
        kept = self._newest if self._offset_ms is None else round(steady * 1000 + self._offset_ms)
        if wall >= kept - DAY_MS or kept - self._kept_since <= DAY_MS:
            self._doubted_s = None
            return False
        self._doubted_s = steady if self._doubted_s is None else self._doubted_s
        return steady - self._doubted_s < DOUBTED_S
