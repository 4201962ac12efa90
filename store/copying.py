"""Copying a database into a single file."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from store.files import create_private_file, require_replaceable, sync
from store.location import identity, uri


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
    if partial.exists():  # left by a copy that was killed, unless it is still being written
        with _held(partial):
            partial.unlink()
    make(partial)
    with _held(partial):
        try:
            _fill(source, partial)
            sync(partial)
            partial.replace(destination)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    sync(destination.parent)


@contextmanager
def _held(partial: Path) -> Iterator[None]:
    """Keep other copies to one name away from the file that this one is made in; raises OSError if one is there.

    A copy that is renamed when another is half made in its place would be that other.
    """
    descriptor = os.open(partial, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        taken = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            taken = True
        except OSError:  # a file system without locks, as network's are: backups may well go there
            pass
        found = os.fstat(descriptor)
        if taken or identity(partial) != (found.st_dev, found.st_ino):
            raise OSError(errno.EBUSY, "another backup is being written there", str(partial))
        yield
    finally:
        os.close(descriptor)


def _fill(source: sqlite3.Connection, partial: Path) -> None:
    target = sqlite3.connect(uri(partial, "rw"), uri=True)
    try:
        # In one step: a copy in several would begin anew whenever the receiver writes between them.
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        target.close()
