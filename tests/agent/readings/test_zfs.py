"""What a report names of ZFS."""

from collections import namedtuple

import psutil
import pytest

from agent.errors import ToolError
from agent.readings import zfs
from agent.readings.disks import DiskReader
from agent.readings.zfs import PoolSpace, Space, pool_disks, pools_of
from tests.agent.readings.machines import Linux

Usage = namedtuple("Usage", "total used free")
GIB = 2**30
TIB = 2**40


def data_set(device: str, mountpoint: str, used: int, available: int) -> Space:
    return Space(mountpoint, device, used + available, used, available)


def usage(disks: list[Space]) -> dict[str, float]:
    return {disk.mountpoint: round(100 * disk.used / (disk.used + disk.available), 1) for disk in disks}


TANK = [data_set("tank", "/tank", 131072, TIB)]
TANK += [data_set(f"tank/d{number}", f"/tank/d{number}", 989560464998, TIB) for number in range(10)]
QUOTA = data_set("rpool/data/subvol-101-disk-0", "/rpool/data/subvol-101-disk-0", 7 * GIB, 1 * GIB)
RPOOL = [data_set("rpool/ROOT/pve-1", "/", 20 * GIB, 200 * GIB), QUOTA]


def test_a_pool_is_one_disk_with_its_own_figures() -> None:
    pools = {"tank": PoolSpace(9895604781051, TIB), "other": PoolSpace(1, 1)}
    disks, guessed = pool_disks(TANK, pools)
    assert (usage(disks), guessed) == ({"/tank": 90.0}, [])
    assert disks[0].size == 9895604781051 + TIB


def test_volumes_count_and_a_quota_is_a_disk_of_its_own() -> None:
    disks, _ = pool_disks(RPOOL, {"rpool": PoolSpace(858993459200, 214748364800)})
    assert usage(disks) == {QUOTA.mountpoint: 87.5, "/": 80.0}


def test_without_zfs_a_pool_is_what_is_mounted_and_that_is_told() -> None:
    disks, guessed = pool_disks(TANK, {})
    assert (usage(disks), guessed) == ({"/tank": 90.0}, ["tank"])


def test_several_data_sets_with_the_same_space_are_a_pool_without_its_root() -> None:
    sets = [data_set("rpool/a", "/srv/a", 30 * GIB, 100 * GIB), data_set("rpool/b", "/b", 3 * GIB, 100 * GIB), QUOTA]
    disks, guessed = pool_disks(sets, {})
    assert guessed == ["rpool"]
    assert usage(disks) == {QUOTA.mountpoint: 87.5, "/b": 28.6}


@pytest.mark.parametrize(
    "sets",
    [
        [data_set("rpool/data/subvol-7", "/", 7 * GIB, GIB)],
        [data_set("rpool/data/subvol-7", "/", 7 * GIB, GIB), data_set("rpool/data/subvol-8", "/srv", GIB, 9 * GIB)],
    ],
    ids=["alone", "with quotas of their own"],
)
def test_the_data_sets_of_a_container_are_plain_disks(sets: list[Space]) -> None:
    assert pool_disks(sets, {}) == (sets, [])


def test_a_pool_is_named_by_its_shortest_mount_without_a_quota() -> None:
    sets = [
        data_set("tank/q", "/q", 1, 10),
        data_set("tank/home", "/home", 5, 1000),
        data_set("tank/v", "/var/v", 5, 1000),
    ]
    assert usage(pool_disks(sets, {"tank": PoolSpace(1000, 1000)})[0]) == {"/q": 9.1, "/home": 50.0}


def test_a_pool_that_is_being_written_to_shows_no_quotas_that_are_none() -> None:
    sets = [data_set("tank", "/tank", 1, 1000 * GIB), data_set("tank/a", "/a", 1, 998 * GIB)]
    assert len(pool_disks(sets, {"tank": PoolSpace(GIB, 1001 * GIB)})[0]) == 1


def test_a_full_pool_is_full() -> None:
    sets = [data_set("tank", "/tank", 5, 0), data_set("tank/a", "/tank/a", 5, 0)]
    assert usage(pool_disks(sets, {"tank": PoolSpace(100, 0)})[0]) == {"/tank": 100.0}
    assert usage(pool_disks(sets, {})[0]) == {"/tank": 100.0}


@pytest.mark.parametrize(
    ("listing", "pools"),
    [
        ("tank\t1\t2\nmy pool\t3\t4\n", {"tank": PoolSpace(1, 2), "my pool": PoolSpace(3, 4)}),
        ("tank\t-\t-\nbroken\nb\t1\t2\t3\n\n", {}),
        ("no datasets available\n", {}),
        ("", {}),
    ],
)
def test_what_zfs_lists_is_read_by_its_tabs(listing: str, pools: dict[str, PoolSpace]) -> None:
    assert pools_of(listing) == pools


GUESS = "measured by what is mounted, without volumes and snapshots"
LISTED = "my pool\t9895604781051\t1099511627776\n"
TABLE = "/dev/sda1 / ext4 rw 0 0\nmy\\040pool @/pool zfs rw 0 0\nmy\\040pool/d @/pool/d zfs rw 0 0\n"
TABLE += "my\\040pool/d@x @/pool/d/.zfs/snapshot/x zfs ro 0 0\n"


@pytest.mark.parametrize(
    ("listing", "reported", "noted"),
    [
        (LISTED, {"@/pool": 90.0}, []),
        (
            None,
            {"@/pool": 47.4},
            ["the pool my pool is measured by what is mounted, without volumes and snapshots (no zfs)"],
        ),
    ],
)
def test_a_report_asks_zfs_for_the_pool(
    linux: Linux,
    monkeypatch: pytest.MonkeyPatch,
    listing: str | None,
    reported: dict[str, float],
    noted: list[str],
) -> None:
    def output_of(*command: str) -> str:
        assert command == ("zfs", "list", "-Hp", "-o", "name,used,avail", "-d", "0")
        if listing is None:
            raise ToolError("no zfs")
        return listing

    space = {"/": Usage(100, 50, 50), "@/pool": Usage(TIB, 131072, TIB), "@/pool/d": Usage(2 * TIB, 989560464998, TIB)}
    monkeypatch.setattr(zfs, "output_of", output_of)
    monkeypatch.setattr(psutil, "disk_usage", lambda point: space[linux.point(point)])
    linux.mount(TABLE, "pool/d")
    notes: list[str] = []
    items = {linux.point(str(item["mount"])): item["usage"] for item in DiskReader().read(notes.append)}
    assert (items, notes) == ({"/": 50.0, **reported}, noted)


def test_where_nothing_is_on_zfs_it_is_not_asked(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zfs, "output_of", None)
    linux.mount("/dev/sda1 / ext4 rw 0 0\n")
    assert len(DiskReader().read(print)) == 1
