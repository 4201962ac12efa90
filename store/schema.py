"""Opening a database file: whose it is, which version it has, and bringing it up to date.

The rules: look through a read-only connection before anything opens read-write, create the file with its mode before
SQLite sees it and under another name until it is whole, set `auto_vacuum` before WAL, and back up before migrating.
"""

import errno
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from store.copying import copy_database
from store.errors import DatabaseRefusedError
from store.files import create_database_file, ensure_private_folder, sync, tighten
from store.foreign_log import require_own_log, uses_log
from store.location import beside, real_path, require_one_name, uri
from store.lock import is_held, read_files
from store.text import distinct_names, safe_text

APPLICATION_ID = 0x616D6F6E
"""`amon` in ASCII, in the header of every agentmon database."""

OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema; `version` is the `user_version` after it."""

    version: int
    sql: str


def migrations() -> tuple[Migration, ...]:
    """Return the steps that the package carries, in order; their files are named `NNNN_what.sql`."""
    files = (f for f in resources.files("store.migrations").iterdir() if f.name.endswith(".sql"))
    steps = (Migration(int(f.name.split("_")[0]), f.read_text(encoding="utf-8")) for f in files)
    return tuple(sorted(steps, key=lambda step: step.version))


def reading_uri(path: Path) -> str:
    """Return the SQLite URI that reads a file, also where nothing may be written; `reading_statements` come first."""
    if not is_frozen(path):
        return uri(path, "ro")
    log, _ = companions(path)
    # Without locks and with the log's index in memory, or, where there is no log, as a file that nobody writes.
    has_log = log.exists() and log.stat().st_size > 0
    return uri(path, "ro") + ("&vfs=unix-none" if has_log else "&immutable=1")


def reading_statements(path: Path) -> tuple[str, ...]:
    """Return what a connection that was opened with `reading_uri` has to run before anything else."""
    return ("PRAGMA locking_mode = EXCLUSIVE",) if is_frozen(path) else ()


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file only to read it, also where nothing may be written; raises `sqlite3.Error`."""
    connection = sqlite3.connect(reading_uri(path), uri=True)
    for statement in reading_statements(path):
        connection.execute(statement)
    return connection


def is_frozen(path: Path) -> bool:
    """Return whether nobody has the file open to write, and this process could not make the files that SQLite shares.

    A log of a database that is open always lies there, and its index does, too.
    """
    log, index = companions(path)
    return not os.access(log.parent, os.W_OK) and not (log.exists() and index.exists())


def durable_statements() -> tuple[str, ...]:
    """Return the statements after which a commit is on the disk when it returns."""
    statements = ("PRAGMA synchronous = FULL",)
    if sys.platform == "darwin":  # a plain fsync leaves the data in the drive's cache there
        statements += ("PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON")
    return statements


def prepare_database(path: Path, steps: Sequence[Migration] | None = None) -> None:
    """Create the database or bring it to the newest version, so that writer and readers can open it.

    The caller holds the lock. Raises `DatabaseRefusedError`, with the file untouched, if it is not ours, is
    corrupt, is newer than this agentmon, or cannot be created or written.
    """
    steps = migrations() if steps is None else steps
    _require_sqlite()
    path = real_path(path)
    try:
        ensure_private_folder(path.parent)
        version = _prepared_version(path, steps[-1].version) if path.exists() else 0
        if version == 0:
            _create(path, steps)
        for companion in (path, *companions(path)):
            tighten(companion)
        if 0 < version < steps[-1].version:
            _migrate(path, version, steps)
        elif version and not uses_log(path):
            _use_log(path)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseRefusedError(f"cannot open {safe_text(str(path))}: {_reason(error)}") from error


def companions(path: Path) -> tuple[Path, Path]:
    """Return the files that SQLite keeps beside the database in WAL mode, where that really lies."""
    return beside(path, "-wal"), beside(path, "-shm")


def inspect_database(path: Path, newest: int | None = None) -> int:
    """Return the schema version of the file, 0 if it is empty, without writing to it.

    Raises `DatabaseRefusedError` if the file is missing, not ours, corrupt, newer than `newest` (by default than this
    agentmon), or beside a log that is not its own; or if it may be in use by another name, where its log would be.
    """
    path = real_path(path)
    log, _ = companions(path)
    try:
        for file in (path, log):
            _require_readable(file)
        if log.exists():
            if not is_held(path):
                require_own_log(path, read_files(path))
        elif path.is_file() and uses_log(path):
            require_one_name(path)
    except OSError as error:
        raise DatabaseRefusedError(f"cannot open {safe_text(error.filename or str(path))}: {_reason(error)}") from error
    return _inspect(path, newest)


def _require_readable(file: Path) -> None:
    """Raise PermissionError if a file may not be read; SQLite would name neither the file nor the reason."""
    if file.exists() and not os.access(file, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))


def _prepared_version(path: Path, newest: int) -> int:
    require_own_log(path, read_files(path))
    return _inspect(path, newest)


def _inspect(path: Path, newest: int | None) -> int:
    shown = safe_text(str(path))
    try:
        application_id, version, tables = _read_header(path)
    except sqlite3.Error as error:
        if not path.exists():
            raise DatabaseRefusedError(f"there is no database at {shown} (agentmon serve creates it)") from error
        if isinstance(error, sqlite3.OperationalError):
            raise DatabaseRefusedError(f"cannot open {shown}: {_reason(error)}") from error
        raise DatabaseRefusedError(f"{shown} is not an agentmon database, or it is damaged: {error}") from error
    if tables == 0 and application_id == 0:
        return 0
    if application_id != APPLICATION_ID:
        raise DatabaseRefusedError(f"{shown} is not an agentmon database (it belongs to another program)")
    known = migrations()[-1].version if newest is None else newest
    if version > known:
        raise DatabaseRefusedError(
            f"{shown} is from a newer agentmon (schema {version}, this one knows {known}): upgrade agentmon"
        )
    return version


def _read_header(path: Path) -> tuple[int, int, int]:
    connection = open_to_read(path)
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return application_id, version, tables
    finally:
        connection.close()


def _create(path: Path, steps: Sequence[Migration]) -> None:
    """Make a database that takes its name when it is whole and on the disk, since a crash may come at any moment.

    A rollback journal left by one could not be undone through the read-only look, and a write-ahead log that lies
    there from a database that is gone would be taken for this one's.
    """
    new = path.with_name(path.name + ".new")
    for left in (*_beside(new), *_beside(path)):
        left.unlink(missing_ok=True)
    new.unlink(missing_ok=True)
    create_database_file(new)
    _migrate(new, 0, steps)
    new.replace(path)
    sync(path.parent)


def _beside(path: Path) -> tuple[Path, ...]:
    return path.with_name(path.name + "-journal"), *companions(path)


def _migrate(path: Path, version: int, steps: Sequence[Migration]) -> None:
    connection = sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None)
    try:
        if version:
            _back_up(connection, path, version)
        else:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for statement in durable_statements():
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.create_function("distinct_names", 1, _distinct_names, deterministic=True)
        for step in steps:
            if step.version > version:
                _apply(connection, step)
    finally:
        connection.close()


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    # One script, so that a crash half-way leaves the step wholly undone. The numbers are our own constants:
    # PRAGMA takes no parameters.
    connection.executescript(
        f"BEGIN IMMEDIATE; {step.sql}; PRAGMA application_id = {APPLICATION_ID:d}; "
        f"PRAGMA user_version = {step.version:d}; COMMIT;"
    )


def _distinct_names(names: str) -> str:
    """Return pairs of an old and a new name, see `store.text`, for migrations: SQL knows nothing of Unicode's forms."""
    return json.dumps(list(distinct_names(json.loads(names)).items()))


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    copy_database(connection, path.with_name(f"{path.name}.schema-{version}.backup"), make=create_database_file)


def _use_log(path: Path) -> None:
    """Let a copy that was made by `store.backup` have a write-ahead log again."""
    connection = sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None)
    try:
        for statement in durable_statements():
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _require_sqlite() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise DatabaseRefusedError(
            f"this Python's SQLite is {sqlite3.sqlite_version}; agentmon needs {'.'.join(map(str, OLDEST_SQLITE))}"
        )


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
