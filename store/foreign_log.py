"""Whether the write-ahead log beside a database that was not closed is that database's own.

A log says nothing of the database it was written for: SQLite would replay it into a copy that was put in the place of
a killed receiver's database, and make one database of two. So a receiver notes which files it writes (`Files`), and a
log that lies there when nobody has the database open is compared with that note. Nothing is refused on suspicion: a
crash may come at any moment, and after a power cut the note may be older than the files.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, Self

from store.errors import DatabaseRefusedError
from store.location import beside
from store.text import safe_text

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

LOG_HEADER = 32
FRAME_HEADER = 24
JOURNAL_MODE_AT = 18
ROLLBACK = b"\1"
"""What a database has there that uses no write-ahead log, as backups do."""


@dataclass(frozen=True, slots=True)
class Files:
    """Database and log as a receiver last saw them, right after it had written one of them."""

    database: int
    """The database's inode."""
    size: int
    modified_ns: int
    log: int
    """The log's inode."""
    boot: str
    """The run of the system: times tell nothing of files that were last written in another one."""

    @classmethod
    def look(cls, database: Path, log: Path) -> Self | None:
        """Return what is there now, None if one of the files is gone."""
        try:
            found, other = database.stat(), log.stat()
        except OSError:
            return None
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, other.st_ino, _boot())


def require_own_log(database: Path, noted: Files | None) -> None:
    """Raise `DatabaseRefusedError` if the log beside a database that nobody has open was written for another one.

    It reads the files directly, which drops the locks that SQLite holds on them in this process: never call it where
    the database may be open.
    """
    log = beside(database, "-wal")
    try:
        foreign = log.stat().st_size > LOG_HEADER and _is_foreign(database, log, noted)
    except OSError:
        return  # whoever opens the files next says what is wrong with them
    if foreign:
        shown = safe_text(str(log))
        raise DatabaseRefusedError(
            f"{safe_text(str(database))} was replaced, but {shown} is still the log of the database that was there:"
            f" remove {shown} to use the new one, or put the old one back"
        )


def uses_log(database: Path) -> bool:
    """Return whether a database has a write-ahead log while it is open; raises OSError. See `require_own_log`."""
    with database.open("rb") as file:
        return _at(file, JOURNAL_MODE_AT, 1) != ROLLBACK


def _is_foreign(database: Path, log: Path, noted: Files | None) -> bool:
    if not uses_log(database):
        return True
    with database.open("rb") as file, log.open("rb") as log_file:
        now = Files.look(database, log)
        if noted is None or now is None or now.log != noted.log:
            return False
        if now.database != noted.database:
            return True
        if now == noted or not now.boot or now.boot != noted.boot:
            return False
        # Written to since. A checkpoint that was not noted has left pages of this log in it; whoever overwrote the
        # whole file has not, and came after the log.
        return database.stat().st_ctime_ns > log.stat().st_ctime_ns and not _holds_pages(file, log_file)


def _holds_pages(database: BinaryIO, log: BinaryIO) -> bool:
    """Return whether the first page that a checkpoint of the log would write is in the database as the log has it."""
    frames = list(_frames(log))
    if not frames:
        return True
    first = min(page for page, _ in frames)
    (size,) = struct.unpack_from(">I", _at(log, 8, 4))
    held = _at(database, (first - 1) * size, size)
    return any(_at(log, place, size) == held for page, place in frames if page == first)


def _frames(log: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield page number and place of the content of each frame of the log's present round."""
    header = _at(log, 0, LOG_HEADER)
    (size,) = struct.unpack_from(">I", header, 8)
    place = LOG_HEADER
    while len(frame := _at(log, place, FRAME_HEADER)) == FRAME_HEADER and frame[8:16] == header[16:24]:
        yield struct.unpack_from(">I", frame)[0], place + FRAME_HEADER
        place += FRAME_HEADER + size


def _at(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


@cache
def _boot() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
