"""A log is replayed only into its own database, and into that after every kind of crash."""

import os
import shutil
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from store import changes, foreign_log
from store.backup import back_up
from store.errors import DatabaseRefusedError
from store.foreign_log import Files, require_own_log
from store.location import beside
from store.lock import DatabaseLock, read_files
from store.reader import Reader
from store.schema import inspect_database, prepare_database
from store.writer import Writer
from tests.store.damage import overwrite, plain_copy

REFUSED = pytest.raises(DatabaseRefusedError, match=r"was replaced, but \S+-wal is still the log .*: remove \S+-wal")


class Killed:
    """A database that a receiver was writing when it was killed: the files as they were then."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a.db"
        prepare_database(self.path)
        self.earlier = folder / "earlier.db"

    async def live(self, *, checkpoint: str | None = None, last: bool = True) -> None:
        """Create monitors, copy the database between them, and end as by a crash."""
        with DatabaseLock.acquire(self.path, "serve") as lock:
            writer = await Writer.open(self.path, note=lock.note)
            await self._create(writer, "first")
            plain_copy(self.path, self.earlier)
            await self._create(writer, "second")
            if checkpoint:
                await writer._connection.execute_fetchall(f"PRAGMA wal_checkpoint({checkpoint})")
                if last:
                    await self._create(writer, "third")
            kept = {file: file.read_bytes() for file in (beside(self.path, "-wal"), self.path)}
            noted, times = read_files(self.path), {file: file.stat() for file in kept}
            await writer.close()
            # The database is written last, as by a checkpoint, which is what looks most like a copy.
            for file, content in kept.items():
                file.write_bytes(content)
                os.utime(file, ns=(times[file].st_atime_ns, times[file].st_mtime_ns))
            if noted is not None:
                lock.note(replace(noted, log=beside(self.path, "-wal").stat().st_ino))

    async def _create(self, writer: Writer, name: str) -> None:
        await writer.change(partial(changes.create_monitors, names=[name], now=1))

    async def names(self) -> list[str]:
        """Return the monitors that are there once a receiver has taken over."""
        prepare_database(self.path)
        reader = await Reader.open(self.path)
        try:
            return sorted(monitor.name for monitor in (await reader.changes()).monitors)
        finally:
            await reader.close()


@pytest.fixture
def killed(tmp_path: Path) -> Killed:
    """A database to be killed."""
    return Killed(tmp_path)


async def test_after_a_crash_all_is_there(killed: Killed) -> None:
    await killed.live()
    assert await killed.names() == ["first", "second"]


async def test_after_a_checkpoint_that_nobody_noted_all_is_there(killed: Killed) -> None:
    await killed.live(checkpoint="PASSIVE", last=False)
    assert read_files(killed.path) != Files.look(killed.path, beside(killed.path, "-wal"))
    assert await killed.names() == ["first", "second"]


async def test_after_the_log_began_anew_all_is_there(killed: Killed) -> None:
    await killed.live(checkpoint="RESTART")
    assert await killed.names() == ["first", "second", "third"]


async def test_a_backup_that_was_copied_over_it_is_not_mixed_with_the_log(killed: Killed) -> None:
    await killed.live()
    other, backup = Killed(killed.path.parent / "other"), killed.path.with_name("b.db")
    back_up(other.path, backup)
    overwrite(killed.path, backup)
    for look in (inspect_database, prepare_database):
        with REFUSED:
            look(killed.path)
    with REFUSED:
        await Reader.open(killed.path)
    beside(killed.path, "-wal").unlink()
    assert await killed.names() == []


async def test_a_copy_by_another_program_is_not_mixed_with_the_log(killed: Killed) -> None:
    await killed.live(checkpoint="RESTART")
    overwrite(killed.path, killed.earlier)
    with REFUSED:
        prepare_database(killed.path)


async def test_another_file_that_took_its_name_is_not_mixed_with_the_log(killed: Killed) -> None:
    await killed.live()
    killed.earlier.replace(killed.path)
    with REFUSED:
        prepare_database(killed.path)


@pytest.mark.parametrize("with_lock", [False, True])
async def test_database_and_log_may_be_moved_or_copied_together(
    killed: Killed, tmp_path: Path, with_lock: bool
) -> None:
    await killed.live()
    new = tmp_path / "new"
    new.mkdir()
    for suffix in ("", "-wal", ".lock") if with_lock else ("", "-wal"):
        shutil.copyfile(beside(killed.path, suffix), new / beside(killed.path, suffix).name)
    killed.path = new / "a.db"
    assert await killed.names() == ["first", "second"]


async def test_both_may_be_put_back_where_they_were(killed: Killed, tmp_path: Path) -> None:
    await killed.live()
    both = (killed.path, beside(killed.path, "-wal"))
    for file in both:
        shutil.copyfile(file, tmp_path / f"{file.name}.saved")
    for file in both:
        overwrite(file, tmp_path / f"{file.name}.saved")
    assert await killed.names() == ["first", "second"]


async def test_what_was_noted_before_the_system_started_says_nothing_of_times(
    killed: Killed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await killed.live(checkpoint="RESTART")
    os.utime(killed.path)
    monkeypatch.setattr(foreign_log, "_boot", lambda: "another one")
    assert await killed.names() == ["first", "second", "third"]


async def test_an_owner_or_mode_that_was_changed_since_is_no_replacement(killed: Killed) -> None:
    await killed.live(checkpoint="RESTART")
    killed.path.chmod(0o640)
    assert await killed.names() == ["first", "second", "third"]


async def test_files_of_a_receiver_that_noted_nothing_are_taken(killed: Killed) -> None:
    await killed.live(checkpoint="RESTART")
    beside(killed.path, ".lock").unlink()
    assert await killed.names() == ["first", "second", "third"]


async def test_a_torn_log_or_database_is_left_to_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    beside(path, "-wal").write_bytes(b"\0" * 50)
    found = path.stat()
    log = beside(path, "-wal").stat()
    noted = Files(found.st_ino, found.st_size, 0, log.st_ino, foreign_log._boot())
    os.utime(path)
    path.chmod(0o600)
    require_own_log(path, noted)


async def test_a_writer_notes_its_files_when_they_change_and_not_with_every_commit(database: Path) -> None:
    noted: list[Files] = []
    writer = await Writer.open(database, note=noted.append)
    for name in ("a", "b", "c"):
        await writer.change(partial(changes.create_monitors, names=[name], now=1))
    assert len(noted) == 1
    await writer._connection.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")
    await writer.change(partial(changes.create_monitors, names=["d"], now=1))
    assert len(noted) == 2
    assert noted[-1] == Files.look(database, beside(database, "-wal"))
    await writer.close()


def test_a_look_is_left_out_while_somebody_holds_the_lock(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(database)
    connection.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("store.schema.require_own_log", lambda *_: pytest.fail("would drop SQLite's locks"))
    with DatabaseLock.acquire(database, "serve"):
        inspect_database(database)
    connection.close()
