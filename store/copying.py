"""Copying a database into a single file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from store.files import create_private_file, require_replaceable, sync
from store.location import uri


def copy_database(
    source: sqlite3.Connection, destination: Path, *, make: Callable[[Path], None] = create_private_file
) -> None:
    """Copy one moment of a database to a file, which takes its name when it is complete and synced.

    The copy has no write-ahead log, so that it can be read where nothing can be written. `make` makes the empty file.
    Raises OSError or `sqlite3.Error`; then nothing is left behind, and what was at `destination` is as it was.
    """
    partial = destination.with_name(destination.name + ".partial")
    require_replaceable(destination)
    require_replaceable(partial)
    try:
        partial.unlink(missing_ok=True)
        make(partial)
        _fill(source, partial)
        sync(partial)
        partial.replace(destination)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(destination.parent)


def _fill(source: sqlite3.Connection, partial: Path) -> None:
    target = sqlite3.connect(uri(partial, "rw"), uri=True)
    try:
        # In one step: a copy in several would begin anew whenever the receiver writes between them.
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        target.close()
