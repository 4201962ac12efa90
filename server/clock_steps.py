"""What follows when the receiver's clock is set: it is told, and what is stored goes with it.

A clock that is set back leaves times in the future: they are moved back, so that history goes on at once. One that is
set forward leaves spans that would look longer than they were: what is known of each server is moved along.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Protocol

from server.clock import ReceiverClock, Step
from store import restamp, runs
from store.durations import duration
from store.errors import StoreUnavailableError
from store.live import Live
from store.shift import Shift, ahead
from store.tiers import DAY_MS, HOUR_MS
from store.writer import Change, Writer

log = logging.getLogger("agentmon.receiver")

LOOK_EVERY_S = 1.0
LEAST_PAUSE_S = 0.005

MOST_GUESSED_MS = HOUR_MS
"""How long a receiver may have gone by a guessed time for its reports to be moved once the right time is known."""

SAME_STEP_MS = 60_000
"""How much a step forward may differ from the step back that it takes back."""


@dataclass(slots=True)
class Run:
    """The receiver's run in the store, and since when (ms) this process runs."""

    id: int
    since: int


class Shiftable(Protocol):
    """What remembers times of its own, beside the store."""

    def shift(self, shift: Shift) -> None:
        """Give what is remembered the times that it has once the clock was set."""
        ...


class ClockSteps:
    """Looks after the clock of one receiver; `run` is its run, which a clock that leaps ahead ends and begins anew."""

    def __init__(
        self,
        clock: ReceiverClock,
        writer: Writer,
        memories: Sequence[Shiftable],
        run: Run,
        newest: int | None = None,
    ) -> None:
        """Prepare; `follow` works until it is cancelled.

        `memories` are those whose times follow the clock, `newest` (ms) was stored before this run.
        """
        self._clock = clock
        self._writer = writer
        self._memories = memories
        self._run = run
        self._newest = newest or 0
        self._moved_back: Shift | None = None
        self.moving = False
        """Whether what is known of servers is being moved to the time that the clock has by now."""

    async def follow(self) -> None:
        """Look at the clock, over and over."""
        while True:
            with contextlib.suppress(StoreUnavailableError):  # the writer says it; what is in the future is found again
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """See whether the clock was set, and let what is stored follow; raises `StoreUnavailableError`."""
        newest, self._newest = max(self._newest, newest_at(self._writer.lives) or 0), 0
        step = self._clock.look(newest)
        if step is None:
            return
        self.moving = True
        try:
            await self._follow(step)
        finally:
            self.moving = False

    async def _follow(self, step: Step) -> None:
        log.warning("%s", in_words(step))
        says = None if step.believed else step.at
        tell = partial(restamp.tell_step, at=self._clock.now(), by_ms=step.by_ms, says=says)
        if not step.believed:
            await self._writer.transact(tell)
        elif step.by_ms < 0:
            await self._go_back(step, tell)
        else:
            await self._go_ahead(step, tell)

    async def end(self) -> None:
        """Let the run not end in a time that the clock leapt to just now; raises `StoreUnavailableError`."""
        step = self._clock.look(0)
        if step is not None and step.believed and step.by_ms > 0:
            await self._split_run(step)

    async def _split_run(self, step: Step) -> None:
        split = partial(runs.split_run, run_id=self._run.id, before=step.before, now=step.at)
        self._run.id = await self._writer.transact(split)

    async def _go_back(self, step: Step, tell: Change[None]) -> None:
        shift = await self._writer.transact(
            partial(restamp.plan_back, now=step.at, by_ms=step.by_ms, measured=step.measured)
        )
        self._moved_back = shift if shift.measured and shift.scale == 1 else None
        await self._shift(shift, tell)
        await self._move(shift)

    async def _go_ahead(self, step: Step, tell: Change[None]) -> None:
        wrong_since = self._wrong_since(step)
        self._moved_back = None
        if wrong_since is not None:
            shift = ahead(step.at, step.by_ms, wrong_since)
            await self._shift(shift, tell)
            await self._move(shift)
            return
        shift = ahead(step.at, step.by_ms, self._run.since)
        await self._split_run(step)
        self._run.since += step.by_ms
        self._shift_memories(shift)
        await self._writer.transact(partial(restamp.move_reminders, by_ms=step.by_ms))
        await self._writer.transact(tell)
        await self._move(shift, with_history=False)

    def _wrong_since(self, step: Step) -> int | None:
        """Return from when on (ms) times were wrong, if a step shows it: guessed ones, or after a step back."""
        if step.guessed_since is not None and step.before - step.guessed_since <= MOST_GUESSED_MS:
            return step.guessed_since
        back = self._moved_back
        if back is not None and abs(step.by_ms + back.by_ms) <= SAME_STEP_MS:
            return back.anchor + back.by_ms
        return None

    async def _shift(self, shift: Shift, tell: Change[None]) -> None:
        """Move all that belongs to no single monitor, and tell of the step."""
        self._run.since = shift.of(self._run.since)
        self._shift_memories(shift)
        await self._writer.transact(partial(restamp.shift_times, shift=shift))
        if shift.measured:
            await self._writer.transact(partial(restamp.move_reminders, by_ms=shift.by_ms))
        await self._writer.transact(tell)

    def _shift_memories(self, shift: Shift) -> None:
        for memory in self._memories:
            memory.shift(shift)

    async def _move(self, shift: Shift, *, with_history: bool = True) -> None:
        """Move all monitors, a little at a time, so that no report waits long for it."""
        ids, place = list(self._writer.lives), None
        while ids:
            began = time.perf_counter()
            some = partial(restamp.move_monitors, ids=ids, shift=shift, with_history=with_history, place=place)
            moved = await self._writer.move(some)
            ids, place = ids[moved.done :], moved.place
            await asyncio.sleep(max(LEAST_PAUSE_S, time.perf_counter() - began))


def newest_at(lives: Mapping[int, Live], ran: Iterable[tuple[int, int]] = ()) -> int | None:
    """Return when (ms) the last report came, or when a receiver ran last, None if neither ever did."""
    reported = (live.monitor.last_report_at for live in lives.values())
    return max((at for at in (*reported, *chain.from_iterable(ran)) if at is not None), default=None)


def kept_since(ran: Sequence[tuple[int, int]]) -> int | None:
    """Return since when (ms) receivers have run without a hole of a day, None if none ever ran; oldest first."""
    since = None
    ended = 0
    for started, until in ran:
        since = started if since is None or started - ended > DAY_MS else since
        ended = until
    return since


def in_words(step: Step) -> str:
    """Return what the log says of a step."""
    if not step.believed:
        says = datetime.fromtimestamp(step.at / 1000, UTC)
        return f"the clock says {says:%Y-%m-%d %H:%M} UTC: not believed until it is set"
    by = duration(round(abs(step.by_ms) / 1000))
    if step.by_ms > 0:
        return f"the clock was set forward by {by}"
    return f"the clock was set back by {by}: what was stored ahead of it is moved back"
