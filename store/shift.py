"""Where stored times go after the receiver's clock was set. Pure: times in, times out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from store.rates import STAMP_SLACK_MS, UNKNOWN_MS
from store.tiers import END_OF_TIME, HOUR_MS, MINUTE_MS

REACH_MS = 24 * HOUR_MS
"""How far back times are moved that are not in the future: raw reports are rewritten, and rolled up anew."""

LEAST_HOLE_MS = 15 * MINUTE_MS
"""Less than this is no jump that is taken back: then what is in the future is all that is moved."""

HOLE_SLACK_MS = 5_000
"""How much smaller than the step the hole that the clock's jump ahead left may seem."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Moves the times from `first` to `last` (ms) by `by_ms`, later ones as they come.

    With a `scale` below 1 there was less room than that takes: times before `anchor` then come closer together.
    `measured` says whether `by_ms` is what the clock was set by, and not merely what brings the newest time to now.
    """

    first: int
    last: int
    by_ms: int
    measured: bool
    anchor: int = 0
    scale: float = 1.0
    starts: tuple[int, ...] = ()
    """When receivers started (ms), by the clock of then: how long they were off is not known."""

    def of(self, at: int) -> int:
        """Return where a time goes."""
        if not self.first <= at <= self.last:
            return at
        if at >= self.anchor:
            return at + self.by_ms
        return self.anchor + self.by_ms - int((self.anchor - at) * self.scale)

    def is_known_between(self, before: int, at: int) -> bool:
        """Return whether two reports that were stored at these times came in one run."""
        return not any(before < start <= at for start in self.starts)

    @property
    def goes_back(self) -> bool:
        """Whether times become earlier."""
        return self.by_ms < 0


def ahead(at: int, by_ms: int, since: int) -> Shift:
    """Return the shift of all times since `since`, after a clock was set forward by `by_ms` to `at`."""
    return Shift(since, at - by_ms + HOLE_SLACK_MS, by_ms, measured=True)


def begins(now: int, by_ms: int, runs: Sequence[tuple[int, int]]) -> int:
    """Return from when on (ms) stored times are wrong, after a clock was set back by `by_ms` to `now`.

    All from the future are. The clock's jump ahead left a hole in which nobody ran; what came after it is wrong too,
    though some of it may lie in the past by now. `runs` are (start, end) of the receiver, oldest first.
    """
    if -by_ms < LEAST_HOLE_MS:
        return now + 1
    jumped = next(
        (start for (_, ended), (start, _) in reversed(list(pairwise(runs))) if start - ended >= -by_ms - HOLE_SLACK_MS),
        now + 1,
    )
    return jumped if now - REACH_MS <= jumped <= now else now + 1


def back(by_ms: int, measured: bool, first: int, newest: int, before: int) -> Shift:
    """Return the shift of all times from `first` to `newest` and later by `by_ms`, so that it ends after `before`."""
    if first + by_ms > before or newest <= first:
        return Shift(first, END_OF_TIME, by_ms, measured, first)
    scale = max(0, newest + by_ms - before - 1) / (newest - first)
    return Shift(first, END_OF_TIME, by_ms, measured, newest, scale)


def elapsed_after(stored: int | None, at: int, previous: int | None, moved_apart: int, shift: Shift) -> int | None:
    """Return the time (ms) between a report and the one before, as it is to be stored once both are moved.

    It was `stored`, or else is that between their stamps `previous` and `at`; `previous` is None if these do not tell
    it. `moved_apart` is how far apart they are from now on.
    """
    if stored is None and previous is None:
        return UNKNOWN_MS if shift.goes_back else None
    elapsed_ms = stored if stored is not None else at - (previous or 0)
    if elapsed_ms != UNKNOWN_MS and abs(elapsed_ms - moved_apart) <= STAMP_SLACK_MS:
        return None
    return elapsed_ms
