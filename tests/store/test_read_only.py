"""A database is read where nothing can be written: all of it, or not at all, and never while somebody writes it."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from store import changes
from store.backup import back_up
from store.errors import DatabaseReplacedError
from store.location import beside
from store.reader import Reader
from store.schema import is_frozen, reading_uri
from store.writer import Writer
from tests.store.damage import freeze


async def names(path: Path) -> list[str]:
    reader = await Reader.open(path)
    try:
        return [monitor.name for monitor in (await reader.changes()).monitors]
    finally:
        await reader.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files but the log's index, which a reader may write."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".db-shm"}


@pytest.fixture
async def left(database: Path, tmp_path: Path) -> Path:
    """A folder with a database whose newest monitor is in its log alone."""
    writer = await Writer.open(database)
    await writer.change(partial(changes.create_monitors, names=["old"], now=1))
    await writer._connection.execute_fetchall("PRAGMA wal_checkpoint(RESTART)")
    await writer.change(partial(changes.create_monitors, names=["new"], now=1))
    folder = tmp_path / "left"
    folder.mkdir()
    for suffix in ("", "-wal", "-shm"):
        shutil.copyfile(beside(database, suffix), beside(folder / "a.db", suffix))
    await writer.close()
    return folder


@pytest.mark.parametrize("index", [True, False])
async def test_what_is_in_the_log_alone_is_shown(left: Path, monkeypatch: pytest.MonkeyPatch, index: bool) -> None:
    if not index:
        (left / "a.db-shm").unlink()
    before = contents(left)
    freeze(monkeypatch, left)
    assert is_frozen(left / "a.db") is not index
    assert await names(left / "a.db") == ["new", "old"]
    assert before == contents(left)


async def test_a_database_that_was_closed_is_read_and_nothing_is_made(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, database.parent)
    assert reading_uri(database).endswith("immutable=1")
    assert await names(database) == []
    assert [path.name for path in database.parent.iterdir()] == [database.name]


async def test_a_backup_of_what_cannot_be_written_can_be_made(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (left / "a.db-shm").unlink()
    freeze(monkeypatch, left)
    back_up(left / "a.db", tmp_path / "copy.db")
    assert await names(tmp_path / "copy.db") == ["new", "old"]


async def test_a_receiver_that_begins_to_write_meanwhile_is_noticed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as frozen:
        freeze(frozen, database.parent)
        reader = await Reader.open(database)
    assert (await reader.changes()).monitors == ()
    writer = await Writer.open(database)
    with pytest.raises(DatabaseReplacedError, match="opened to be written"):
        await reader.changes()
    await reader.close()
    await writer.close()


async def test_a_database_that_is_being_written_is_read_as_such(
    writer: Writer, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, database.parent)
    assert not is_frozen(database)
    await writer.change(partial(changes.create_monitors, names=["a"], now=1))
    assert await names(database) == ["a"]
