"""Which mounted file systems a report names, and how full they are."""

import os
from collections.abc import Collection, Sequence
from typing import NamedTuple

import psutil

from agent.figures import human, percent, valid_text

MEMORY = frozenset({"tmpfs", "ramfs", "rootfs"})
IMAGES = frozenset({"squashfs", "erofs", "cramfs", "romfs", "iso9660", "udf"})
"""Read-only images: always full, and nobody's concern."""

MAX_MOUNTS = 512
MAX_MOUNT_LENGTH = 1024


class Mount(NamedTuple):
    """One line of the mount table."""

    device: str
    mountpoint: str
    fstype: str


def choose_mounts(table: Sequence[Mount], on_device: Collection[Mount]) -> list[str]:
    """Return the mount points to report, in the table's order.

    Those are the file systems on a local device (`on_device`) but images, and "/" whatever holds it (a
    container's overlay) but memory. Of several mounts of one device the shortest stands; of several on one
    mount point the last, which hides the others.
    """
    visible = {mount.mountpoint: mount for mount in table}
    best: dict[str, str] = {}
    for mount in visible.values():
        real = mount in on_device or mount.mountpoint == "/"
        if not real or mount.fstype in MEMORY | IMAGES:
            continue
        known = best.get(mount.device)
        if known is None or len(os.fsencode(mount.mountpoint)) < len(os.fsencode(known)):
            best[mount.device] = mount.mountpoint
    chosen = frozenset(best.values())
    short = [point for point in visible if point in chosen and len(os.fsencode(point)) <= MAX_MOUNT_LENGTH]
    return short[:MAX_MOUNTS]


def mount_usage(mount: str, size: int, used: int, avail: int) -> dict[str, object]:
    """Return a report's item for a mount from its bytes; usage is what `df` shows: used/(used+avail)."""
    return {
        "mount": valid_text(mount),
        "usage": percent(used, used + avail),
        "size": human(size),
        "used": human(used),
        "avail": human(avail),
    }


def read_disks() -> list[dict[str, object]]:
    """Return `disk_usage` of this machine; network file systems are their server's to report."""
    table = [Mount(*part[:3]) for part in psutil.disk_partitions(all=True)]
    on_device = {Mount(*part[:3]) for part in psutil.disk_partitions(all=False) if part.fstype}
    items = []
    for point in choose_mounts(table, on_device):
        try:
            if not os.path.isdir(point):  # noqa: PTH112 - a container's /etc/hosts is a mount of a disk, on a file
                continue
            usage = psutil.disk_usage(point)
        except OSError:
            continue  # gone since, or not ours to look at: df leaves it out as well
        if usage.used + usage.free > 0:
            items.append(mount_usage(point, usage.total, usage.used, usage.free))
    return items
