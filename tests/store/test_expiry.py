"""Forgetting: by retention, in small batches, nothing too early, and the file stays small."""

import sqlite3
from functools import partial
from pathlib import Path

import aiosqlite
import pytest

from store import changes, expiry
from store.event_log import record
from store.events import Event, EventKind
from store.ledger import Ledger
from store.models import MountUsage, Status
from store.tiers import DAY_MS, FIVE_MINUTES, HOUR_MS, MINUTE_MS, ONE_HOUR, ROLLED, Retention
from store.verdicts import RECORD_VERDICT
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report
from tests.store.history import History

SHORT = Retention(2 * HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS)


@pytest.mark.parametrize(
    ("raw", "five_minutes", "one_hour", "says"),
    [
        (2 * HOUR_MS - 1, DAY_MS, DAY_MS, "at least 2 hours"),
        (0, DAY_MS, DAY_MS, "at least 2 hours"),
        (-1, DAY_MS, DAY_MS, "at least 2 hours"),
        (2 * DAY_MS, DAY_MS, 3 * DAY_MS, "wider tier"),
        (2 * HOUR_MS, 3 * DAY_MS, DAY_MS, "wider tier"),
    ],
)
def test_a_retention_that_would_lose_history_is_refused(raw: int, five_minutes: int, one_hour: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Retention(raw, five_minutes, one_hour)


def test_tiers_may_be_kept_equally_long() -> None:
    assert Retention(DAY_MS, DAY_MS, DAY_MS).of(ONE_HOUR) == DAY_MS


async def live(history: History, minutes: int) -> None:
    for minute in range(minutes):
        history.clock.advance(60)
        await history.report(make_report())
        if minute % 30 == 29:
            await history.go_round()
    await history.go_round()


def rows(path: Path, table: str, column: str = "at") -> list[int]:
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1")]
    finally:
        connection.close()


async def test_each_tier_holds_its_retention_and_little_more(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock(), SHORT) as history:
        await live(history, 26 * 60)
        raw, now = rows(history.path, "sample"), history.clock.ms
        # The hour that is open, and the report before it, stay; so do those of the last two hours.
        assert now - 3 * HOUR_MS - MINUTE_MS <= raw[0] <= now - 2 * HOUR_MS
        assert len(raw) == (now - raw[0]) // MINUTE_MS + 1
        assert set(rows(history.path, "sample_mount")) == set(raw)
        for tier in ROLLED:
            first = (now - SHORT.of(tier)) // tier.width_ms
            assert rows(history.path, f"rollup_{tier.name}", "bucket") == list(range(first, now // tier.width_ms + 1))
            assert rows(history.path, f"rollup_mount_{tier.name}", "min(bucket)") == [first]


async def test_what_is_not_rolled_up_stays_however_old_it_is(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock(), SHORT) as history:
        await history.report(make_report())
        await history.settle()
        expire = partial(expiry.expire, monitor_ids=[1], now=history.clock.ms + 900 * DAY_MS, retention=SHORT)
        assert await history.writer.transact(expire) is False
        assert len(rows(history.path, "sample")) == 1


async def test_a_silent_server_keeps_the_reports_of_its_last_hour(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock(), SHORT) as history:
        await live(history, 70)
        last = history.clock.ms
        history.clock.advance(3 * 86_400)
        await history.go_round()
        assert rows(history.path, "sample") == list(range(last - 10 * MINUTE_MS - MINUTE_MS, last + 1, MINUTE_MS))


async def test_of_many_changes_of_status_the_newest_are_kept(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "MAX_VERDICTS", 7)
    await create("web-1", "web-2")
    verdicts = [(1, START_MS + at, Status.DOWN) for at in range(1, 21)]
    await writer.transact(lambda connection, _: connection.executemany(RECORD_VERDICT, verdicts))
    forget = partial(expiry.expire, monitor_ids=[1, 2], now=START_MS, retention=SHORT)
    while await writer.transact(forget):
        pass
    assert rows(database, "verdict") == [START_MS, *(START_MS + at for at in range(14, 21))]


async def test_one_server_takes_no_place_of_others_in_the_log_of_events(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "MAX_EVENTS", 7)
    await create("web-1", "web-2")
    flood = [Event(EventKind.DEGRADED, START_MS + at, 1, "web-1") for at in range(1, 21)]
    await writer.transact(lambda connection, _: record(connection, flood))
    forget = partial(expiry.expire, monitor_ids=[1, 2], now=START_MS, retention=SHORT)
    while await writer.transact(forget):
        pass
    assert rows(database, "event") == [START_MS, *(START_MS + at for at in range(14, 21))]


async def test_no_transaction_removes_more_than_a_batch(tmp_path: Path) -> None:
    removed: list[int] = []

    async def counted(connection: aiosqlite.Connection, ledger: Ledger, *, now: int) -> bool:
        before = connection.total_changes
        more = await expiry.expire(connection, ledger, monitor_ids=[1], now=now, retention=SHORT)
        removed.append(connection.total_changes - before)
        return more

    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 12 * 60)
        while await history.writer.transact(partial(counted, now=history.clock.ms + 30 * DAY_MS)):
            pass
    assert sum(removed) > 2 * expiry.ROWS
    assert max(removed) <= expiry.ROWS


async def test_the_status_at_the_beginning_of_the_history_is_still_known(tmp_path: Path) -> None:
    async def flap(connection: aiosqlite.Connection, ledger: Ledger) -> None:
        await connection.executemany(RECORD_VERDICT, [(1, at * DAY_MS, Status.DOWN) for at in range(1, 1000)])

    async with History(tmp_path / "a.db", Clock(ms=1000 * DAY_MS)) as history:
        await history.writer.transact(flap)
        await history.go_round()
        assert rows(history.path, "verdict") == [at * DAY_MS for at in range(599, 1001)]


async def test_a_deleted_monitor_leaves_nothing_behind(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock()) as history:
        create = partial(changes.create_monitors, names=["b"], now=history.clock.ms, agent_key="amk_b")
        await history.writer.change(create)
        for minute in range(90):
            history.clock.advance(60)
            disks = tuple(MountUsage(f"/{minute % 7}/{n}", 50.0, "50G") for n in range(20))
            await history.report(make_report(disk_usage=disks, kernel=f"6.{minute}"))
            await history.writer.store("amk_b", make_report(), "::1")
        await history.go_round()
        before = owners(history.path)
        assert set(before.values()) == {frozenset({1, 2})}
        await history.writer.change(partial(changes.delete_monitor, name="a", now=START_MS))
        await history.go_round()
        assert {table: left for table, left in owners(history.path).items() if 1 in left or 2 not in left} == {}
        assert rows(history.path, "purge", "monitor_id") == []


NOT_OF_HISTORY = ("purge", "event", "incident")
"""Events tell of deleted monitors, too, and incidents are what channels were told of."""


def owners(path: Path) -> dict[str, frozenset[int]]:
    """Return whose rows each table of history holds; mounts' rollups belong to nobody (0) once the mount is gone."""
    connection = sqlite3.connect(path)
    found = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if "monitor_id" in columns and table not in NOT_OF_HISTORY:
            query = f"SELECT DISTINCT monitor_id FROM {table}"
        elif "mount_id" in columns:
            query = f"SELECT DISTINCT coalesce(monitor_id, 0) FROM {table} LEFT JOIN mount ON mount.id = mount_id"
        else:
            continue
        found[table] = frozenset(row[0] for row in connection.execute(query))
    connection.close()
    return found


async def test_freed_pages_are_used_again(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock(), SHORT) as history:
        await live(history, 26 * 60)
        before = pages(history.path)
        await live(history, 12 * 60)
        assert pages(history.path) <= before * 1.1


async def test_pages_that_stay_free_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "SPARE_PAGES", 3)
    async with History(tmp_path / "a.db", Clock()) as history:
        await live(history, 20 * 60)
        before = pages(history.path)
        await history.writer.change(partial(changes.delete_monitor, name="a", now=START_MS))
        await history.go_round()
        assert pages(history.path) < before * 0.6
        assert await history.writer.transact(free_pages) <= 3


async def free_pages(connection: aiosqlite.Connection, ledger: Ledger) -> int:
    ((free,),) = await connection.execute_fetchall("PRAGMA freelist_count")
    return int(free)


def pages(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])
    finally:
        connection.close()


def test_five_minutes_fit_into_hours() -> None:
    assert ONE_HOUR.width_ms % FIVE_MINUTES.width_ms == 0
