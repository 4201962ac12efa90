"""Where an open database lies: whether its files are still those that are open, and can be used without harm.

All by looking at paths: whoever opens and closes one of these files beside SQLite drops SQLite's locks.
"""

import os
from pathlib import Path

from store.schema import companions

READ_ONLY = "the database's files were made read-only"


class Place:
    """The files of a database as they are when it is made: the database, its log, and the log's index."""

    def __init__(self, path: Path) -> None:
        """Remember which files lie there now."""
        self._files = {file: _identity(file) for file in (path, *companions(path))}
        _, self._index = companions(path)
        self._writes_index = _is_writable(self._index)

    def is_same(self) -> bool:
        """Return whether all files are where they were."""
        return all(_identity(file) == known for file, known in self._files.items())

    def is_replaced(self) -> bool:
        """Return whether another file lies where one of these was; one that is gone is none."""
        for file, known in self._files.items():
            now = _identity(file)
            if known and now and now != known:
                return True
            self._files[file] = known or now
        return False

    def is_safe(self) -> bool:
        """Return whether the log's index may be touched.

        SQLite writes it, readers do as well, through memory that the kernel maps. If the file was made immutable, or
        its disk read-only, that ends the process (SIGBUS), where a write to a file would but fail.
        """
        return not self._writes_index or _is_writable(self._index)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at a path from all others (device and inode), None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) or not path.exists()
