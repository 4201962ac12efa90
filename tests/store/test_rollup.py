"""Rolled-up history is what the raw reports say, however they came and whenever they were rolled up."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiosqlite
from hypothesis import given, settings
from hypothesis import strategies as st

from store.ledger import Ledger
from store.models import MountUsage, Report
from store.rollup import LEAST_GAP_MS, gap_ms
from store.series import Plan, Point
from store.tiers import DAY_MS, FIVE_MINUTES, HOUR_MS, ONE_HOUR, ROLLED, Retention, Tier
from tests.conftest import START_MS, Clock, make_report
from tests.store.history import Bucket, History, differences, reference

usages = st.floats(min_value=0, max_value=100)
loads = st.none() | st.floats(min_value=0, max_value=1e6)
sizes = st.sampled_from([None, "50G", "9.8M", "512", "1,5T", "none", ""])
mounts = st.lists(
    st.builds(MountUsage, st.sampled_from(["/", "/var", "/mnt"]), usages, sizes, sizes),
    max_size=3,
    unique_by=lambda mount: mount.mount,
)
moves = st.none() | st.just(-1) | st.integers(min_value=0, max_value=2**44)
"""Bytes that moved since the last report, less than none for a counter that begins anew; None: not told."""

reports = st.builds(
    Report,
    cpu_usage=usages,
    memory_usage=usages,
    memory_total_mb=st.sampled_from([0, 512, 8192, 2**53]),
    disk_usage=mounts.map(tuple),
    cpu_iowait=st.none() | usages,
    swap_usage=st.none() | usages,
    network_rx_bytes=moves,
    network_tx_bytes=moves,
    load_1m=loads,
    load_5m=loads,
    load_15m=loads,
)
pauses = st.sampled_from([0.0, 0.001, 1, 30, 59.999, 60, 60, 60, 61, 299, 300, 301, 899, 900, 901, 3600, 86_400 * 3])
jumps = st.sampled_from([-90_000, -3600, -61, -1, 61, 3600])
steps = st.lists(
    st.tuples(st.just("report"), pauses, reports)
    | st.tuples(st.just("minutely"), st.sampled_from([3, 10, 70]), reports)
    | st.tuples(st.just("jump"), jumps, st.none())
    | st.tuples(st.sampled_from(["round", "round again", "restart"]), pauses, st.none()),
    max_size=30,
)


Life = list[tuple[str, float, Report | None]]


class Machine:
    """What makes counters of moves."""

    def __init__(self) -> None:
        """Begin with counters that have counted."""
        self._counters = {"network_rx_bytes": 10**9, "network_tx_bytes": 10**6}

    def count(self, report: Report) -> Report:
        """Return the report with counters in the place of moves."""
        told: dict[str, int | None] = {}
        for name, counter in self._counters.items():
            move = getattr(report, name)
            self._counters[name] = 0 if move == -1 else counter + (move or 0)
            told[name] = None if move is None else self._counters[name]
        return replace(report, **told)  # type: ignore[arg-type]


async def live_through(history: History, life: Life) -> None:
    machine = Machine()
    for kind, seconds, report in life:
        if kind == "jump":
            history.clock.ms += round(seconds * 1000)
            continue
        for _ in range(int(seconds) if kind == "minutely" else 1):
            history.clock.advance(60 if kind == "minutely" else seconds)
            if report is not None:
                await history.report(machine.count(report))
        if kind == "restart":
            await history.restart()
        for _ in range({"round": 1, "round again": 2}.get(kind, 0)):
            await history.go_round()
    await history.go_round()


async def check_tiers(history: History) -> None:
    retention = Retention()
    for tier in ROLLED:
        wanted = reference(history.samples, tier.width_ms, history.elapsed_s, history.apart_at(tier))
        found = {point.at // tier.width_ms: point for point in (await history.tier(tier)).points}
        assert found.keys() <= wanted.keys()
        oldest = history.clock.ms - retention.of(tier)
        assert {number for number in wanted if number * tier.width_ms >= oldest} <= found.keys()
        for number, point in found.items():
            assert differences(point, wanted[number]) == []
            assert (point.rx_rate or 0) >= 0
            assert (point.tx_rate or 0) >= 0


def in_new_history(check: Callable[[History], Awaitable[None]], retention: Retention | None = None) -> None:
    async def live() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with History(Path(folder) / "a.db", Clock(), retention) as history:
                await check(history)

    asyncio.run(live())


@settings(max_examples=60)
@given(steps)
def test_rollups_are_what_a_slow_reference_makes_of_the_reports(life: Life) -> None:
    async def check(history: History) -> None:
        await live_through(history, life)
        await check_tiers(history)

    in_new_history(check)


@settings(max_examples=25)
@given(steps, st.sampled_from([(FIVE_MINUTES, 2), (FIVE_MINUTES, 7), (ONE_HOUR, 3), (ONE_HOUR, 24)]))
def test_wider_points_are_what_the_reference_makes_of_their_reports(life: Life, wider: tuple[Tier, int]) -> None:
    tier, times = wider

    async def check(history: History) -> None:
        await live_through(history, life)
        wanted = reference(history.samples, tier.width_ms * times, history.elapsed_s, history.apart_at(tier))
        found = await history.points(Plan(tier, tier.width_ms * times))
        assert [point.at // (tier.width_ms * times) for point in found] == sorted(wanted)
        for point in found:
            bucket = wanted[point.at // (tier.width_ms * times)]
            assert differences(whole(point), trimmed(bucket), tolerance=0.01 + times) == []
            for name, spread in point.numbers.items():
                assert spread.min <= spread.avg <= spread.max, name

    in_new_history(check, Retention(*(400 * DAY_MS,) * 3))


ALWAYS = ("cpu_usage", "memory_usage", "memory_total_mb")


def whole(point: Point) -> Point:
    """Leave out what wider points only come near: averages of what not all reports had, and of sizes."""
    mounts = tuple(replace(mount, size_kb=None, used_kb=None) for mount in point.mounts)
    return replace(point, numbers={name: point.numbers[name] for name in ALWAYS}, mounts=mounts)


def trimmed(bucket: Bucket) -> Bucket:
    numbers = {name: bucket.numbers[name] for name in ALWAYS}
    return replace(bucket, numbers=numbers, sizes=dict.fromkeys(bucket.sizes))


async def test_rolling_up_again_changes_nothing(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        for _ in range(200):
            history.clock.advance(60)
            await history.report(make_report())
        await history.go_round()
        before = [await history.tier(tier) for tier in ROLLED]
        for tier in ROLLED:
            await history.writer.transact(partial(forget_mark, tier=tier))
        await history.go_round()
        assert [await history.tier(tier) for tier in ROLLED] == before
        assert sum(point.count for point in before[0].points) == 200


async def forget_mark(connection: aiosqlite.Connection, ledger: Ledger, *, tier: Tier) -> None:
    await connection.execute("DELETE FROM rolled_up WHERE tier = ?", (tier.name,))


async def test_a_report_that_comes_while_its_bucket_is_closed_is_counted(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        for _ in range(50):
            history.clock.advance(61)
            await history.report(make_report())
            await history.upkeep.go_round()  # with the report still on its way
        await history.go_round()
        for tier in ROLLED:
            assert sum(point.count for point in (await history.tier(tier)).points) == 50


async def test_bytes_that_moved_in_a_gap_are_no_spike_and_not_lost(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        for moved in (0, 60_000, 120_000):
            await history.report(make_report(network_rx_bytes=moved, network_tx_bytes=0))
            history.clock.advance(60)
        history.clock.advance(3 * 86_400)
        for moved in range(9):
            await history.report(make_report(network_rx_bytes=10**12 + moved * 60_000, network_tx_bytes=0))
            history.clock.advance(60)
            await history.go_round()
        for tier in ROLLED:
            points = (await history.tier(tier)).points
            assert {point.rx_rate for point in points if point.network_s} == {1000.0}
            assert sum((point.rx_bytes or 0) + (point.rx_gap_bytes or 0) for point in points) == 10**12 + 8 * 60_000
        until = history.clock.ms + HOUR_MS
        assert await history.reader.traffic(1, START_MS, until) == (10**12 + 8 * 60_000, 0)


HOSTILE_SIZES = (
    "5\N{KELVIN SIGN}",
    "\N{ARABIC-INDIC DIGIT THREE}G",
    "9" * 32,
    "9" * 31 + "E",
    "1e5",
    "-1G",
    "²",
    "",
    "0,0T",
)


async def test_hostile_reports_break_no_rollup(tmp_path: Path) -> None:
    disks = tuple(MountUsage(f"/{n}", 100.0, size, size, size) for n, size in enumerate(HOSTILE_SIZES))
    async with History(tmp_path / "a.db", Clock()) as history:
        for n in range(400):
            history.clock.advance(20)
            counter = (2**63 - 1) * (n % 2)
            await history.report(
                make_report(
                    network_rx_bytes=counter,
                    network_tx_bytes=counter,
                    memory_total_mb=2**53,
                    load_1m=1e6,
                    disk_usage=disks,
                )
            )
        await history.go_round()
        assert history.writer.problem is None
        for tier in ROLLED:
            points = (await history.tier(tier)).points
            assert sum(point.count for point in points) == 400
            assert all(0 <= (point.rx_bytes or 0) <= 2**63 - 1 for point in points)
            assert points[0].numbers["memory_total_mb"].max == 2**53
        assert len(await history.points(Plan(ONE_HOUR, 24 * HOUR_MS))) == 1
        rx, _ = await history.reader.traffic(1, START_MS - HOUR_MS, history.clock.ms + HOUR_MS)
        assert rx == 2**63 - 1


def test_the_gap_follows_slow_agents() -> None:
    assert gap_ms(None) == gap_ms(60.0) == LEAST_GAP_MS
    assert gap_ms(3600.0) == 3 * HOUR_MS
