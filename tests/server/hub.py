"""A receiver's store under a machine whose clock is set at will, with what is true beside it."""

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from server.clock import ReceiverClock
from server.clock_steps import ClockSteps, Run, kept_since, newest_at
from server.fleet_judge import FleetJudge
from server.rejected import RejectionLog, open_log
from server.upkeep import Upkeep, UpkeepOptions
from store import changes, runs
from store.events import Event, EventKind
from store.models import Monitor
from store.reader import Reader
from store.schema import prepare_database
from store.tiers import ONE_HOUR, Retention
from store.writer import Writer
from tests.conftest import START_MS, make_report

PER_S = 1_000
"""Bytes that each server receives a second, all the time."""


class Hub:
    """Servers that report, and a receiver that goes by a clock which is `skew_ms` ahead of the true time."""

    def __init__(self, path: Path, names: tuple[str, ...] = ("a", "b"), skew_ms: int = 0, true_s: float = 1e6) -> None:
        """Use it as a context; the machine has been up for `true_s` seconds."""
        self.path, self.names = path, names
        self.skew_ms, self.true_s = skew_ms, true_s
        self._began_s = true_s
        self._booted_s = 0.0
        self.sent: dict[str, list[int]] = {name: [] for name in names}
        self.was_ahead_for_s = 0.0
        prepare_database(path)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.true_s += seconds
        if self.skew_ms > 0:
            self.was_ahead_for_s += seconds

    def true_ms(self) -> int:
        """Return the true time of day."""
        return START_MS + round((self.true_s - self._began_s) * 1000)

    def wall(self) -> int:
        """Return the machine's time of day."""
        return self.true_ms() + self.skew_ms

    def steady_s(self) -> float:
        """Return the seconds since the machine's start."""
        return self.true_s - self._booted_s

    def boot(self, wall_ms: int) -> None:
        """Let the machine have started just now, 20 s ago, with a time of day."""
        self._booted_s = self.true_s - 20
        self.skew_ms = wall_ms - self.true_ms()

    async def __aenter__(self) -> Self:
        await self.start()
        named = partial(changes.create_monitors, names=list(self.names), now=self.clock.now())
        self.keys = {name: key for _, name, key in await self.writer.change(named)}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin as the runtime does."""
        self.clock = ReceiverClock(self.wall, self.steady_s)
        self.writer = await Writer.open(self.path, self.clock.now, self.steady_s, steady_s=self.steady_s)
        ran = await self.writer.transact(runs.read_runs)
        newest = newest_at(self.writer.lives, ran)
        self.clock.begin(newest, kept_since(ran))
        self.run = Run(0, self.clock.now())
        self.run.id = await self.writer.transact(partial(runs.begin_run, now=self.run.since))
        self.rejected: RejectionLog = await open_log(self.writer, self.clock.now)
        self.judge = await FleetJudge.open(self.writer, self.clock.now, self.steady_s)
        self.steps = ClockSteps(self.clock, self.writer, (self.rejected, self.judge), self.run, newest)
        self.upkeep = Upkeep(self.writer, UpkeepOptions(Retention()), self.clock.now, self.steady_s)
        self.reader = await Reader.open(self.path)

    async def stop(self, *, kill: bool = False) -> None:
        """End, in good order or not."""
        if not kill:
            await self.steps.end()
            await self.writer.transact(partial(runs.end_run, run_id=self.run.id, now=self.clock.now()))
        await self.writer.close()
        await self.reader.close()

    async def restart(self, off_s: float = 1.0, by_ms: int = 0, *, kill: bool = False) -> None:
        """Be off for a while, during which the clock is set by `by_ms`."""
        await self.stop(kill=kill)
        self.pass_time(off_s)
        self.skew_ms += by_ms
        await self.start()

    async def report(self, *names: str) -> None:
        """Let servers report, all without names."""
        received = round((self.true_s - self._began_s) * PER_S)
        report = make_report(network_rx_bytes=received, network_tx_bytes=received)
        for name in names or self.names:
            self.sent[name].append(received)
        await asyncio.gather(*(self.writer.store(self.keys[name], report, "::1") for name in names or self.names))

    async def beat(self) -> None:
        """Do what the receiver does now and then: look at its clock, and say that it is alive."""
        await self.steps.look()
        await self.writer.transact(partial(runs.beat, run_id=self.run.id, now=self.clock.now()))

    async def live(self, times: int, every_s: float = 60.0) -> None:
        """Let all report at an interval."""
        for _ in range(times):
            self.pass_time(every_s)
            await self.steps.look()
            await self.report()
        await self.beat()

    def monitor(self, name: str = "a") -> Monitor:
        """Return a monitor as committed."""
        return next(live.monitor for live in self.writer.lives.values() if live.monitor.name == name)

    def full_at(self) -> int:
        """Return when the only mount will be full, as the database has it."""
        ((at,),) = self.rows("SELECT full_at FROM mount WHERE full_at IS NOT NULL")
        return at

    def stamps(self, name: str = "a") -> list[int]:
        """Return the times of a server's stored reports, in the order in which they came."""
        rows = self.rows(
            "SELECT at FROM sample WHERE monitor_id = ? ORDER BY network_rx_bytes, at", self.monitor(name).id
        )
        return [row[0] for row in rows]

    def rows(self, query: str, *values: object) -> list[tuple[int, ...]]:
        """Return what the database holds."""
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    async def clock_events(self) -> list[Event]:
        """Return what was told of the clock, oldest first."""
        found = await self.reader.events(limit=1000, oldest_first=True)
        return [event for event in found if event.kind is EventKind.CLOCK_SET]

    async def received(self, name: str = "a") -> int:
        """Return the bytes that a server received in all, by what is rolled up."""
        return (await self.reader.traffic(self.monitor(name).id, 0, 2**45 - 2**45 % ONE_HOUR.width_ms))[0]
