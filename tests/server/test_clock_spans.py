"""What lasts for a time lasts as long, whatever the clock does meanwhile; and what was stored before stays."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from server.clock_steps import ClockSteps
from server.notifier import DELIVERY, Notifier
from store import changes
from store.channels import ChannelKind, Target, add_channel
from store.events import Event, EventKind
from store.models import MountUsage, Status
from store.outbox import Outbox
from store.policy import Level
from store.shift import Shift
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS
from tests.conftest import START_MS, make_report
from tests.server.hub import PER_S, Hub

YEAR_MS = 365 * DAY_MS
STEPS = (-YEAR_MS, -8 * HOUR_MS, 10 * DAY_MS, YEAR_MS)


async def pause(hub: Hub, for_ms: int) -> None:
    now = hub.clock.now()
    await hub.writer.change(partial(changes.pause_monitor, name="a", now=now, until=now + for_ms))


@pytest.mark.parametrize("by_ms", STEPS)
async def test_a_pause_lasts_as_long_as_it_was_meant_to(tmp_path: Path, by_ms: int) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(3)
        await pause(hub, 2 * HOUR_MS)
        hub.skew_ms = by_ms
        hub.pass_time(1800)
        await hub.beat()
        assert hub.monitor().paused_until == hub.wall() + 90 * MINUTE_MS
        hub.skew_ms = 0
        hub.pass_time(1800)
        await hub.beat()
        assert hub.monitor().paused_until == hub.wall() + 60 * MINUTE_MS


async def test_a_pause_by_a_wrong_clock_ends_in_time_after_a_restart(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db", skew_ms=YEAR_MS) as hub:
        await hub.live(3)
        await pause(hub, 2 * HOUR_MS)
        await hub.restart(off_s=10, by_ms=-YEAR_MS)
        await hub.beat()
        assert (hub.monitor().paused_until or 0) <= hub.wall() + 2 * HOUR_MS


async def test_a_pause_by_the_right_clock_outlives_a_restart_under_a_wrong_one(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(3)
        await pause(hub, 2 * DAY_MS)
        ends = hub.monitor().paused_until
        await hub.restart(off_s=10, by_ms=YEAR_MS)
        await hub.restart(off_s=10, by_ms=-YEAR_MS)
        await hub.beat()
        assert hub.monitor().paused_until == ends


@pytest.mark.parametrize("by_ms", STEPS)
async def test_nobody_is_called_down_and_silence_is_what_it_was(tmp_path: Path, by_ms: int) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(12)
        interval_s = hub.monitor().interval_s
        hub.skew_ms = by_ms
        hub.pass_time(30)
        await hub.beat()
        assert await judged(hub) == await judged(hub) == ()
        monitor = hub.monitor()
        assert (monitor.status, monitor.interval_s) == (Status.UP, interval_s)
        assert hub.wall() - (monitor.last_report_at or 0) == 30_000
        assert monitor.status_since <= hub.wall()
        await hub.live(3)
        assert (hub.monitor().interval_s, hub.monitor().network_rx_rate) == (interval_s, PER_S)


@pytest.mark.parametrize("starts_at_ms", [20_000, START_MS - 3 * HOUR_MS])
async def test_a_machine_that_learns_the_time_a_minute_after_its_start(tmp_path: Path, starts_at_ms: int) -> None:
    """It starts with 1970 or the last hour that it saved; what was stored before stays where it is."""
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(20)
        before = hub.stamps()
        await hub.stop(kill=True)
        hub.pass_time(10 * 86_400)
        hub.boot(starts_at_ms)
        await hub.start()
        await hub.live(3, every_s=20)
        assert hub.stamps()[20:] == [before[-1] + 1 + 20_000 * n for n in (1, 2, 3)]
        hub.skew_ms = 0
        hub.pass_time(5)
        await hub.beat()
        assert hub.stamps() == [*before, *(hub.true_ms() - ago_ms for ago_ms in (45_000, 25_000, 5_000))]
        told = [(event.detail["says"], round(event.detail["by_s"] / 86_400)) for event in await hub.clock_events()]
        assert told[-1] == (None, 10)
        await hub.upkeep.go_round()
        assert await hub.received() == hub.sent["a"][-1] - hub.sent["a"][0]


async def test_a_new_machine_that_begins_in_1970(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db", skew_ms=20_000 - START_MS) as hub:
        await hub.live(3)
        hub.skew_ms = 0
        hub.pass_time(5)
        await hub.beat()
        await hub.live(2)
        assert hub.stamps() == [START_MS + at for at in (60_000, 120_000, 180_000, 245_000, 305_000)]
        assert hub.monitor().created_at == START_MS
        await hub.upkeep.go_round()
        assert len(hub.stamps()) == 5
        assert hub.run.since == START_MS


async def test_forecasts_take_no_leap(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db", names=("a",)) as hub:
        for hour in range(60):
            hub.pass_time(3600)
            await hub.beat()
            await hub.writer.store(hub.keys["a"], make_report(disk_usage=(MountUsage("/", 20 + hour / 4),)), "::1")
        await hub.upkeep.go_round()
        await hub.beat()
        left_ms = hub.full_at() - hub.wall()
        for by_ms in (8 * HOUR_MS, 0, 20 * DAY_MS, 0):
            hub.skew_ms = by_ms
            await hub.beat()
            assert hub.full_at() - hub.wall() == left_ms


async def test_a_year_ahead_for_three_days_loses_nothing(tmp_path: Path) -> None:
    """Raw reports of the first day are forgotten by then: their buckets are moved."""
    async with Hub(tmp_path / "a.db", names=("a",)) as hub:
        await hub.live(6, every_s=600)
        hub.skew_ms = YEAR_MS
        for _ in range(18):
            await hub.live(12, every_s=1200)
            await hub.upkeep.go_round()
        assert len(hub.stamps()) < 222
        hub.skew_ms = 0
        await hub.live(6, every_s=1200)  # an hour of doubt, then some
        await hub.upkeep.go_round()
        assert await hub.received() == hub.sent["a"][-1] - hub.sent["a"][0]
        rolled = hub.rows("SELECT bucket * 3600000, count FROM rollup_1h ORDER BY 1")
        assert sum(count for _, count in rolled) == len(hub.sent["a"])
        assert rolled[-1][0] <= hub.true_ms()
        assert rolled[0][0] == START_MS


@pytest.mark.parametrize("by_ms", [-8 * HOUR_MS, -30 * MINUTE_MS, -DAY_MS + 1])
async def test_a_step_back_that_is_taken_back_leaves_history_where_it_was(tmp_path: Path, by_ms: int) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(20)
        await hub.upkeep.go_round()
        hub.skew_ms = by_ms
        await hub.live(4)
        await hub.upkeep.go_round()
        hub.skew_ms = 0
        await hub.beat()
        await hub.live(2)
        await hub.upkeep.go_round()
        assert hub.stamps() == [START_MS + n * MINUTE_MS for n in range(1, 27)]
        assert await hub.received() == hub.sent["a"][-1] - hub.sent["a"][0]
        assert hub.monitor().status_since == START_MS + MINUTE_MS


@pytest.mark.parametrize("restart", [False, True])
async def test_a_clock_that_goes_back_by_a_year_after_days_is_doubted_for_an_hour(
    tmp_path: Path, restart: bool
) -> None:
    async with Hub(tmp_path / "a.db", names=("a",)) as hub:
        await hub.live(30, every_s=3600)
        before = hub.stamps()
        hub.skew_ms = -YEAR_MS
        if restart:
            await hub.restart(off_s=10)
        await hub.live(50)
        assert hub.stamps()[:30] == before
        assert hub.stamps()[-1] > before[-1]
        assert [event.detail["by_s"] < 0 for event in await hub.clock_events()] == [True]
        await hub.live(20)
        assert hub.stamps()[-1] == hub.wall()


@pytest.mark.parametrize("by_ms", STEPS)
async def test_everyones_silence_lasts_as_long_as_it_does(tmp_path: Path, by_ms: int) -> None:
    async with Hub(tmp_path / "a.db", names=("a", "b", "c")) as hub:
        await hub.live(12)
        hub.pass_time(400)
        (silence,) = [event for event in await judged(hub) if event.kind is EventKind.SILENCE]
        assert silence.detail["monitors"] == 3
        hub.skew_ms = by_ms
        hub.pass_time(300)
        await hub.beat()
        await hub.report("a")
        (over,) = [event for event in await judged(hub) if event.kind is EventKind.REPORTS_AGAIN]
        assert over.detail["for_s"] == 300


async def judged(hub: Hub) -> tuple[Event, ...]:
    return (await hub.judge.pass_judgement(hub.writer)).events


async def test_while_servers_are_moved_to_another_time_that_is_known(tmp_path: Path) -> None:
    seen = []

    class Memory:
        def shift(self, _: Shift) -> None:
            seen.append(hub.steps.moving)

    async with Hub(tmp_path / "a.db") as hub:
        hub.steps = ClockSteps(hub.clock, hub.writer, [Memory()], hub.run)
        for hub.skew_ms in (DAY_MS, 0):
            await hub.beat()
        assert (seen, hub.steps.moving) == ([True, True], False)


@pytest.mark.parametrize("by_ms", [*STEPS, 5 * MINUTE_MS, -5 * MINUTE_MS])
async def test_reminders_come_each_six_hours_whatever_the_clock_says(tmp_path: Path, by_ms: int) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        outbox = await Outbox.open(hub.path)
        sent: list[Mapping[str, Any]] = []

        async def deliver(_: Target, content: Mapping[str, Any]) -> None:
            sent.extend(event for event in content["events"] if event["kind"] == "still_down")

        async def wait(seconds: float) -> None:
            hub.pass_time(seconds)
            await hub.beat()
            await hub.judge.pass_judgement(hub.writer)
            await notifier.look()
            while busy := [task for task in asyncio.all_tasks() if task.get_name() == DELIVERY]:
                await asyncio.wait(busy)

        notifier = Notifier(outbox, hub.writer, deliver, hub.clock.now, monotonic=hub.steady_s)
        add = partial(add_channel, target="x", kind=ChannelKind.COMMAND, shown="x", level=Level.WARNING, name="x")
        await hub.writer.transact(partial(add, now=hub.clock.now()))
        await hub.live(6)
        for hours in (0.5, 6, 0.5):
            await wait(hours * 3600)
        assert len(sent) == 2  # one for each server
        hub.skew_ms = by_ms
        for hours in (0.1, 1.5, 3.5):
            await wait(hours * 3600)
        assert len(sent) == 2
        await wait(1.5 * 3600)
        assert len(sent) == 4
        await notifier.close()
        await outbox.close()
