"""Where a database really lies, whatever name it was given by, and whether it may be served from there.

SQLite keeps the log beside the name that a file was opened by. So one file that is open under two names has two logs,
and each receiver would overwrite what the other has stored.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from store.errors import DatabaseRefusedError
from store.mounts import Mount, mount_of, read_mounts
from store.text import safe_text


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at a path from all others (device and inode), None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def real_path(path: Path, mounts: Sequence[Mount] | None = None) -> Path:
    """Return the name of the file in its own folder: links are followed, a mount of the one file is undone.

    Raises `DatabaseRefusedError` for links that lead in a circle.
    """
    real = Path(os.path.realpath(path))
    if os.path.islink(real):  # noqa: PTH114 - False where this user may not look, and whoever opens it says so
        raise DatabaseRefusedError(f"{safe_text(str(path))} is a symbolic link that leads to itself")
    mounts = read_mounts() if mounts is None else mounts
    return next(_other_names(real, mounts), real)


def uri(path: Path, mode: str) -> str:
    """Return the SQLite URI of a file, whatever characters its path holds."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def beside(database: Path, suffix: str) -> Path:
    """Return the file of that suffix which belongs to a database, beside where that really lies."""
    real = real_path(database)
    return real.with_name(real.name + suffix)


def require_one_name(path: Path) -> None:
    """Raise `DatabaseRefusedError` if the file at a real path has hard links, or is itself a mount: see above."""
    shown = safe_text(str(path))
    try:
        links = path.stat().st_nlink
    except OSError:  # not there yet, or out of reach: whoever opens it says so
        return
    if links > 1:
        raise DatabaseRefusedError(
            f"{shown} has other names (hard links), and could be in use by one of them: remove those, or copy the file"
        )
    if _is_mounted(path, read_mounts()):
        raise DatabaseRefusedError(f"{shown} is mounted as a single file, away from its log: mount its folder instead")


def require_local(path: Path, mounts: Sequence[Mount] | None = None) -> None:
    """Raise `DatabaseRefusedError` if a real path, where there may be nothing yet, is on a network file system."""
    mount = mount_of(path, read_mounts() if mounts is None else mounts)
    if mount is not None and mount.is_network:
        raise DatabaseRefusedError(
            f"{safe_text(str(path))} is on a network file system ({safe_text(mount.kind)}), where SQLite loses data:"
            " use a local disk, or serve --allow-network-filesystem if you know better"
        )


def other_fuse(path: Path) -> str | None:
    """Return the type of the file system of a path if it is a FUSE one of which nothing is known."""
    mount = mount_of(real_path(path), read_mounts())
    return mount.kind if mount is not None and mount.is_other_fuse else None


def _is_mounted(path: Path, mounts: Sequence[Mount]) -> bool:
    return any(mount.point == path for mount in mounts) and not path.is_dir()


def _other_names(path: Path, mounts: Sequence[Mount]) -> Iterator[Path]:
    """Yield the names, in mounted folders, of a file that is itself a mount."""
    own = mount_of(path, mounts)
    if own is None or own.point != path or path.is_dir():
        return
    for mount in mounts:
        if mount.device == own.device and mount.root != own.root and own.root.is_relative_to(mount.root):
            name = mount.point / own.root.relative_to(mount.root)
            if identity(name) == identity(path) and not _is_mounted(name, mounts):
                yield name
