"""The history's housekeeping while the receiver runs: rolling up, forgetting, forecasting, staying small.

Everything goes through the writer in transactions of a few milliseconds with pauses between them, so that no report
waits long for it. Trouble of the store is the writer's to tell; the housekeeping then waits for its next turn.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from store import changes, expiry
from store.errors import StoreUnavailableError
from store.forecasts import forecast
from store.rollup import roll_up
from store.tiers import DAY_MS, HOUR_MS, Retention
from store.writer import Change, Writer

MONITORS_AT_ONCE = 5
"""Monitors rolled up in one transaction: some 10 ms."""

LEAST_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class UpkeepOptions:
    """How long history is kept, and how often the housekeeping goes round."""

    retention: Retention = field(default_factory=Retention)
    every_s: float = 300.0


class Upkeep:
    """The housekeeping of one writer; `clock` gives UTC milliseconds."""

    def __init__(self, writer: Writer, options: UpkeepOptions, clock: Callable[[], int]) -> None:
        """Prepare; `run` works until it is cancelled."""
        self._writer = writer
        self._options = options
        self._clock = clock
        self._forecast_at = 0
        self._analyzed_at = 0

    async def run(self) -> None:
        """Go round now and at every interval."""
        while True:
            with suppress(StoreUnavailableError):
                await self.go_round()
            await asyncio.sleep(self._options.every_s)

    async def go_round(self) -> None:
        """Do all that is to be done now; raises `StoreUnavailableError` where the store stops it."""
        ids = list(self._writer.lives)
        for start in range(0, len(ids), MONITORS_AT_ONCE):
            await self._do(partial(roll_up, monitor_ids=ids[start : start + MONITORS_AT_ONCE]))
        await self._expire(ids)
        await self._until_done(changes.purge_deleted)
        await self._forecast(ids)
        await self._until_done(expiry.give_back)
        if self._clock() - self._analyzed_at >= DAY_MS:
            self._analyzed_at = self._clock()
            await self._do(expiry.analyze)

    async def _expire(self, ids: Sequence[int]) -> None:
        for monitor_id in ids:
            await self._until_done(
                partial(expiry.expire, monitor_id=monitor_id, now=self._clock(), retention=self._options.retention)
            )

    async def _forecast(self, ids: Sequence[int]) -> None:
        if self._clock() - self._forecast_at < HOUR_MS:
            return
        self._forecast_at = self._clock()
        for monitor_id in ids:
            await self._do(partial(forecast, monitor_id=monitor_id, now=self._clock()))

    async def _until_done(self, step: Change[bool]) -> None:
        while await self._do(step):
            pass

    async def _do(self, step: Change[bool] | Change[None]) -> bool:
        began = time.perf_counter()
        more = await self._writer.transact(step)
        # As long a pause as the work took: reports get at least half of the writer.
        await asyncio.sleep(max(LEAST_PAUSE_S, time.perf_counter() - began))
        return bool(more)
