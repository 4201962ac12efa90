"""Opening a file: ours is made ready, anything else is refused in one line and left as it was."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from store.errors import DatabaseRefusedError
from store.schema import APPLICATION_ID, Migration, companions, inspect_database, migrations, prepare_database


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_a_new_database_and_its_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "made" / "by us" / "a?b#c%.db"
    before = os.umask(0)
    try:
        prepare_database(path)
    finally:
        os.umask(before)
    assert modes(path.parent) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_a_loosened_database_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path)
    path.chmod(0o644)
    prepare_database(path)
    assert modes(tmp_path) == {0o600}


def test_a_database_is_marked_as_ours_and_can_give_space_back(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path)
    connection = sqlite3.connect(path)
    found = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "auto_vacuum", "journal_mode")
    ]
    connection.close()
    assert found == [APPLICATION_ID, migrations()[-1].version, 2, "wal"]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    prepare_database(path)
    assert inspect_database(path) == migrations()[-1].version


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipe (name)")
    connection.close()


def newer(path: Path) -> None:
    prepare_database(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def text(path: Path) -> None:
    path.write_text("Dear diary, " * 100)


def damaged(path: Path) -> None:
    prepare_database(path)
    path.write_bytes(path.read_bytes()[:100] + os.urandom(5000))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (foreign, "belongs to another program"),
        (newer, "newer agentmon"),
        (text, "not an agentmon database"),
        (damaged, "not an agentmon database"),
    ],
)
def test_what_is_not_ours_is_refused_and_untouched(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "a.db"
    make(path)  # type: ignore[operator]
    for companion in companions(path):
        companion.unlink(missing_ok=True)
    before, mode = path.read_bytes(), path.stat().st_mode
    with pytest.raises(DatabaseRefusedError, match=says) as caught:
        prepare_database(path)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes(), path.stat().st_mode) == (before, mode)


def test_a_folder_or_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "a.db"):
        with pytest.raises(DatabaseRefusedError, match="cannot open"):
            prepare_database(path)


def test_a_missing_database_is_not_created_by_looking(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefusedError, match="there is no database"):
        inspect_database(tmp_path / "a.db")
    assert not list(tmp_path.iterdir())


SECOND = Migration(migrations()[-1].version + 1, "CREATE TABLE extra (a INTEGER) STRICT; INSERT INTO extra VALUES (7);")


def test_an_older_database_is_backed_up_and_then_migrated(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO purge VALUES (42)")
    connection.commit()
    connection.close()
    prepare_database(path, (*migrations(), SECOND))
    backup = tmp_path / f"a.db.schema-{migrations()[-1].version}.backup"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert inspect_database(backup) == migrations()[-1].version
    for copy in (path, backup):
        connection = sqlite3.connect(copy)
        assert connection.execute("SELECT * FROM purge").fetchall() == [(42,)]
        connection.close()
    assert inspect_database(path, SECOND.version) == SECOND.version


def test_a_migration_that_fails_is_wholly_undone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path)
    broken = Migration(SECOND.version, SECOND.sql + "INSERT INTO nowhere VALUES (1);")
    with pytest.raises(DatabaseRefusedError, match="nowhere"):
        prepare_database(path, (*migrations(), broken))
    assert inspect_database(path) == migrations()[-1].version
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)
    connection.close()


def test_a_database_of_the_first_version_keeps_its_reports_and_gains_history(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path, migrations()[:1])
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO monitor (id, name, created_at) VALUES (1, 'web-1', 1000)")
    connection.execute("INSERT INTO latest (monitor_id, seq, status, status_since) VALUES (1, 1, 'up', 2000)")
    connection.commit()
    connection.close()
    prepare_database(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM verdict").fetchall() == [(1, 2000, "up")]
    assert connection.execute("SELECT name FROM monitor").fetchall() == [("web-1",)]
    connection.close()
    assert (tmp_path / "a.db.schema-1.backup").exists()


def test_migrations_are_numbered_without_gaps() -> None:
    assert [step.version for step in migrations()] == list(range(1, len(migrations()) + 1))
