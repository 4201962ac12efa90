"""One writer per database: a flock on the file beside it that names who holds it and how to reach them.

`DB.lock` is never deleted: removing a lock file that another process is about to lock is a race that gives two
holders. It holds one line of JSON; the kernel drops the lock with the process, so a stale text means nothing.
"""

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
from store.files import PRIVATE_FILE, create_database_file, ensure_private_folder
from store.text import safe_text

RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: the process, what it is doing, and its admin socket when it has one."""

    pid: int
    command: str
    socket: str | None = None


def lock_path(database: Path) -> Path:
    """Return the lock file that belongs to a database."""
    return database.with_name(database.name + ".lock")


def read_holder(database: Path) -> Holder | None:
    """Return what the lock file says, true only while its process holds the lock; None if it says nothing."""
    try:
        return Holder(**json.loads(lock_path(database).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


class DatabaseLock:
    """The lock, held from `acquire` to `release`; a context manager that releases."""

    def __init__(self, database: Path, descriptor: int) -> None:
        """Wrap a descriptor that holds the lock; use `acquire` to get one."""
        self._database = database
        self._descriptor = descriptor

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

        Raises `DatabaseHeldError` naming the holder, or `DatabaseRefusedError` if the file cannot be made.
        """
        descriptor = _open(database)
        deadline = clock() + wait_s
        while not _try_lock(descriptor):
            if clock() >= deadline:
                os.close(descriptor)
                raise DatabaseHeldError(_held_by(database))
            sleep(RETRY_S)
        lock = cls(database, descriptor)
        lock.announce(Holder(os.getpid(), command))
        return lock

    def announce(self, holder: Holder) -> None:
        """Write who holds the lock, for those who look for them."""
        text = json.dumps(asdict(holder)).encode()
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)

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
        create_database_file(path)
        # Not through a link: it is written to, by root as well, in a folder that may be another user's.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, PRIVATE_FILE)
    except OSError as error:
        shown = safe_text(str(path))
        raise DatabaseRefusedError(f"cannot create {shown}: {error.strerror or error}") from error
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held_by(database: Path) -> str:
    holder = read_holder(database)
    who = f"process {holder.pid} (agentmon {holder.command})" if holder else "another process"
    return f"{safe_text(str(database))} is in use by {who}"
