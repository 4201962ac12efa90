"""Reading: periods are half open, pages join without a seam, and a reader can change nothing."""

import sqlite3
from pathlib import Path

import pytest

from store import reader as reader_module
from store.connection import open_reader
from store.errors import DatabaseRefusedError, DatabaseReplacedError, StoreUnavailableError
from store.models import FleetChange, Status
from store.reader import Reader
from store.schema import prepare_database
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report


async def test_a_period_holds_its_start_and_not_its_end(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("a")
    for _ in range(4):
        await writer.store(key, make_report(), "::1")
        clock.advance(1)
    reader = await Reader.open(database)
    samples = await reader.samples(1, START_MS + 1000, START_MS + 3000)
    await reader.close()
    assert [sample.at - START_MS for sample in samples] == [1000, 2000]


@pytest.mark.parametrize("page", [1, 2, 3, 5, 6, 100])
async def test_pages_join_without_a_seam(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(reader_module, "PAGE", page)
    (key,) = await create("a")
    for n in range(6):
        await writer.store(key, make_report(cpu_usage=float(n)), "::1")
    reader = await Reader.open(database)
    samples = await reader.samples(1, 0, 2**60)
    await reader.close()
    assert [sample.report.cpu_usage for sample in samples] == [0, 1, 2, 3, 4, 5]
    assert all(len(sample.report.disk_usage) == 2 for sample in samples)


async def test_the_fleet_comes_by_name_with_all_ids(writer: Writer, database: Path, create: Create) -> None:
    await create("b", "a")
    reader = await Reader.open(database)
    fleet = await reader.changes()
    assert [(monitor.name, monitor.status) for monitor in fleet.monitors] == [
        ("a", Status.PENDING),
        ("b", Status.PENDING),
    ]
    assert fleet.ids == {1, 2}
    assert await reader.changes(fleet.seq) == FleetChange(fleet.seq, (), fleet.ids)
    assert await reader.monitor("c") is None
    found = await reader.monitor("a")
    assert found is not None
    assert found.id == 2
    await reader.close()


async def test_a_reader_can_change_nothing(writer: Writer, database: Path) -> None:
    connection = await open_reader(database)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await connection.execute("DELETE FROM monitor")
    await connection.close()


async def test_a_reader_sees_what_was_committed_before_a_crash(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("a")
    await writer.store(key, make_report(), "::1")
    copy = database.with_name("copy.db")
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).write_bytes(database.with_name(database.name + suffix).read_bytes())
    reader = await Reader.open(copy)
    assert len(await reader.samples(1, 0, 2**60)) == 1
    await reader.close()


async def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefusedError, match="there is no database"):
        await Reader.open(tmp_path / "a.db")
    (tmp_path / "a.db").touch()
    with pytest.raises(DatabaseRefusedError, match="older agentmon"):
        await Reader.open(tmp_path / "a.db")


async def test_trouble_while_reading_is_named(database: Path) -> None:
    reader = await Reader.open(database)
    other = sqlite3.connect(database)
    other.execute("DROP TABLE latest")
    other.close()
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        await reader.changes()
    await reader.close()


async def test_a_database_that_is_moved_away_is_read_on_until_another_takes_its_place(database: Path) -> None:
    reader = await Reader.open(database)
    try:
        await reader.changes()
        database.rename(database.with_name("elsewhere"))  # noqa: ASYNC240
        assert (await reader.changes()).monitors == ()
        prepare_database(database)
        with pytest.raises(DatabaseReplacedError):
            await reader.changes()
    finally:
        await reader.close()
