"""The fleet as it was: at every time each monitor's last report and status up to then, nothing of later."""

import random
from functools import partial
from pathlib import Path

import pytest

from server.upkeep import Upkeep, UpkeepOptions
from store import changes
from store.models import Monitor, MountUsage, Report, Sample, Status
from store.reader import Reader
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS, ROLLED, Retention
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report, ruled

SHORT = Retention(2 * HOUR_MS, 6 * HOUR_MS, 400 * DAY_MS)
FLEET = ("a", "b", "c", "d")


class Fleet:
    """A few servers that report now and then, and the slow way to tell how they were."""

    def __init__(self, writer: Writer, clock: Clock, keys: list[str]) -> None:
        """Begin with monitors that have not reported."""
        self.writer, self.clock, self.keys = writer, clock, keys
        self.samples: dict[int, list[Sample]] = {number: [] for number in range(1, len(keys) + 1)}
        self.statuses = {number: [(START_MS, Status.PENDING)] for number in self.samples}
        self._draw = random.Random("fleet")

    async def live(self, minutes: int) -> None:
        """Let time pass; some report, some go down."""
        for _ in range(minutes):
            self.clock.advance(60)
            for number in self.samples:
                if self._draw.random() < (0.0, 1.0, 0.5, 0.02, 0.0)[number]:
                    await self._report(number)
                elif self._draw.random() < 0.05:
                    await self._judge_down(number)

    async def _report(self, number: int) -> None:
        usage = self._draw.randrange(100)
        disks = (MountUsage("/", float(usage), "50G"), MountUsage("/var", 5.0))[: self._draw.randrange(3)]
        report = make_report(cpu_usage=float(usage), disk_usage=disks, network_rx_bytes=self.clock.ms // 1000)
        await self.writer.store(self.keys[number - 1], report, "::1")
        monitor = self.writer.lives[number].monitor
        assert monitor.last_report_at is not None
        self.samples[number].append(Sample(monitor.last_report_at, report))
        self._note(number)

    async def _judge_down(self, number: int) -> None:
        monitor = self.writer.lives[number].monitor
        if monitor.status is Status.UP:
            await self.writer.rejudge(ruled(Status.DOWN, self.clock.ms, number))
            self._note(number)

    def _note(self, number: int) -> None:
        monitor = self.writer.lives[number].monitor
        if self.statuses[number][-1] != (monitor.status_since, monitor.status):
            self.statuses[number].append((monitor.status_since, monitor.status))

    def last(self, number: int, at: int) -> Sample | None:
        """Return a monitor's last report up to a time."""
        return next((sample for sample in reversed(self.samples[number]) if sample.at <= at), None)

    def status(self, number: int, at: int) -> tuple[int, Status]:
        """Return since when a monitor had which status at a time."""
        return next(entry for entry in reversed(self.statuses[number]) if entry[0] <= at)


@pytest.fixture
async def fleet(writer: Writer, create: Create, clock: Clock) -> Fleet:
    return Fleet(writer, clock, await create(*FLEET))


async def ask(database: Path, at: int) -> tuple[Monitor, ...]:
    reader = await Reader.open(database)
    try:
        return await reader.fleet_at(at)
    finally:
        await reader.close()


async def test_while_raw_reports_last_the_past_is_exact(fleet: Fleet, database: Path) -> None:
    await fleet.live(150)
    times = [START_MS, fleet.clock.ms, fleet.clock.ms + DAY_MS]
    times += [START_MS + random.Random(n).randrange(150 * MINUTE_MS) for n in range(25)]
    times += [sample.at + shift for sample in fleet.samples[3] for shift in (-1, 0)]
    for at in times:
        for monitor in await ask(database, at):
            sample = fleet.last(monitor.id, at)
            assert (monitor.last_report_at, monitor.report) == ((sample.at, sample.report) if sample else (None, None))
            assert (monitor.status_since, monitor.status) == fleet.status(monitor.id, at)
            hour = [s.report.cpu_usage for s in fleet.samples[monitor.id] if at - HOUR_MS < s.at <= at]
            assert monitor.cpu_course == tuple(hour)
            assert monitor.network_rx_rate in (None, pytest.approx(1.0))
            assert monitor.full_at == {}


async def test_where_raw_reports_are_forgotten_buckets_stand_for_them(fleet: Fleet, database: Path) -> None:
    upkeep = Upkeep(fleet.writer, UpkeepOptions(SHORT), fleet.clock.wall, fleet.clock.listening_s)
    for _ in range(24):
        await fleet.live(25)
        await upkeep.go_round()
    fine, hours = ROLLED
    for at in range(START_MS + 10 * MINUTE_MS, fleet.clock.ms - 3 * HOUR_MS, 17 * MINUTE_MS):
        tier = fine if at // fine.width_ms >= (fleet.clock.ms - SHORT.five_minutes) // fine.width_ms else hours
        for monitor in (await ask(database, at))[:1]:  # the one that reports each minute
            assert monitor.report is not None
            bucket = at // tier.width_ms
            same = [s.report for s in fleet.samples[monitor.id] if s.at // tier.width_ms == bucket]
            assert mean(same) == pytest.approx(monitor.report.cpu_usage, abs=0.01)
            assert {m.mount for m in monitor.report.disk_usage} == {m.mount for r in same for m in r.disk_usage}
            assert monitor.last_report_at == min(at, (bucket + 1) * tier.width_ms)
            assert monitor.report.hostname == "web-1"


def mean(reports: list[Report]) -> float:
    return sum(report.cpu_usage for report in reports) / len(reports)


async def test_only_monitors_that_existed_then_and_exist_now_are_shown(
    writer: Writer, create: Create, database: Path, clock: Clock
) -> None:
    await create("old", "gone")
    clock.advance(60)
    await create("new")
    await writer.change(partial(changes.delete_monitor, name="gone", now=START_MS))
    assert [monitor.name for monitor in await ask(database, START_MS - 1)] == []
    assert [monitor.name for monitor in await ask(database, START_MS)] == ["old"]
    assert [monitor.name for monitor in await ask(database, clock.ms)] == ["new", "old"]


async def test_a_counter_that_began_anew_has_no_rate(
    writer: Writer, create: Create, database: Path, clock: Clock
) -> None:
    (key,) = await create("a")
    for counter in (1000, 7000, 10):
        clock.advance(60)
        await writer.store(key, make_report(network_rx_bytes=counter), "::1")
    rates = [(await ask(database, START_MS + minute * MINUTE_MS))[0].network_rx_rate for minute in (1, 2, 3)]
    assert rates == [None, 100.0, None]
