"""One writer per database: a flock on the file beside it that names who holds it and how to reach them.

`DB.lock` is never deleted: removing a lock file that another process is about to lock is a race that gives two
holders. Its first line of JSON says who holds it; the kernel drops the lock with the process, so a stale text means
nothing. The second notes which files a receiver writes (`store.foreign_log`), for whoever comes after a crash. The
lines have fixed places and are written at once, since others read them at any time.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from store.errors import DatabaseHeldError, DatabaseRefusedError
from store.files import PRIVATE_FILE, create_database_file, ensure_private_folder, require_replaceable
from store.foreign_log import Files
from store.location import beside, identity, real_path, require_one_name
from store.text import safe_text

RETRY_S = 0.05

FILES_AT = 2048
"""Where the second line begins: a socket's path is far shorter."""

LOOK = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""How to open the file only to read it: not by a link, and without waiting for anybody if it is a FIFO."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: the process, what it is doing, and its admin socket when it has one."""

    pid: int
    command: str
    socket: str | None = None


def lock_path(database: Path) -> Path:
    """Return the lock file that belongs to a database."""
    return beside(database, ".lock")


def read_holder(database: Path) -> Holder | None:
    """Return what the lock file says, true only while its process holds the lock; None if it says nothing."""
    try:
        return Holder(**json.loads(_read(database)[:FILES_AT]))
    except (OSError, ValueError, TypeError):
        return None


def read_files(database: Path) -> Files | None:
    """Return the files that the last receiver wrote, None if it did not end by a crash or noted none."""
    try:
        return Files(**json.loads(_read(database)[FILES_AT:]))
    except (OSError, ValueError, TypeError):
        return None


def is_held(database: Path) -> bool:
    """Return whether any process, this one too, holds the lock just now."""
    try:
        descriptor = os.open(lock_path(database), LOOK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


class DatabaseLock:
    """The lock, held from `acquire` to `release`; a context manager that releases."""

    def __init__(self, database: Path, descriptor: int) -> None:
        """Wrap a descriptor that holds the lock; use `acquire` to get one."""
        self._database = database
        self._descriptor = descriptor
        self._holder: Holder | None = None
        self._files: Files | None = None

    @classmethod
    def acquire(
        cls,
        database: Path,
        command: str,
        wait_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Take the lock, waiting up to `wait_s` for whoever holds it for a moment.

        Raises `DatabaseHeldError` naming the holder, or `DatabaseRefusedError` if the file cannot be made or locked,
        or if the database may be in use by another name.
        """
        database = real_path(database)
        if not is_held(database):  # else the holder is what matters, and perhaps a link was made meanwhile
            require_one_name(database)
        lock = cls(database, _open(database))
        try:
            deadline = clock() + wait_s
            while not lock._try():
                if clock() >= deadline:
                    raise DatabaseHeldError(_held_by(database))
                sleep(RETRY_S)
            require_one_name(database)
        except BaseException:
            lock.release()
            raise
        lock.announce(Holder(os.getpid(), command))
        return lock

    def announce(self, holder: Holder) -> None:
        """Write who holds the lock, for those who look for them."""
        self._holder = holder
        os.pwrite(self._descriptor, json.dumps(asdict(holder)).encode().ljust(FILES_AT - 1) + b"\n", 0)

    def note(self, files: Files | None) -> None:
        """Write which files the holder writes; None for nothing to go by.

        A disk that takes no more is no reason to fail: what is noted was committed, and serves only after a crash.
        """
        self._files = files
        line = json.dumps(files and asdict(files)).encode().ljust(FILES_AT - 1) + b"\n"
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, line, FILES_AT)

    def keep(self) -> bool:
        """Make the lock file anew if somebody deleted or replaced it; returns whether this process has the lock.

        Where the database is gone as well, nothing is made: it was moved or unmounted, and the lock perhaps with it.
        """
        found = os.fstat(self._descriptor)
        if identity(lock_path(self._database)) == (found.st_dev, found.st_ino) or not self._database.exists():
            return True
        renewed = DatabaseLock(self._database, _open(self._database))
        if not renewed._try():
            renewed.release()
            return False
        os.dup2(renewed._descriptor, self._descriptor, inheritable=False)
        renewed.release()
        if self._holder is not None:
            self.announce(self._holder)
        self.note(self._files)
        return True

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # ENOLCK, EOPNOTSUPP: a network file system, mostly
            raise DatabaseRefusedError(
                f"cannot lock {safe_text(str(lock_path(self._database)))}: {error.strerror or error};"
                " keep the database on a local disk"
            ) from error
        return True

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _open(database: Path) -> int:
    path = lock_path(database)
    try:
        ensure_private_folder(database.parent)
        require_replaceable(path)
        create_database_file(path)
        # Not through a link: it is written to, by root as well, in a folder that may be another user's.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, PRIVATE_FILE)
    except OSError as error:
        shown = safe_text(str(path))
        raise DatabaseRefusedError(f"cannot create {shown}: {error.strerror or error}") from error
    return descriptor


def _read(database: Path) -> str:
    with open(os.open(lock_path(database), LOOK), encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        return file.read(2 * FILES_AT)


def _held_by(database: Path) -> str:
    holder = read_holder(database)
    who = f"process {holder.pid} (agentmon {holder.command})" if holder else "another process"
    return f"{safe_text(str(database))} is in use by {who}"
