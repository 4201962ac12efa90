"""A clock that is set: told, followed, and no report is lost, out of order or in the future for it."""

import asyncio
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.clock import TOLERANCE_MS
from store import restamp
from store.errors import StoreUnavailableError
from store.models import Monitor
from store.restamp import Moved
from store.series import Plan, read_points
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS, ONE_HOUR
from store.writer import Change
from tests.server.hub import PER_S, Hub

YEAR_MS = 365 * DAY_MS
MOST_OFF = 1.2
"""Over a restart of 20 s, the stamps may be off by the tolerance."""

CHART_MS = (1_000, 60_000, HOUR_MS)


async def check(hub: Hub) -> None:
    """Hold what must hold whatever the clock did."""
    await hub.beat()
    await hub.upkeep.go_round()
    for name in hub.names:
        stamps, sent = hub.stamps(name), hub.sent[name]
        # A clock that is ahead for hours has some raw reports forgotten early, the oldest first.
        kept = hub.rows("SELECT network_rx_bytes FROM sample WHERE monitor_id = ? ORDER BY at", hub.monitor(name).id)
        assert [row[0] for row in kept] == sent[len(sent) - len(kept) :]
        assert len(kept) == len(sent) or hub.was_ahead_for_s > 7_000
        assert all(a < b for a, b in pairwise(stamps))
        if stamps:
            assert stamps[-1] <= hub.clock.now() + TOLERANCE_MS
            assert await hub.received(name) == sent[-1] - sent[0]
        monitor = hub.monitor(name)
        assert (monitor.network_rx_rate or 0) <= PER_S * MOST_OFF
        assert (monitor.last_report_at or 0) <= hub.clock.now() + TOLERANCE_MS
        points = (await hub.reader.tier_points(monitor, ONE_HOUR, 0, 2**50)).points
        assert sum(point.count for point in points) == len(sent)
        await check_charts(hub, monitor, sent[len(sent) - len(kept) :])
    ahead = hub.clock.now() + TOLERANCE_MS
    for table, column in (("event", "at"), ("verdict", "at"), ("receiver_run", "alive_at"), ("latest", "status_since")):
        assert hub.rows(f"SELECT count(*) FROM {table} WHERE {column} > ?", ahead) == [(0,)]


async def check_charts(hub: Hub, monitor: Monitor, kept: list[int]) -> None:
    for width_ms in CHART_MS:
        connection = hub.reader._connection
        series = await read_points(connection, monitor.id, 0, 2**50, Plan(None, width_ms), monitor.interval_s)
        # A point's seconds are rounded to whole ones.
        assert all((point.rx_bytes or 0) <= PER_S * MOST_OFF * (point.network_s + 0.51) for point in series.points)
        moved = sum((point.rx_bytes or 0) + (point.rx_gap_bytes or 0) for point in series.points)
        assert moved == (kept[-1] - kept[0] if kept else 0)


async def test_eight_hours_ahead_then_right(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(30)
        true = hub.stamps()
        hub.skew_ms = 8 * HOUR_MS
        await hub.live(20)
        wrong = hub.stamps()[30:]
        assert min(wrong) > hub.true_ms()
        hub.skew_ms = 0
        await hub.beat()
        assert hub.stamps() == [*true, *(at - 8 * HOUR_MS for at in wrong)]
        await hub.live(5)
        assert hub.stamps()[-5:] == [hub.true_ms() - ago * MINUTE_MS for ago in reversed(range(5))]
        assert [event.detail["by_s"] for event in await hub.clock_events()] == [8 * 3600, -8 * 3600]
        await check(hub)


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize("ahead_ms", [10 * MINUTE_MS, 8 * HOUR_MS, YEAR_MS])
async def test_ahead_until_a_restart(tmp_path: Path, ahead_ms: int, kill: bool) -> None:
    async with Hub(tmp_path / "a.db", skew_ms=ahead_ms) as hub:
        await hub.live(9)
        await hub.upkeep.go_round()
        await hub.restart(off_s=20, by_ms=-ahead_ms, kill=kill)
        await hub.beat()
        assert hub.stamps()[-1] <= hub.true_ms()
        assert hub.monitor().last_report_at == hub.stamps()[-1]
        await hub.live(3)
        assert hub.monitor().network_rx_rate == PER_S
        assert len(await hub.clock_events()) == 1
        await check(hub)


async def test_a_stretch_longer_than_it_was_ahead_is_moved_whole(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(30)
        hub.skew_ms = HOUR_MS
        await hub.live(200)
        hub.skew_ms = 0
        await hub.beat()
        stamps = hub.stamps()
        assert [b - a for a, b in pairwise(stamps)] == [MINUTE_MS] * 229
        assert stamps[-1] == hub.true_ms()
        await check(hub)


async def test_many_reports_are_moved_in_small_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restamp, "ROWS", 7)
    async with Hub(tmp_path / "a.db", names=("a",)) as hub:
        await hub.live(3)
        hub.skew_ms = DAY_MS
        await hub.live(40)
        hub.skew_ms = 0
        looking = asyncio.create_task(hub.steps.look())
        for _ in range(5):  # reports go on meanwhile
            hub.pass_time(0.1)
            await hub.report()
        assert not looking.done()
        await looking
        await hub.live(2)
        await check(hub)


async def test_a_crash_amid_the_pieces_is_made_good_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restamp, "ROWS", 7)
    async with Hub(tmp_path / "a.db", names=("a", "b")) as hub:
        await hub.live(3)
        hub.skew_ms = DAY_MS
        await hub.live(40)
        hub.skew_ms = 0
        move, turns = hub.writer.move, iter(range(9))

        async def move_and_fail(change: Change[Moved]) -> Moved:
            if next(turns, None) is None:
                raise StoreUnavailableError("the store takes no writes")
            return await move(change)

        monkeypatch.setattr(hub.writer, "move", move_and_fail)
        with pytest.raises(StoreUnavailableError):
            await hub.steps.look()
        assert 0 < sum(at > hub.wall() for name in hub.names for at in hub.stamps(name)) < 80
        await hub.restart(kill=True)
        await hub.beat()
        await hub.live(2)
        await check(hub)


courses = st.lists(
    st.tuples(st.just("report"), st.sampled_from([0.0, 0.02, 1.0, 30.0, 60.0, 60.0, 60.0, 300.0, 4000.0]))
    | st.tuples(st.just("live"), st.sampled_from([2, 5, 15]))
    | st.tuples(
        st.just("set"),
        st.sampled_from([-0.02, 1.5, -1.5, -10, 10, -61, 300, -3600, 8 * 3600, -8 * 3600, 864_000, 365 * 86_400]),
    )
    | st.tuples(st.just("right"), st.just(0))
    | st.tuples(st.sampled_from(["restart", "kill"]), st.sampled_from([0, -8 * 3600, 8 * 3600, 600]))
    | st.tuples(st.just("round"), st.just(0)),
    max_size=12,
)


async def live_through(hub: Hub, course: list[tuple[str, float]]) -> None:
    for kind, value in course:
        match kind:
            case "report":
                hub.pass_time(value)
                await hub.report(hub.names[0])
            case "live":
                await hub.live(int(value))
            case "set":
                hub.skew_ms += round(value * 1000)
            case "right":
                hub.skew_ms = 0
            case "round":
                await hub.upkeep.go_round()
            case _:
                await hub.restart(off_s=20, by_ms=round(value * 1000), kill=kind == "kill")
        hub.pass_time(1)
        if kind not in ("set", "right"):
            await hub.beat()


@settings(max_examples=12)
@given(courses)
def test_whatever_the_clock_does_history_holds(course: list[tuple[str, float]]) -> None:
    async def live() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with Hub(Path(folder) / "a.db") as hub:
                await live_through(hub, course)
                await check(hub)

    asyncio.run(live())
