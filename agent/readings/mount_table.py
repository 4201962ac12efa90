"""What is mounted, under the names that it really has."""

import os
import re
from typing import NamedTuple

import psutil

from agent.system import proc, this_system


class Mount(NamedTuple):
    """One line of the mount table; `options` as psutil gives them ("rw,noatime").

    `root` is the folder of the file system that is mounted, as Linux tells it: "/" but for binds and subvolumes.
    """

    device: str
    mountpoint: str
    fstype: str
    options: str = ""
    root: str = "/"

    @property
    def writable(self) -> bool:
        """Whether it is not mounted read-only."""
        return "ro" not in self.options.split(",")


def read_mount_table() -> list[Mount]:
    """Return all mounts, in the order in which they were mounted, without touching any of them.

    On Windows those of this machine only: to list the others, psutil would ask each.
    """
    system = this_system()
    parts = psutil.disk_partitions(all=system != "windows")
    mounts = [Mount(*part[:4]) for part in parts]
    return _as_linux_tells(mounts) if system == "linux" else mounts


def _as_linux_tells(mounts: list[Mount]) -> list[Mount]:
    """Return the mounts with their own names and roots, as far as psutil does not tell them.

    It has libc undo the kernel's escapes, and that leaves some (# is \\043), if the names hold a backslash.
    """
    if any("\\" in mount.mountpoint or "\\" in mount.device for mount in mounts):
        mounts = _spelled_by_kernel(mounts)
    devices = [mount.device for mount in mounts if mount.device.startswith("/")]
    if len(devices) == len(set(devices)) and all(mount.writable for mount in mounts):
        return mounts
    sources = kernel_sources()
    return [_from_source(mount, sources.get(mount.mountpoint)) for mount in mounts]


def _from_source(mount: Mount, source: tuple[str, str] | None) -> Mount:
    """Return the mount with the options of its file system: a unit sees what can be written mounted read-only."""
    return mount if source is None else mount._replace(root=source[0], options=source[1])


def _spelled_by_kernel(mounts: list[Mount]) -> list[Mount]:
    """Return the mounts as the kernel's table names them, provided that psutil read the same table."""
    rows = kernel_table()
    if [mount.fstype for mount in mounts] != [row[2] for row in rows]:
        return mounts
    renamed = zip(mounts, rows, strict=True)
    return [
        mount._replace(mountpoint=row[1], device=row[0] if "\\" in mount.device else mount.device)
        for mount, row in renamed
    ]


def kernel_table() -> list[tuple[str, str, str]]:
    """Return device, mount point and type of Linux' mount table; nothing where it cannot be read."""
    for name in ("self/mounts", "mounts"):
        if rows := _rows(name):
            return [(unescaped(row[0]), unescaped(row[1]), row[2]) for row in rows if len(row) > 2]
    return []


def kernel_sources() -> dict[str, tuple[str, str]]:
    """Return, by mount point, the folder of its file system that is mounted there, and that file system's options."""
    return {unescaped(row[4]): (unescaped(row[3]), row[-1]) for row in _rows("self/mountinfo") if len(row) > 9}


def _rows(name: str) -> list[list[str]]:
    # Split at nothing but what the kernel splits at: other white space may be in a name.
    try:
        text = os.fsdecode((proc() / name).read_bytes())
    except OSError:
        return []
    return [line.split(" ") for line in text.split("\n") if line]


def unescaped(name: str) -> str:
    """Return a name without the kernel's escapes, each of which is a backslash and three octal digits."""
    if "\\" not in name:
        return name
    raw = re.sub(rb"\\([0-3][0-7]{2})", lambda match: bytes([int(match[1], 8)]), os.fsencode(name))
    return os.fsdecode(raw)
