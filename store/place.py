"""Where an open database lies: whether its files are still those that are open, and can be used without harm.

All by looking at paths: whoever opens and closes one of these files beside SQLite drops SQLite's locks.
"""

import os
from pathlib import Path

from store.foreign_log import Files
from store.location import identity
from store.schema import companions

READ_ONLY = "the database's files were made read-only"


class Place:
    """The files of a database as they are when it is made: the database, its log, and the log's index."""

    def __init__(self, path: Path) -> None:
        """Remember which files lie there now."""
        self._files = {file: identity(file) for file in (path, *companions(path))}
        self._path = path
        self._log, self._index = companions(path)
        self._written: Files | None = None
        self._writes_index = _is_writable(self._index)

    def is_same(self) -> bool:
        """Return whether all files are where they were."""
        return all(identity(file) == known for file, known in self._files.items())

    def is_replaced(self) -> bool:
        """Return whether another file lies where one of these was; one that is gone is none."""
        for file, known in self._files.items():
            now = identity(file)
            if known and now and now != known:
                return True
            self._files[file] = known or now
        return False

    def written(self) -> Files | None:
        """Return the files if one of them is not as at the last call, else None."""
        found = Files.look(self._path, self._log)
        if found == self._written:
            return None
        self._written = found
        return found

    def is_safe(self) -> bool:
        """Return whether the log's index may be touched.

        SQLite writes it, readers do as well, through memory that the kernel maps. If the file was made immutable, or
        its disk read-only, that ends the process (SIGBUS), where a write to a file would but fail.
        """
        return not self._writes_index or _is_writable(self._index)


class Frozen:
    """A database that is read as a file that nobody writes: whether that is still so."""

    def __init__(self, path: Path) -> None:
        """Remember the file as it is now."""
        self._path = path
        self._log, _ = companions(path)
        self._then = self._look()

    def is_same(self) -> bool:
        """Return whether the file is as it was, and nobody has opened it to write."""
        return self._look() == self._then

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_version(file) for file in (self._path, self._log)]


def _version(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written or replaced, None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) or not path.exists()
