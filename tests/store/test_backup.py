"""A backup is one moment of the database, private, and never put where it would harm."""

import asyncio
import os
import socket
import sqlite3
import stat
from pathlib import Path

import pytest

from store import copying
from store.backup import back_up
from store.errors import AgentmonError, DatabaseRefusedError
from store.reader import Reader
from store.schema import prepare_database
from store.writer import Writer
from tests.conftest import Create, make_report


async def test_a_backup_taken_while_reports_come_holds_all_that_came_before(
    writer: Writer, database: Path, create: Create, tmp_path: Path
) -> None:
    (key,) = await create("a")
    for n in range(20):
        await writer.store(key, make_report(cpu_usage=float(n)), "::1")
    coming = [asyncio.ensure_future(writer.store(key, make_report(), "::1")) for _ in range(50)]
    size = await asyncio.to_thread(back_up, database, tmp_path / "copy.db")
    await asyncio.gather(*coming)
    copy = tmp_path / "copy.db"
    assert copy.stat().st_size == size
    prepare_database(copy)
    reader = await Reader.open(copy)
    samples = await reader.samples(1, 0, 2**60)
    await reader.close()
    assert [sample.report.cpu_usage for sample in samples[:20]] == [float(n) for n in range(20)]
    check = sqlite3.connect(copy)
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()


def test_a_backup_is_private_whatever_the_umask(database: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        back_up(database, tmp_path / "copy.db")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert not (tmp_path / "copy.db.partial").exists()


def test_what_exists_is_overwritten_only_when_asked(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    with pytest.raises(AgentmonError, match="--force"):
        back_up(database, copy)
    assert copy.read_text() == "precious"
    back_up(database, copy, overwrite=True)
    prepare_database(copy)


async def test_a_database_in_use_is_never_overwritten(writer: Writer, database: Path, create: Create) -> None:
    await create("a")
    with pytest.raises(AgentmonError, match="in use"):
        back_up(database, database, overwrite=True)


def test_what_cannot_be_read_or_written_is_said_in_one_line(database: Path, tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefusedError, match="there is no database"):
        back_up(tmp_path / "nothing.db", tmp_path / "copy.db")
    for place in (tmp_path / "no" / "such" / "folder", tmp_path):
        with pytest.raises(AgentmonError) as caught:
            back_up(database, place, overwrite=True)
        assert "\n" not in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def kinds(folder: Path, database: Path) -> dict[str, Path]:
    """Return what is no regular file, and what is but belongs to a database."""
    made = {name: folder / name for name in ("folder", "fifo", "socket", "link", "dangling", "device", "hard link")}
    made["folder"].mkdir()
    os.mkfifo(made["fifo"])
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(made["socket"]))
    (folder / "precious").write_text("precious")
    made["link"].symlink_to(folder / "precious")
    made["dangling"].symlink_to(folder / "nothing")
    made["device"] = Path(os.devnull)
    os.link(database, made["hard link"])
    linked = folder / "linked folder"
    linked.symlink_to(database.parent)
    own = {suffix: database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm", ".lock", ".log")}
    return made | own | {"own by a linked folder": linked / database.name}


def look(path: Path) -> tuple[int, ...] | None:
    """Return what lies at a path itself, None if nothing does."""
    if not os.path.lexists(path):
        return None
    found = path.lstat()
    return found.st_mode, found.st_ino, found.st_nlink, found.st_size


@pytest.mark.parametrize("overwrite", [True, False])
async def test_nothing_but_a_regular_file_of_nobody_is_replaced(
    writer: Writer, database: Path, tmp_path: Path, create: Create, overwrite: bool
) -> None:
    await create("a")
    folder = tmp_path / "kinds"
    folder.mkdir()
    for what, path in kinds(folder, database).items():
        before = look(path)
        with pytest.raises(AgentmonError) as caught:
            back_up(database, path, overwrite=overwrite)
        assert "\n" not in str(caught.value), what
        assert before == look(path), what
    assert (folder / "precious").read_text() == "precious"
    assert not [*folder.glob("*.partial"), *database.parent.glob("*.partial")]


def test_the_log_of_another_database_is_not_replaced(database: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.touch()
    for suffix in ("-wal", "-journal", ".lock"):
        with pytest.raises(AgentmonError, match="belongs to a database"):
            back_up(database, other.with_name(other.name + suffix), overwrite=True)


def test_a_link_where_the_copy_is_made_is_left_alone(database: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "copy.db.partial").symlink_to(precious)
    with pytest.raises(AgentmonError, match="symbolic link"):
        back_up(database, tmp_path / "copy.db")
    assert (tmp_path / "copy.db.partial").is_symlink()
    assert precious.read_text() == "precious"


def test_two_backups_to_one_name_do_not_meet(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, refused = tmp_path / "copy.db", []
    copy.write_text("the last one")

    def fill(source: sqlite3.Connection, partial: Path) -> None:
        monkeypatch.undo()
        with pytest.raises(AgentmonError) as caught:
            back_up(database, copy, overwrite=True)
        refused.append(str(caught.value))
        assert copy.read_text() == "the last one"
        copying._fill(source, partial)

    monkeypatch.setattr(copying, "_fill", fill)
    back_up(database, copy, overwrite=True)
    assert refused == [f"cannot write {copy}: another backup is being written there"]
    prepare_database(copy)


def test_what_a_killed_backup_left_is_replaced(database: Path, tmp_path: Path) -> None:
    left = tmp_path / "copy.db.partial"
    left.write_text("half of it")
    left.chmod(0o666)
    back_up(database, tmp_path / "copy.db")
    assert not left.exists()
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


async def test_a_backup_is_one_file_that_is_read_as_it_is_and_served_again(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    back_up(database, copy)
    reader = await Reader.open(copy)
    assert (await reader.changes()).monitors == ()
    assert [path.name for path in copy.parent.iterdir()] == ["copy.db"]
    await reader.close()
    prepare_database(copy)
    served = await Writer.open(copy)
    assert copy.with_name("copy.db-wal").exists()
    await served.close()
