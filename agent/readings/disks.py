"""The disks of a report, and how full they are."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import psutil

from agent.errors import ToolError
from agent.figures import human, percent, valid_text
from agent.readings import zfs
from agent.readings.asking import LIMIT_S, Asker
from agent.readings.mount_table import Mount, read_mount_table
from agent.readings.mounts import DISKS, block_types, choose_disks
from agent.readings.zfs import Space
from agent.system import this_system

Item = dict[str, object]
Note = Callable[[str], None]
"""Takes a line about what is left out."""

MAX_MOUNTS = 512
MAX_MOUNT_LENGTH = 1024
MAX_ITEMS_SIZE = (256 - 16) * 1024
"""Bytes of all items as JSON: a report is 256 KiB at most, with all its other fields and the key."""


@dataclass(frozen=True, slots=True)
class Private:
    """A disk that this user cannot see, since a folder above it is closed."""

    mountpoint: str


Asked = Space | Private | None
"""None: gone since, or nothing but files (in containers)."""


class DiskReader:
    """Reads the disks of each report, and remembers those that hang."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._asker = Asker[Asked](limit_s)
        self._lister = Asker[list[Mount]](limit_s)
        self._limit_s = limit_s

    def read(self, note: Note) -> list[Item]:
        """Return `disk_usage` of this machine; `note` gets a line for each disk that had to be left out, and why."""
        table = self._read_table(note)
        choice = choose_disks(table, DISKS | block_types())
        for point in choice.sleeping:
            note(f"{shown(point)} is left out: it is behind an automount, which each look would keep awake")
        questions = {mounts[0].mountpoint: partial(_look, mounts) for mounts in choice.disks}
        answers = self._asker.ask(questions)
        for point in questions:
            if point not in answers:
                note(f"{shown(point)} is left out: it did not answer in {self._limit_s:g} s")
        for asked in answers.values():
            if isinstance(asked, Private):
                note(f"{shown(asked.mountpoint)} is left out: a folder above it is closed to this user")
        spaces = [asked for asked in answers.values() if isinstance(asked, Space)]
        order = {mount.mountpoint: place for place, mount in enumerate(table)}
        spaces = sorted(_with_pools(spaces, table, note), key=lambda each: order[each.mountpoint])
        return within_bounds([mount_usage(each) for each in spaces if each.used + each.available > 0], note)

    def _read_table(self, note: Note) -> list[Mount]:
        if this_system() != "windows":
            return read_mount_table()
        # There, each disk is asked for its type, so that one that is dying may hold up the list.
        tables = list(self._lister.ask({"list": read_mount_table}).values())
        if not tables:
            note(f"all disks are left out: Windows did not list them in {self._limit_s:g} s")
        return tables[0] if tables else []


def _look(mounts: tuple[Mount, ...]) -> Asked:
    """Return the space of a disk under the first of its mounts that can be seen; for another thread."""
    private = None
    for mount in mounts:
        try:
            if os.path.isdir(mount.mountpoint):  # noqa: PTH112 - a container's /etc/hosts is a mount of a disk
                return _space(mount)
            os.stat(mount.mountpoint)  # noqa: PTH116
        except PermissionError:
            private = private or Private(mount.mountpoint)
        except OSError:
            continue
    return private


def _space(mount: Mount) -> Space:
    usage = psutil.disk_usage(mount.mountpoint)
    # A volume of APFS only tells its own part of what its container holds.
    used = usage.total - usage.free if mount.fstype == "apfs" else usage.used
    return Space(mount.mountpoint, mount.device, usage.total, used, usage.free)


def _with_pools(spaces: Sequence[Space], table: Sequence[Mount], note: Note) -> list[Space]:
    """Return the disks with ZFS' data sets put together to pools."""
    on_zfs = {mount.mountpoint for mount in table if mount.fstype == "zfs"}
    sets = [each for each in spaces if each.mountpoint in on_zfs]
    if not sets:
        return list(spaces)
    why = ""
    try:
        pools = zfs.read_pools()
    except ToolError as error:
        pools, why = {}, f" ({error})"
    disks, guessed = zfs.pool_disks(sets, pools)
    for name in guessed:
        note(f"the pool {shown(name)} is measured by what is mounted, without volumes and snapshots{why}")
    return [each for each in spaces if each.mountpoint not in on_zfs] + disks


def mount_usage(space: Space) -> Item:
    """Return a report's item for a disk; usage is what `df` shows: used/(used+available)."""
    return {
        "mount": valid_text(space.mountpoint),
        "usage": percent(space.used, space.used + space.available),
        "size": human(space.size),
        "used": human(space.used),
        "avail": human(space.available),
    }


def within_bounds(items: Iterable[Item], note: Note, room: int = MAX_ITEMS_SIZE) -> list[Item]:
    """Return as many items as a receiver takes, the fullest of them, in their order; `note` gets a line if not all."""
    short = []
    for item in items:
        if len(str(item["mount"])) <= MAX_MOUNT_LENGTH:
            short.append(item)
        else:
            note(f"{shown(str(item['mount']))} is left out: its name is longer than {MAX_MOUNT_LENGTH} characters")
    kept: set[int] = set()
    for place in sorted(range(len(short)), key=lambda place: float(str(short[place]["usage"])), reverse=True):
        size = len(json.dumps(short[place])) + 2
        if len(kept) < MAX_MOUNTS and size <= room:
            room -= size
            kept.add(place)
    if len(kept) < len(short):
        note(f"{len(short) - len(kept)} disks are left out, the least full: a report has no room for more")
    return [short[place] for place in sorted(kept)]


def shown(name: str) -> str:
    """Return the name of a mount as a terminal may show it, cut to a line."""
    safe = "".join(char if char.isprintable() else "?" for char in valid_text(name))
    return safe if len(safe) <= 200 else safe[:199] + "…"
