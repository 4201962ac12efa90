"""Charts: never more points than asked for, the right tier, gaps that stay gaps, and the times of the receiver."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import runs
from store.models import Monitor
from store.series import Oldest, Plan, Series, plan
from store.tiers import DAY_MS, FIVE_MINUTES, HOUR_MS, MINUTE_MS, ONE_HOUR
from tests.conftest import START_MS, Clock, make_report
from tests.store.history import History

NOTHING = Oldest(None, None, None, None)
ALL = Oldest(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("hours", "points", "wanted"),
    [
        (1, 150, Plan(None, 24_162)),
        (6, 150, Plan(None, 144_967)),
        (24, 150, Plan(FIVE_MINUTES, 2 * FIVE_MINUTES.width_ms)),
        (24, 400, Plan(None, 216_542)),
        (7 * 24, 150, Plan(ONE_HOUR, 2 * HOUR_MS)),
        (7 * 24, 400, Plan(FIVE_MINUTES, 6 * FIVE_MINUTES.width_ms)),
        (30 * 24, 150, Plan(ONE_HOUR, 5 * HOUR_MS)),
        (400 * 24, 150, Plan(ONE_HOUR, 65 * HOUR_MS)),
    ],
)
def test_the_tier_follows_the_width_of_a_point(hours: int, points: int, wanted: Plan) -> None:
    assert plan(START_MS - hours * HOUR_MS, START_MS, points, ALL) == wanted


def test_a_tier_that_has_expired_gives_way_to_the_next() -> None:
    since, week_ago = START_MS - 3 * HOUR_MS, START_MS - 7 * DAY_MS
    assert plan(since, START_MS, 150, Oldest(START_MS - 1, week_ago, since, since)).tier is FIVE_MINUTES
    assert plan(since, START_MS, 150, Oldest(START_MS - 1, START_MS - 1, START_MS, since)).tier is ONE_HOUR
    assert plan(since, START_MS, 150, Oldest(None, None, None, since)).tier is ONE_HOUR
    assert plan(since, START_MS, 150, NOTHING).tier is None


def test_a_tier_that_begins_with_the_monitor_has_not_expired() -> None:
    since, first = START_MS - HOUR_MS, START_MS - 24 * MINUTE_MS
    five = first - first % FIVE_MINUTES.width_ms
    assert plan(since, START_MS, 150, Oldest(first, five, five, since)).tier is None


async def test_a_server_that_was_silent_when_the_period_began_is_still_drawn_finely(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 22)
        history.clock.advance(3600)
        await live(history, 10)
        found = await series(history, START_MS + 30 * MINUTE_MS, history.clock.ms + 1, 400)
        assert (found.step, len(found.points)) == ("raw", 10)


periods = st.tuples(st.integers(0, 2**42), st.integers(1, 500 * DAY_MS))


@given(
    periods, st.integers(2, 2000), st.sampled_from([ALL, NOTHING, Oldest(None, 0, 0, 0), Oldest(None, None, None, 0)])
)
def test_no_period_touches_more_points_than_asked_for(period: tuple[int, int], points: int, oldest: Oldest) -> None:
    since, length = period
    step = plan(since, since + length, points, oldest).step_ms
    assert (since + length - 1) // step - since // step + 1 <= points


async def live(history: History, minutes: int) -> None:
    for minute in range(minutes):
        history.clock.advance(60)
        await history.report(make_report(cpu_usage=float(minute % 100)))
    await history.go_round()


async def series(history: History, since: int, until: int, points: int = 100) -> Series:
    return await history.reader.series(await history.monitor(), since, until, points)


@pytest.mark.parametrize("points", [2, 3, 10, 100, 1000])
@pytest.mark.parametrize("shift", [0, 1, 59_999, 60_000, 299_999, 1_234_567])
async def test_points_stay_within_what_was_asked(tmp_path: Path, points: int, shift: int) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 130)
        for hours in (1, 2, 24, 24 * 30):
            until = history.clock.ms - shift
            found = await series(history, until - hours * HOUR_MS, until, points)
            assert 1 <= len(found.points) <= points
            times = [point.at for point in found.points]
            assert times == sorted(set(times))
            assert all(at % found.step_ms == 0 for at in times)
            assert until - hours * HOUR_MS - found.step_ms < times[0]
            assert times[-1] < until


async def test_every_report_of_a_raw_period_is_counted_once(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 60)
        found = await series(history, START_MS, START_MS + HOUR_MS)
        assert (found.step, sum(point.count for point in found.points)) == ("raw", 59)  # the last is at the end
        cpu = [point.numbers["cpu_usage"].avg for point in found.points]
        assert cpu == [float(n) for n in range(59)]
        assert {point.rx_rate for point in found.points[1:]} == {0.0}


async def test_raw_and_rolled_up_agree_in_their_whole(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 180)
        until = START_MS + 3 * HOUR_MS
        monitor = await history.monitor()
        raw = await series(history, START_MS, until, 1000)
        rolled = await history.reader.tier_points(monitor, ONE_HOUR, START_MS, until)
        assert (raw.step, rolled.step) == ("raw", "1h")
        assert sum(p.count for p in raw.points) == sum(p.count for p in rolled.points) == 179
        assert sum(p.network_s for p in raw.points) == sum(p.network_s for p in rolled.points)


async def test_a_silence_is_a_gap_and_never_filled(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 30)
        history.clock.advance(3600)
        await live(history, 30)
        for points in (20, 50, 100):
            found = await series(history, START_MS, history.clock.ms + 1, points)
            apart = [b.at - a.at for a, b in zip(found.points, found.points[1:], strict=False)]
            assert sum(each > found.gap_ms for each in apart) == 1, points
            assert sum(point.count for point in found.points) == 60


async def test_reports_slower_than_the_points_have_no_gaps_between_them(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        for _ in range(12):
            history.clock.advance(600)
            await history.report(make_report())
        await history.go_round()
        found = await series(history, START_MS, history.clock.ms + 1, 1000)
        assert len(found.points) == 12
        assert found.gap_ms > 600_000


async def test_empty_periods_are_empty(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        assert (await series(history, START_MS, START_MS + HOUR_MS)).points == ()
        await live(history, 10)
        for since, until in ((0, 1), (START_MS + DAY_MS, START_MS + 2 * DAY_MS), (START_MS, START_MS)):
            assert (await series(history, since, until)).points == ()
        gone = Monitor(**{name: getattr(await history.monitor(), name) for name in Monitor.__slots__} | {"id": 99})
        assert (await history.reader.series(gone, 0, 2**50, 100)).points == ()


async def test_a_chart_goes_on_from_hours_when_finer_tiers_have_expired(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 120)
        for _ in range(20):
            history.clock.advance(86_400)
            await live(history, 61)
        fine = await series(history, START_MS, START_MS + 2 * HOUR_MS, 100)
        assert (fine.step, sum(point.count for point in fine.points)) == ("1h", 119)
        recent = await series(history, history.clock.ms - 30 * MINUTE_MS, history.clock.ms, 100)
        assert recent.step == "raw"


async def test_the_times_the_receiver_ran_are_cut_to_the_period(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        transact = history.writer.transact
        first = await transact(partial(runs.begin_run, now=1_000))
        await transact(partial(runs.end_run, run_id=first, now=5_000))
        killed = await transact(partial(runs.begin_run, now=7_000))
        await transact(partial(runs.beat, run_id=killed, now=9_000))
        await transact(partial(runs.begin_run, now=20_000))
        receiver_runs = history.reader.receiver_runs
        assert await receiver_runs(0, 30_000) == [(1_000, 5_000), (7_000, 9_000), (20_000, 20_000)]
        assert await receiver_runs(2_000, 8_000) == [(2_000, 5_000), (7_000, 8_000)]
        assert await receiver_runs(5_500, 6_500) == []
        assert await receiver_runs(10_000, 15_000) == []
