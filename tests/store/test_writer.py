"""The writer's promise: what it acknowledged is stored, each row alone if need be, and nothing is half done."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiosqlite
import pytest

import store.writer
from store import changes
from store.batch import Entry, Stored, write_batch
from store.errors import StoreUnavailableError, UnknownKeyError
from store.ledger import Contents, Ledger
from store.models import MountUsage, Status
from store.place import Place
from store.reader import Reader
from store.runs import begin_run
from store.schema import companions
from store.verdicts import Ruling
from store.writer import FILE_GONE, MAX_WAITING, Writer
from tests.conftest import START_MS, Clock, Create, make_report, ruled

FOREVER = 2**60


async def stored(database: Path, monitor_id: int = 1) -> list[float]:
    reader = await Reader.open(database)
    try:
        return [sample.report.cpu_usage for sample in await reader.samples(monitor_id, 0, FOREVER)]
    finally:
        await reader.close()


def problem_of(writer: Writer) -> str | None:
    return writer.problem  # a call, since mypy takes a property to stay what it was asserted to be


async def test_a_stored_report_is_read_back_whole(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    report = make_report(disk_usage=(MountUsage("/var", 71.25), MountUsage("/", 45.0, "50G", "22G", "28G")))
    await writer.store(key, report, "192.0.2.7")
    reader = await Reader.open(database)
    (sample,) = await reader.samples(1, 0, FOREVER)
    monitor = await reader.monitor("web-1")
    await reader.close()
    assert sample.report == report
    assert sample.at == START_MS
    assert monitor is not None
    assert monitor.report == report
    assert (monitor.status, monitor.last_report_at, monitor.address) == (Status.UP, START_MS, "192.0.2.7")
    assert monitor.cpu_course == (23.5,)


async def test_an_acknowledged_report_is_on_disk_for_another_connection(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("web-1")
    await asyncio.gather(*(writer.store(key, make_report(cpu_usage=float(n)), "::1") for n in range(50)))
    other = sqlite3.connect(database)
    assert other.execute("SELECT count(*) FROM sample").fetchone() == (50,)
    other.close()


async def test_times_rise_strictly_even_when_the_clock_goes_back(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    for step in (0, 0, -60_000, 5):
        clock.ms += step
        await writer.store(key, make_report(), "::1")
    reader = await Reader.open(database)
    times = [sample.at for sample in await reader.samples(1, 0, FOREVER)]
    await reader.close()
    assert times == [START_MS, START_MS + 1, START_MS + 2, START_MS + 3]


async def test_commits_are_synced_and_the_log_is_a_wal(writer: Writer) -> None:
    async def settings(connection: aiosqlite.Connection, _: Ledger) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum")
        return [next(iter(await connection.execute_fetchall(f"PRAGMA {name}")))[0] for name in names]

    assert await writer.transact(settings) == ["wal", 2, 1, 2]


async def test_a_report_with_an_unknown_key_is_refused_and_its_neighbours_are_stored(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("web-1")
    results = await asyncio.gather(
        writer.store(key, make_report(cpu_usage=1.0), "::1"),
        writer.store("amk_nobody", make_report(cpu_usage=2.0), "::1"),
        writer.store(key, make_report(cpu_usage=3.0), "::1"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), UnknownKeyError, type(None)]
    assert await stored(database) == [1.0, 3.0]


@pytest.mark.parametrize("poison", [{"network_rx_bytes": 2**70}, {"os": "\ud800"}, {"cpu_usage": float("nan")}])
async def test_a_poisoned_report_takes_no_neighbour_along(
    writer: Writer, database: Path, create: Create, poison: dict[str, object]
) -> None:
    (key,) = await create("web-1")
    results = await asyncio.gather(
        writer.store(key, make_report(cpu_usage=1.0), "::1"),
        writer.store(key, make_report(**poison), "::1"),
        writer.store(key, make_report(cpu_usage=3.0), "::1"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), StoreUnavailableError, type(None)]
    assert await stored(database) == [1.0, 3.0]
    assert writer.problem is None


async def test_a_fault_of_ours_in_one_report_leaves_the_writer_at_work(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = await create("web-1")
    write = write_batch

    async def faulty(connection: aiosqlite.Connection, ledger: Ledger, entries: Sequence[Entry]) -> Stored:
        if any(entry.report.cpu_usage == 2.0 for entry in entries):
            raise KeyError("a fault of ours")
        return await write(connection, ledger, entries)

    monkeypatch.setattr(store.writer, "write_batch", faulty)
    sends = (writer.store(key, make_report(cpu_usage=cpu), "::1") for cpu in (1.0, 2.0, 3.0))
    results = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), StoreUnavailableError, type(None)]
    assert await stored(database) == [1.0, 3.0]


async def test_trouble_while_a_change_is_read_back_undoes_it(
    writer: Writer, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_: aiosqlite.Connection) -> Contents:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(store.writer, "read_contents", failing)
        with pytest.raises(StoreUnavailableError, match="disk I/O error"):
            await create("web-1")
    assert not writer.lives
    await create("web-1")
    assert len(writer.lives) == 1


@pytest.mark.parametrize("steps", range(12))
async def test_a_transaction_whose_asker_is_cancelled_spoils_no_other(
    writer: Writer, database: Path, create: Create, steps: int
) -> None:
    (key,) = await create("web-1")
    asked = asyncio.ensure_future(writer.transact(partial(begin_run, now=1)))
    for _ in range(steps):
        await asyncio.sleep(0)
    asked.cancel()
    await writer.transact(partial(begin_run, now=2))
    await writer.store(key, make_report(cpu_usage=3.0), "::1")
    assert writer.problem is None
    assert await stored(database) == [3.0]


async def test_a_locked_store_refuses_says_why_and_recovers(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    await writer.transact(_no_patience)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        await writer.store(key, make_report(), "::1")
    assert "locked" in str(problem_of(writer))
    other.execute("ROLLBACK")
    other.close()
    await writer.store(key, make_report(cpu_usage=7.0), "::1")
    assert problem_of(writer) is None
    assert await stored(database) == [7.0]


async def _no_patience(connection: aiosqlite.Connection, _: Ledger) -> None:
    await connection.execute("PRAGMA busy_timeout = 0")


async def test_a_database_deleted_under_the_writer_is_noticed(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    moved = database.with_name("elsewhere")
    database.rename(moved)  # noqa: ASYNC240
    with pytest.raises(StoreUnavailableError, match="moved, replaced or deleted"):
        await writer.store(key, make_report(), "::1")
    assert problem_of(writer) == FILE_GONE
    moved.rename(database)
    await writer.store(key, make_report(), "::1")
    assert problem_of(writer) is None


async def test_a_log_deleted_under_the_writer_is_noticed_and_what_it_held_is_kept(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(cpu_usage=5.0), "::1")
    companions(database)[0].unlink()
    with pytest.raises(StoreUnavailableError, match="moved, replaced or deleted"):
        await writer.look_after_files()
    assert problem_of(writer) == FILE_GONE
    copy = database.with_name("copy.db")
    copy.write_bytes(database.read_bytes())  # noqa: ASYNC240
    assert await stored(copy) == [5.0]


async def test_files_made_read_only_under_the_writer_are_not_touched(
    writer: Writer, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = await create("web-1")
    monkeypatch.setattr(Place, "is_safe", lambda _: False)
    monkeypatch.setattr(writer, "_connection", None)  # any use of it fails in another way
    with pytest.raises(StoreUnavailableError, match="read-only"):
        await writer.store(key, make_report(), "::1")
    with pytest.raises(StoreUnavailableError, match="read-only"):
        await writer.look_after_files()
    monkeypatch.undo()
    await writer.store(key, make_report(), "::1")
    assert problem_of(writer) is None


async def test_reports_in_memory_are_bounded(writer: Writer, create: Create) -> None:
    (key,) = await create("web-1")
    sends = [asyncio.ensure_future(writer.store(key, make_report(), "::1")) for _ in range(MAX_WAITING + 10)]
    results = await asyncio.gather(*sends, return_exceptions=True)
    refused = [result for result in results if isinstance(result, StoreUnavailableError)]
    assert len(refused) == 10


async def test_closing_writes_what_waits(database: Path, clock: Clock) -> None:
    writer = await Writer.open(database, clock.wall, clock.listening_s)
    ((_, _, key),) = await writer.change(partial(changes.create_monitors, names=["web-1"], now=clock.wall()))
    sends = [asyncio.ensure_future(writer.store(key, make_report(), "::1")) for _ in range(5)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*sends) == [None] * 5
    assert len(await stored(database)) == 5
    with pytest.raises(StoreUnavailableError):
        await writer.store(key, make_report(), "::1")


async def test_after_closing_the_one_file_holds_all_though_a_reader_keeps_the_log(
    database: Path, clock: Clock, tmp_path: Path
) -> None:
    writer = await Writer.open(database, clock.wall, clock.listening_s)
    reader = await Reader.open(database)
    await reader.changes()
    ((_, _, key),) = await writer.change(partial(changes.create_monitors, names=["web-1"], now=clock.wall()))
    await writer.store(key, make_report(cpu_usage=5.0), "::1")
    await writer.close()
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())  # noqa: ASYNC240
    await reader.close()
    assert await stored(copy) == [5.0]


async def test_a_sender_that_went_away_does_not_disturb_the_batch(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("web-1")
    gone = asyncio.ensure_future(writer.store(key, make_report(cpu_usage=1.0), "::1"))
    stays = asyncio.ensure_future(writer.store(key, make_report(cpu_usage=2.0), "::1"))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert await stored(database) == [1.0, 2.0]


async def test_a_change_that_fails_leaves_nothing_behind(writer: Writer, database: Path, create: Create) -> None:
    async def half(connection: aiosqlite.Connection, _: Ledger) -> None:
        await connection.execute("INSERT INTO purge VALUES (99)")
        raise KeyError("half-way")

    with pytest.raises(KeyError):
        await writer.transact(half)
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "::1")
    assert not await writer.transact(changes.purge_deleted)


async def test_verdicts_are_written_and_a_report_raises_them_at_once(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "::1")
    clock.advance(400)
    (judged,) = (await writer.rejudge(ruled(Status.DOWN, clock.ms))).changed
    assert (judged.monitor.status, judged.monitor.status_since) == (Status.DOWN, clock.ms)
    assert writer.lives[1].monitor.status is Status.DOWN
    assert await writer.rejudge(ruled(Status.DOWN, clock.ms)) == Ruling()
    clock.advance(1)
    await writer.store(key, make_report(), "::1")
    monitor = writer.lives[1].monitor
    assert (monitor.status, monitor.status_since) == (Status.UP, clock.ms)


async def test_a_report_does_not_end_a_pause(writer: Writer, create: Create, clock: Clock) -> None:
    (key,) = await create("web-1")
    await writer.change(partial(changes.pause_monitor, name="web-1", now=clock.ms))
    await writer.store(key, make_report(), "::1")
    assert writer.lives[1].monitor.status is Status.PAUSED


async def test_what_a_writer_knows_survives_its_restart(database: Path, clock: Clock) -> None:
    writer = await Writer.open(database, clock.wall, clock.listening_s)
    ((_, _, key),) = await writer.change(partial(changes.create_monitors, names=["web-1"], now=clock.wall()))
    for _ in range(4):
        clock.advance(60)
        await writer.store(key, make_report(), "192.0.2.7")
    before = writer.lives[1]
    await writer.close()
    again = await Writer.open(database, clock.wall, clock.listening_s)
    after = again.lives[1]
    await again.close()
    assert after.monitor == replace(before.monitor, cpu_course=(23.5,) * 4)
    assert (after.course, after.gaps, after.heard_s) == (before.course, before.gaps, None)
    assert after.monitor.interval_s == 60


async def test_names_are_stored_once_and_keep_their_meaning(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    for hostname in ("a", "b", "a"):
        for mount in ("/", "/srv"):
            await writer.store(key, make_report(hostname=hostname, disk_usage=(MountUsage(mount, 1.0),)), "::1")
    reader = await Reader.open(database)
    samples = await reader.samples(1, 0, FOREVER)
    await reader.close()
    assert [sample.report.hostname for sample in samples] == ["a", "a", "b", "b", "a", "a"]
    assert [sample.report.disk_usage[0].mount for sample in samples] == ["/", "/srv"] * 3
    other = sqlite3.connect(database)
    assert other.execute("SELECT count(*) FROM host").fetchone() == (2,)
    assert other.execute("SELECT count(*) FROM mount").fetchone() == (2,)
    other.close()
