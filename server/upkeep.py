"""The history's housekeeping while the receiver runs: rolling up, forgetting, forecasting, staying small.

Everything goes through the writer in transactions of a few milliseconds with pauses between them, so that no report
waits long for it. Trouble of the store is the writer's to tell; the housekeeping then waits for its next turn.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from store import changes, expiry
from store.errors import StoreUnavailableError
from store.event_log import expire_events
from store.forecasts import forecast
from store.names import forget_names
from store.rollup import roll_up
from store.runs import forget_runs, read_runs
from store.tiers import Retention
from store.writer import Change, Writer

T = TypeVar("T")

MONITORS_AT_ONCE = 5
"""Monitors whose history is forgotten in one transaction, if there is little to forget."""

LEAST_PAUSE_S = 0.005
FORECAST_EVERY_S = 3600.0
ANALYZE_EVERY_S = 86_400.0

FORGETTING_SPEED = 24
"""How much faster than time itself forgetting catches up with a clock that jumped ahead."""


@dataclass(frozen=True, slots=True)
class UpkeepOptions:
    """How long history is kept, and how often the housekeeping goes round."""

    retention: Retention = field(default_factory=Retention)
    every_s: float = 300.0


class ForgettingClock:
    """The time of day to forget by: that of the clock, but it never runs ahead of what has been by more than it may.

    A clock that is wrong by a year for some minutes would otherwise wipe all history in them. Nothing but the
    time that really passes tells such a one from a receiver that was off for a year, so forgetting takes its
    time: after a jump it moves a day ahead for each hour. Late forgetting does no harm.
    """

    def __init__(self, seen: int | None, clock: Callable[[], int], monotonic: Callable[[], float]) -> None:
        """Begin at `seen` (ms), a time that the clock had before, or at the clock's if there is none."""
        self._clock = clock
        self._monotonic = monotonic
        self._at = clock() if seen is None else seen
        self._read_s = monotonic()

    def now(self) -> int:
        """Return UTC milliseconds."""
        read_s = self._monotonic()
        reach = self._at + round((read_s - self._read_s) * 1000 * FORGETTING_SPEED)
        self._read_s = read_s
        # A clock that goes back takes nothing of what was reached: it may come forward again.
        self._at = max(self._at, min(self._clock(), reach))
        return min(self._clock(), self._at)


def forgotten_to(runs: Sequence[tuple[int, int]]) -> int | None:
    """Return how far (ms) a `ForgettingClock` had come in the runs of receivers (from, to), None if there were none.

    A restart must not make it believe a clock that has leapt ahead: the hole between two runs may be that leap.
    """
    at = None
    for began, ended in runs:
        at = began if at is None else at
        # One that was set back is followed again from where it is; what was reached counts once it comes by.
        at = max(at, min(ended, at + (ended - began) * FORGETTING_SPEED))
    return at


class Upkeep:
    """The housekeeping of one writer; `clock` gives UTC milliseconds, `monotonic` seconds that nobody sets."""

    def __init__(
        self,
        writer: Writer,
        options: UpkeepOptions,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `run` works until it is cancelled."""
        self._writer = writer
        self._options = options
        self._clock = clock
        self._monotonic = monotonic
        self._forgetting: ForgettingClock | None = None
        self._forecast_s = self._analyzed_s = -math.inf

    async def run(self) -> None:
        """Go round now and at every interval."""
        while True:
            with suppress(StoreUnavailableError):
                await self.go_round()
            await asyncio.sleep(self._options.every_s)

    async def go_round(self) -> None:
        """Do all that is to be done now; raises `StoreUnavailableError` where the store stops it."""
        ids = list(self._writer.lives)
        now = await self._forget_by()
        done = 0
        while done < len(ids):
            done += await self._do(partial(roll_up, monitor_ids=ids[done:]))
        for some in _groups(ids):
            for forget in (expiry.expire, forget_names):
                await self._until_done(partial(forget, monitor_ids=some, now=now, retention=self._options.retention))
        await self._until_done(changes.purge_deleted)
        await self._until_done(partial(expire_events, before=now - self._options.retention.one_hour))
        await self._forecast(ids)
        await self._until_done(expiry.give_back)
        if self._monotonic() - self._analyzed_s >= ANALYZE_EVERY_S:
            self._analyzed_s = self._monotonic()
            await self._do(expiry.analyze)
            await self._do(partial(forget_runs, before=now - self._options.retention.one_hour))

    async def _forget_by(self) -> int:
        if self._forgetting is None:
            ran = await self._writer.transact(read_runs)
            # This run has only begun: its sign of life may come from a clock that has just leapt ahead.
            seen = forgotten_to([*ran[:-1], *((began, began) for began, _ in ran[-1:])])
            self._forgetting = ForgettingClock(seen, self._clock, self._monotonic)
        return self._forgetting.now()

    async def _forecast(self, ids: Sequence[int]) -> None:
        if self._monotonic() - self._forecast_s < FORECAST_EVERY_S:
            return
        self._forecast_s = self._monotonic()
        for monitor_id in ids:
            await self._do(partial(forecast, monitor_id=monitor_id, now=self._clock()))

    async def _until_done(self, step: Change[bool]) -> None:
        while await self._do(step):
            pass

    async def _do(self, step: Change[T]) -> T:
        began = time.perf_counter()
        result = await self._writer.transact(step)
        # As long a pause as the work took: reports get at least half of the writer.
        await asyncio.sleep(max(LEAST_PAUSE_S, time.perf_counter() - began))
        return result


def _groups(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), MONITORS_AT_ONCE):
        yield ids[start : start + MONITORS_AT_ONCE]
