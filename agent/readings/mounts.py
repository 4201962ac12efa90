"""Which of what is mounted is a disk that a report names, and under which of its mounts."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from agent.readings.mount_table import Mount
from agent.system import proc

DISKS = frozenset({
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs", "f2fs", "jfs", "nilfs2", "reiserfs", "reiser4",
    "ocfs2", "gfs2", "ubifs", "jffs2", "hfs", "hfsplus", "apfs", "ufs", "ext2fs", "vfat", "msdos", "msdosfs",
    "exfat", "fat", "fat32", "ntfs", "ntfs3", "fuseblk", "refs", "csvfs",
})  # fmt: skip
"""The types of file systems on disks, in small letters, of all the systems that psutil knows.

Linux may have more, which /proc/filesystems names. Some of these are not on a block device for the kernel (zfs).
"""

IMAGES = frozenset({"squashfs", "erofs", "cramfs", "romfs", "iso9660", "udf"})
"""Images of a disk are read-only and always full."""

MEMORY = frozenset({"tmpfs", "ramfs", "rootfs"})

NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "ceph", "glusterfs", "afs", "lustre", "autofs",
})  # fmt: skip
"""These are their server's to report, and a server that is gone would let us wait, even where "/" is one."""

NEVER = MEMORY | IMAGES | NETWORK

LEFT_OUT = frozenset({"cdrom", "remote", "quarantine"})
"""Options of optical and network drives on Windows, and of disk images that were downloaded on macOS."""

MAC_SYSTEM = re.compile(r"/(System/Volumes|private/var/vm|Volumes/(\.timemachine|com\.apple\.TimeMachine|Backups of ))")
MAC_DISK = re.compile(r"(/dev/disk\d+)s\d+")
BSD_MEMORY = re.compile(r"/dev/md\d+")


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a mount table is to be asked how full it is, and what is not."""

    disks: list[tuple[Mount, ...]]
    """For each disk its mounts, the one to name first."""

    sleeping: list[str]
    """The mount points of disks behind an automount that ends when idle."""


def block_types() -> frozenset[str]:
    """Return the types that Linux keeps on block devices; nothing elsewhere, or where it does not tell."""
    try:
        lines = (proc() / "filesystems").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(words[0] for line in lines if len(words := line.split()) == 1)


def choose_disks(table: Sequence[Mount], types: Collection[str] = DISKS) -> Choice:
    """Return the disks of a mount table, each of which may be seen at several points.

    A disk is a file system of one of `types`, and "/" whatever holds it (a container's overlay) but memory, an image or
    the network. What cannot be written cannot fill: a read-only "/" of another type, and read-only loop devices, are
    left out.
    """
    disks: dict[str, list[Mount]] = {}
    sleeping = []
    automounts = frozenset(mount.mountpoint for mount in table if _ends_when_idle(mount))
    for mount in visible(table):
        if not _is_disk(mount, types):
            continue
        if _at_or_below(mount.mountpoint, automounts):
            sleeping.append(mount.mountpoint)
        else:
            disks.setdefault(_disk_of(mount), []).append(mount)
    return Choice([named for mounts in disks.values() if (named := _named(mounts))], sleeping)


def visible(table: Sequence[Mount]) -> list[Mount]:
    """Return the mounts that can be seen: one hides those mounted before it on its point, or below it.

    "/" hides only another "/": what was mounted before it, by the initramfs, was moved along with it.
    """
    covered: set[str] = set()
    seen = []
    for mount in reversed(table):
        if mount.mountpoint not in covered and not _at_or_below(mount.mountpoint, covered):
            seen.append(mount)
        covered.add(mount.mountpoint)
    return seen[::-1]


def _at_or_below(point: str, others: Collection[str]) -> bool:
    while point not in ("", "/"):
        if point in others:
            return True
        point = point.rpartition("/")[0]
    return False


def _ends_when_idle(mount: Mount) -> bool:
    """Whether it is an automount with an end: looking at a disk behind it each minute would keep that awake."""
    times = re.findall(r"(?:^|,)timeout=(\d+)", mount.options)
    return mount.fstype == "autofs" and any(int(time) for time in times)


def _is_disk(mount: Mount, types: Collection[str]) -> bool:
    fstype = mount.fstype.lower()
    if fstype in NEVER or not LEFT_OUT.isdisjoint(mount.options.split(",")):
        return False
    if _is_snapshot(mount) or _is_image(mount):
        return False
    return fstype in types or (mount.mountpoint == "/" and mount.writable)


def _is_snapshot(mount: Mount) -> bool:
    return mount.fstype in ("zfs", "apfs") and ("@" in mount.device or "/.zfs/snapshot/" in mount.mountpoint)


def _is_image(mount: Mount) -> bool:
    """Whether it is an image in a read-only loop device, or a memory disk of a BSD (Linux' /dev/md0 is a RAID)."""
    in_memory = mount.fstype == "ufs" and BSD_MEMORY.fullmatch(mount.device) is not None
    return in_memory or (mount.device.startswith("/dev/loop") and not mount.writable)


def _disk_of(mount: Mount) -> str:
    """Return what mounts of one disk have in common."""
    if mount.fstype == "apfs" and (part := MAC_DISK.match(mount.device)):
        return part[1]  # the volumes of a container share its space
    if re.fullmatch(r"[A-Za-z]:\\", mount.device):
        return mount.mountpoint  # Windows, where the device is the drive in whose folder a volume is mounted
    return mount.device


def _named(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Return the mounts of a disk, the one to name first: as `df` would, but a writable one if there is any."""
    mounts = list(mounts)
    if MAC_DISK.match(mounts[0].device):
        return _named_on_mac(mounts)
    return tuple(sorted(mounts, key=lambda mount: (not mount.writable, _is_bind(mount), _length(mount))))


def _is_bind(mount: Mount) -> bool:
    """Whether a folder of a disk is mounted rather than the whole; subvolumes of btrfs look alike, and are the disk."""
    return mount.root != "/" and mount.fstype != "btrfs"


def _named_on_mac(mounts: list[Mount]) -> tuple[Mount, ...]:
    """Return those that a person sees in the Finder, and "/", which is sealed; nothing of what cannot be written."""
    if not any(mount.writable for mount in mounts):
        return ()
    hidden = {"dontbrowse", "nobrowse"}
    seen = [m for m in mounts if hidden.isdisjoint(m.options.split(",")) and not MAC_SYSTEM.match(m.mountpoint)]
    return tuple(sorted(seen, key=_length))


def _length(mount: Mount) -> int:
    return len(os.fsencode(mount.mountpoint))
