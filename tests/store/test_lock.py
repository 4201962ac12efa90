"""One holder per database, named to whoever comes second."""

import os
import stat
from pathlib import Path

import pytest

from store.errors import DatabaseHeldError, DatabaseRefusedError
from store.lock import DatabaseLock, Holder, lock_path, read_holder


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
