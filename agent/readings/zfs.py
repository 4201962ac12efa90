"""ZFS: many data sets share the space of one pool, and it is the pool that fills."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.system import output_of

ALIKE = 0.01
"""By how much the space may differ that data sets of one pool have: they are asked one after the other."""


@dataclass(frozen=True, slots=True)
class Space:
    """A file system as `statvfs` tells it, in bytes."""

    mountpoint: str
    device: str
    size: int
    used: int
    available: int

    @property
    def pool(self) -> str:
        """The pool of a data set."""
        return self.device.partition("/")[0]


@dataclass(frozen=True, slots=True)
class PoolSpace:
    """What a whole pool holds and has left, in bytes, with volumes, snapshots and all that is not mounted."""

    used: int
    available: int


def read_pools() -> dict[str, PoolSpace]:
    """Return the space of each pool by name; raises ToolError where zfs is missing, forbidden or hangs."""
    return pools_of(output_of("zfs", "list", "-Hp", "-o", "name,used,avail", "-d", "0"))


def pools_of(listing: str) -> dict[str, PoolSpace]:
    """Return the pools that `zfs list` prints: name, used, available in bytes, with tabs between."""
    rows = (line.split("\t") for line in listing.split("\n"))
    return {
        row[0]: PoolSpace(int(row[1]), int(row[2]))
        for row in rows
        if len(row) == 3 and row[1].isdecimal() and row[2].isdecimal()
    }


def pool_disks(sets: Iterable[Space], pools: Mapping[str, PoolSpace]) -> tuple[list[Space], list[str]]:
    """Return what a report names of the mounted data sets, and the pools of which only what is mounted is known.

    That is each pool once, under its shortest mount, and each data set with less space than its pool: it has a quota,
    and fills by itself.
    """
    by_pool: dict[str, list[Space]] = {}
    for each in sets:
        by_pool.setdefault(each.pool, []).append(each)
    disks, guessed = [], []
    for name, mounted in by_pool.items():
        space = pools.get(name)
        if space is None:
            if not _is_pool(name, mounted):
                disks += mounted
                continue
            guessed.append(name)
            space = PoolSpace(sum(each.used for each in mounted), max(each.available for each in mounted))
        disks += _disks_of(mounted, space)
    return disks, guessed


def _disks_of(mounted: Sequence[Space], pool: PoolSpace) -> list[Space]:
    whole = [each for each in mounted if not _has_quota(each, pool)]
    disks = [each for each in mounted if _has_quota(each, pool)]
    if whole:
        place = min(whole, key=lambda each: len(each.mountpoint.encode("utf-8", "surrogateescape")))
        disks.append(Space(place.mountpoint, place.device, pool.used + pool.available, pool.used, pool.available))
    return disks


def _has_quota(each: Space, pool: PoolSpace) -> bool:
    return each.available < pool.available * (1 - ALIKE)


def _is_pool(name: str, mounted: Sequence[Space]) -> bool:
    """Whether what is mounted shows the pool: its root, or several data sets with the same space left."""
    most = max(each.available for each in mounted)
    sharing = [each for each in mounted if each.available >= most * (1 - ALIKE)]
    return len(sharing) > 1 or any(each.device == name for each in mounted)
