"""One holder per database, named to whoever comes second."""

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from store.errors import DatabaseHeldError, DatabaseRefusedError
from store.foreign_log import Files
from store.lock import DatabaseLock, Holder, is_held, lock_path, read_files, read_holder


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    with DatabaseLock.acquire(database, "serve"):
        with pytest.raises(DatabaseHeldError, match=rf"process {os.getpid()} \(agentmon serve\)"):
            DatabaseLock.acquire(database, "create")
        assert read_holder(database) == Holder(os.getpid(), "serve")
    DatabaseLock.acquire(database, "create").release()


def test_it_waits_for_one_who_holds_it_for_a_moment(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    first = DatabaseLock.acquire(database, "create")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            first.release()

    DatabaseLock.acquire(database, "serve", 5.0, clock=lambda: sum(waits), sleep=sleep).release()
    assert len(waits) == 3


def test_it_gives_up_after_the_time_it_was_given(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    waits: list[float] = []
    with DatabaseLock.acquire(database, "serve"), pytest.raises(DatabaseHeldError):
        DatabaseLock.acquire(database, "serve", 1.0, clock=lambda: sum(waits), sleep=waits.append)
    assert sum(waits) == pytest.approx(1.0, abs=0.1)


def test_the_holder_can_announce_a_socket(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    with DatabaseLock.acquire(database, "a much longer command than the next") as lock:
        lock.announce(Holder(1, "serve", "/run/a.sock"))
        assert read_holder(database) == Holder(1, "serve", "/run/a.sock")


def test_the_lock_file_is_private_and_nonsense_in_it_is_nobody(tmp_path: Path) -> None:
    database = tmp_path / "new" / "a.db"
    assert read_holder(database) is None
    DatabaseLock.acquire(database, "serve").release()
    assert stat.S_IMODE(lock_path(database).stat().st_mode) == 0o600
    for nonsense in ("", "{", "[]", '{"pid": 1}', '{"other": 1}'):
        lock_path(database).write_text(nonsense)
        assert read_holder(database) is None


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseRefusedError, match="cannot create"):
        DatabaseLock.acquire(tmp_path / "file" / "a.db", "serve")


def test_the_lock_is_taken_through_no_link(tmp_path: Path) -> None:
    database, elsewhere = tmp_path / "a.db", tmp_path / "elsewhere"
    elsewhere.write_text("not to be written to")
    lock_path(database).symlink_to(elsewhere)
    with pytest.raises(DatabaseRefusedError):
        DatabaseLock.acquire(database, "serve")
    assert elsewhere.read_text() == "not to be written to"


def test_a_lock_file_that_is_deleted_or_replaced_is_made_anew(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    database.touch()
    holder = Holder(os.getpid(), "serve", "/run/a.sock")
    with DatabaseLock.acquire(database, "serve") as lock:
        lock.announce(holder)
        assert lock.keep()
        for replaced in (False, True):
            lock_path(database).unlink()
            if replaced:
                lock_path(database).touch()
            assert lock.keep()
            assert read_holder(database) == holder
            with pytest.raises(DatabaseHeldError):
                DatabaseLock.acquire(database, "create")


@pytest.mark.parametrize("folder_too", [True, False])
def test_nothing_is_made_where_the_database_is_gone(tmp_path: Path, folder_too: bool) -> None:
    folder, moved = tmp_path / "data", tmp_path / "moved"
    folder.mkdir()
    (folder / "a.db").touch()
    with DatabaseLock.acquire(folder / "a.db", "serve") as lock:
        folder.rename(moved)
        if not folder_too:  # as where a disk was unmounted
            folder.mkdir()
        assert lock.keep()
        assert folder.exists() is not folder_too
        assert not lock_path(folder / "a.db").exists()
        with pytest.raises(DatabaseHeldError):
            DatabaseLock.acquire(moved / "a.db", "serve")


def test_who_took_the_lock_meanwhile_keeps_it(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    database.touch()
    with DatabaseLock.acquire(database, "serve") as lock:
        lock_path(database).unlink()
        with DatabaseLock.acquire(database, "create"):
            assert not lock.keep()
        assert lock.keep()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(DatabaseRefusedError, match=rf"cannot lock \S+/a\.db\.lock: {os.strerror(number)}; keep"):
        DatabaseLock.acquire(tmp_path / "a.db", "serve")


def test_a_database_is_locked_by_what_it_really_is(tmp_path: Path) -> None:
    database, link, other = tmp_path / "a.db", tmp_path / "l.db", tmp_path / "h.db"
    database.touch()
    link.symlink_to(database)
    with DatabaseLock.acquire(link, "serve"):
        os.link(database, other)
        for name in (link, database):
            with pytest.raises(DatabaseHeldError):
                DatabaseLock.acquire(name, "serve")
        with pytest.raises(DatabaseRefusedError, match="hard links"):
            DatabaseLock.acquire(other, "serve")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "a.db.lock", "h.db", "l.db"]


def test_a_fifo_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    os.mkfifo(lock_path(tmp_path / "a.db"))
    with pytest.raises(DatabaseRefusedError, match="it is a FIFO"):
        DatabaseLock.acquire(tmp_path / "a.db", "serve")


def test_who_holds_it_and_what_was_written_are_kept_apart(tmp_path: Path) -> None:
    database, files = tmp_path / "a.db", Files(1, 2, 3, 4, "boot")
    with DatabaseLock.acquire(database, "serve") as lock:
        assert (read_files(database), is_held(database)) == (None, True)
        lock.note(files)
        lock.announce(Holder(1, "serve", "/" + "s" * 107))
        assert (read_files(database), read_holder(database)) == (files, Holder(1, "serve", "/" + "s" * 107))
    assert not is_held(database)
    with DatabaseLock.acquire(database, "serve") as lock:
        assert read_files(database) == files, "whoever comes next has to look at it first"
        lock.note(None)
        assert read_files(database) is None
