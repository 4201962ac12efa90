"""The housekeeping: it goes on, it forgets by a clock that can be trusted, and reports come first."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from server import upkeep as upkeep_module
from server.upkeep import FORGETTING_SPEED, ForgettingClock, Upkeep, UpkeepOptions, forgotten_to
from store import changes
from store.errors import StoreUnavailableError
from store.models import MountUsage
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS, ROLLED
from store.writer import FILE_GONE, Writer
from tests.conftest import START_MS, Clock, Create, make_report
from tests.server.hub import Hub
from tests.store.history import History

YEAR_S = 365 * 86_400


def forgetting(clock: Clock, seen: int | None = START_MS) -> ForgettingClock:
    return ForgettingClock(seen, clock.wall, clock.listening_s)


def test_forgetting_keeps_time_with_a_clock_that_runs(clock: Clock) -> None:
    forget = forgetting(clock)
    for _ in range(100):
        clock.advance(300)
        assert forget.now() == clock.ms


def test_a_clock_that_jumps_ahead_for_a_minute_makes_nothing_forgotten(clock: Clock) -> None:
    forget = forgetting(clock)
    clock.ms += YEAR_S * 1000
    assert forget.now() == START_MS
    clock.advance(60)
    assert forget.now() == START_MS + FORGETTING_SPEED * MINUTE_MS
    clock.ms -= YEAR_S * 1000
    assert forget.now() == clock.ms


def test_forgetting_catches_up_after_a_month_off(clock: Clock) -> None:
    forget = forgetting(clock, START_MS - 30 * DAY_MS)
    for _ in range(30 * 24 // FORGETTING_SPEED + 2):
        clock.advance(3600)
        found = forget.now()
    assert found == clock.ms


def test_a_clock_that_was_behind_makes_forgetting_start_over_from_where_it_was(clock: Clock) -> None:
    forget = forgetting(clock)
    clock.ms -= 50 * YEAR_S * 1000
    clock.advance(60)
    assert forget.now() == clock.ms
    clock.ms += 50 * YEAR_S * 1000
    clock.advance(60)
    assert forget.now() == clock.ms


def test_without_any_history_the_clock_is_believed(clock: Clock) -> None:
    assert forgetting(clock, None).now() == START_MS


def counts(path: Path) -> dict[str, int]:
    tables = ["sample", "sample_mount", *(f"rollup{kind}_{tier.name}" for tier in ROLLED for kind in ("", "_mount"))]
    connection = sqlite3.connect(path)
    try:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    finally:
        connection.close()


async def report_minutely(history: History, minutes: int) -> None:
    for _ in range(minutes):
        history.clock.advance(60)
        await history.report(make_report())
    await history.go_round()


@pytest.mark.parametrize("restart", [False, True])
async def test_a_minute_of_a_year_ahead_wipes_no_history(tmp_path: Path, restart: bool) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        await report_minutely(history, 300)
        before = counts(history.path)
        history.clock.ms += YEAR_S * 1000
        if restart:
            await history.restart()
        for _ in range(12):
            history.clock.advance(5)
            await history.report(make_report())
            await history.go_round()
        after = counts(history.path)
        assert all(after[table] > before[table] for table in before)
        assert history.writer.problem is None


async def test_forecasts_go_on_after_the_clock_has_been_ahead(tmp_path: Path) -> None:
    async def grow(hours: int) -> None:
        for _ in range(hours):
            usage[0] += 0.25
            history.clock.advance(3600)
            await history.report(make_report(disk_usage=(MountUsage("/", usage[0]),)))
        await history.go_round()

    usage = [20.0]
    async with History(tmp_path / "a.db", Clock()) as history:
        await grow(48)
        history.clock.ms += YEAR_S * 1000
        await history.go_round()
        history.clock.ms -= YEAR_S * 1000
        await grow(3)
        full_at = (await history.monitor()).full_at["/"]
        assert abs(full_at - history.clock.ms - (100 - usage[0]) * 4 * HOUR_MS) < 10 * HOUR_MS


async def test_a_store_in_trouble_ends_a_round_and_not_the_housekeeping(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("a")
    await writer.store(key, make_report(), "::1")
    upkeep = Upkeep(writer, UpkeepOptions(every_s=0.01), clock.wall, clock.listening_s)
    moved = database.with_name("moved.db")
    move(database, moved)
    with pytest.raises(StoreUnavailableError, match="moved"):
        await upkeep.go_round()
    task = asyncio.create_task(upkeep.run())
    await asyncio.sleep(0.05)
    assert writer.problem == FILE_GONE
    move(moved, database)
    async with asyncio.timeout(10):
        await until(lambda: counts(database)["rollup_1h"] > 0)
    task.cancel()
    await asyncio.wait([task])


def move(source: Path, target: Path) -> None:
    source.rename(target)


async def until(holds: Callable[[], bool]) -> None:
    for _ in itertools.takewhile(lambda _: not holds(), itertools.count()):
        await asyncio.sleep(0.01)


async def test_a_monitor_deleted_amid_a_round_does_no_harm(writer: Writer, create: Create, clock: Clock) -> None:
    keys = await create("a", "b", "c")
    for key in keys:
        await writer.store(key, make_report(), "::1")
    upkeep = Upkeep(writer, UpkeepOptions(), clock.wall, clock.listening_s)
    going = asyncio.create_task(upkeep.go_round())
    await asyncio.sleep(0)
    await writer.change(partial(changes.delete_monitor, name="b", now=START_MS))
    await going
    await upkeep.go_round()
    assert set(writer.lives) == {1, 3}
    assert writer.problem is None


async def test_between_two_steps_there_is_a_pause_as_long_as_the_work(
    writer: Writer, create: Create, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    keys = await create(*(f"m{n}" for n in range(3 * upkeep_module.MONITORS_AT_ONCE)))
    for key in keys:
        await writer.store(key, make_report(), "::1")
    monkeypatch.setattr("server.upkeep.asyncio.sleep", note)
    await Upkeep(writer, UpkeepOptions(), clock.wall, clock.listening_s).go_round()
    assert len(pauses) >= 6
    assert min(pauses) >= upkeep_module.LEAST_PAUSE_S


async def test_a_restart_does_not_believe_a_clock_that_is_a_year_ahead(tmp_path: Path) -> None:
    async with Hub(tmp_path / "a.db") as hub:
        await hub.live(90)
        await hub.upkeep.go_round()
        hub.skew_ms = YEAR_S * 1000
        await hub.live(3)
        for kill in (False, True):
            await hub.restart(kill=kill)
            await hub.live(2)
            await hub.upkeep.go_round()
        assert len(hub.stamps()) == 97
        assert counts(hub.path)["rollup_5m"] > 2 * 90 / 5


@pytest.mark.parametrize(
    ("runs", "reached"),
    [
        ([], None),
        ([(1_000, 5_000)], 5_000),
        ([(1_000, 5_000), (9_000, 10_000)], 10_000),
        ([(0, 1_000), (YEAR_S * 1000, YEAR_S * 1000 + 10)], 1_000 + 10 * FORGETTING_SPEED),
        ([(0, 1_000), (YEAR_S * 1000, YEAR_S * 1000 + 10), (1_500, 9_000)], 9_000),
    ],
)
def test_how_far_forgetting_came_is_told_by_the_runs(runs: list[tuple[int, int]], reached: int | None) -> None:
    assert forgotten_to(runs) == reached
