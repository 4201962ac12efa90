"""Files that agentmon makes: private whatever the umask, on the disk when they have to be, and never over a device."""

import contextlib
import errno
import fcntl
import os
import stat
import sys
import tempfile
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)


def ensure_private_folder(folder: Path) -> None:
    """Create `folder` and its parents with mode 0700 where missing; leave what exists as it is.

    What is synced in it later would be lost with it in a power cut, were its own name not on the disk.
    """
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        part.chmod(PRIVATE_FOLDER)
        sync(part.parent)


def sync(path: Path) -> None:
    """Return once a file's content, or the names in a folder, are on the disk; never for a database that is open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if sys.platform == "darwin":  # fsync there leaves the data in the drive's cache
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_replaceable(path: Path) -> None:
    """Raise OSError if anything but a regular file lies at a path; links are not followed."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    for is_kind, words in KINDS:
        if is_kind(mode):
            raise OSError(errno.EINVAL, f"it is {words}, and only a regular file is replaced", str(path))


def replace_file(path: Path, text: str, mode: int = PRIVATE_FILE) -> None:
    """Put a file with this text at `path`, whole or not at all; raises OSError if that fails or is no regular file."""
    require_replaceable(path)
    descriptor, made = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
        Path(made).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(made).unlink()
        raise


def create_private_file(path: Path) -> None:
    """Create `path` empty with mode 0600 unless it exists; raises OSError if that fails."""
    _create(path, None)


def create_database_file(path: Path) -> None:
    """Create a file of a database, like `create_private_file`; if root does, it belongs to the folder's owner.

    SQLite does so with its own files. Thus a command run with sudo leaves nothing that the service cannot open.
    """
    folder = path.parent.stat()
    _create(path, (folder.st_uid, folder.st_gid) if os.geteuid() == 0 else None)


def _create(path: Path, owner: tuple[int, int] | None) -> None:
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            os.fchmod(descriptor, PRIVATE_FILE)
            if owner is not None:
                os.fchown(descriptor, *owner)
        finally:
            os.close(descriptor)


def tighten(path: Path) -> None:
    """Take group's and others' rights from a file of ours that someone loosened; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_mode & 0o077:
            path.chmod(PRIVATE_FILE)
