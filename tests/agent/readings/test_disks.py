"""The disks of a report."""

import json
import os
import threading
from collections import namedtuple
from collections.abc import Callable

import psutil
import pytest

from agent.readings import disks
from agent.readings.disks import MAX_ITEMS_SIZE, MAX_MOUNTS, DiskReader, Item, mount_usage, within_bounds
from agent.readings.zfs import Space
from tests.agent.readings.machines import Linux

Part = namedtuple("Part", "device mountpoint fstype opts")
Usage = namedtuple("Usage", "total used free")
GIB = 2**30
HALF = Usage(10, 5, 5)


def test_usage_is_that_of_df_which_leaves_out_what_root_keeps() -> None:
    assert mount_usage(Space("/", "/dev/sda1", 100 * GIB, 45 * GIB, 45 * GIB)) == {
        "mount": "/",
        "usage": 50.0,
        "size": "100G",
        "used": "45G",
        "avail": "45G",
    }


def read(linux: Linux, notes: list[str] | None = None) -> list[str]:
    note: Callable[[str], None] = print if notes is None else notes.append
    return [linux.point(str(item["mount"])) for item in DiskReader(0.5).read(note)]


def test_a_file_does_not_stand_for_its_disk(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_usage", lambda point: HALF)
    linux.write("a.conf", "")
    linux.write("etc/hosts", "")
    table = "overlay / overlay rw 0 0\n/dev/sdb1 @/a.conf ext4 rw 0 0\n/dev/sda1 @/etc/hosts ext4 rw 0 0\n"
    linux.mount(table + "/dev/sdb1 @/var/lib/mysql ext4 rw 0 0\n", "var/lib/mysql")
    assert read(linux) == ["/", "@/var/lib/mysql"]


def test_mounts_that_are_gone_or_have_no_size_are_left_out(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_usage(point: str) -> Usage:
        if point.endswith("/broken"):
            raise OSError(5, "Input/output error")
        return Usage(0, 0, 0) if point.endswith("/empty") else HALF

    monkeypatch.setattr(psutil, "disk_usage", disk_usage)
    points = ["", "/gone", "/broken", "/empty", "/full"]
    linux.mount("".join(f"/dev/sd{point} @{point} ext4 rw 0 0\n" for point in points), "broken empty full")
    assert read(linux) == ["@", "@/full"]


def test_a_disk_that_hangs_is_named_and_costs_no_other(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    isdir = os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda point: gate.wait(30) if point.endswith("/dead") else isdir(point))
    linux.mount("".join(f"/dev/sd{x} @/m/{x} ext4 rw 0 0\n" for x in ("a", "dead", "good")), "m/a m/dead m/good")
    reader, notes = DiskReader(0.5), list[str]()
    try:
        for _ in range(2):
            items = [linux.point(str(item["mount"])) for item in reader.read(notes.append)]
            assert items == ["@/m/a", "@/m/good"]
        assert notes == [f"{linux.root}/m/dead is left out: it did not answer in 0.5 s"] * 2
    finally:
        gate.set()


def test_a_disk_below_a_private_folder_is_named(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = os.stat
    private = f"{linux.root}/home/bob/"

    def stat_as_another(path: str, **more: object) -> os.stat_result:
        if str(path).startswith(private):
            raise PermissionError(13, "Permission denied")
        return stat(path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat_as_another)
    table = "/dev/sda1 @/home ext4 rw 0 0\n/dev/sdb1 @/home/bob/storage ext4 rw 0 0\n"
    linux.mount(table, "home/bob/storage")
    notes: list[str] = []
    assert read(linux, notes) == ["@/home"]
    assert notes == [f"{private}storage is left out: a folder above it is closed to this user"]
    linux.mount(table + "/dev/sdb1 @/srv/storage/of/bob ext4 rw 0 0\n", "srv/storage/of/bob")
    assert read(linux) == ["@/home", "@/srv/storage/of/bob"]


def test_a_disk_behind_an_automount_is_named(linux: Linux) -> None:
    table = "systemd-1 @/mnt/b autofs rw,timeout=600,direct 0 0\n/dev/sdb1 @/mnt/b ext4 rw 0 0\n"
    linux.mount("/dev/sda1 @ ext4 rw 0 0\n" + table, "mnt/b")
    notes: list[str] = []
    assert read(linux, notes) == ["@"]
    assert notes == [f"{linux.root}/mnt/b is left out: it is behind an automount, which each look would keep awake"]


@pytest.mark.parametrize(
    ("system", "table", "points"),
    [
        (
            "Darwin",
            [
                Part("/dev/disk3s1s1", "/", "apfs", "ro,local"),
                Part("/dev/disk3s5", "/System/Volumes/Data", "apfs", "rw,dontbrowse"),
                Part("//guest@nas/share", "/Volumes/share", "smbfs", "rw"),
                Part("/dev/disk5s1", "/Volumes/USB 64GB", "exfat", "rw"),
            ],
            {"/": Usage(482797652 * 1024, 10000000 * 1024, 72419648 * 1024), "/Volumes/USB 64GB": Usage(64, 32, 32)},
        ),
        (
            "FreeBSD",
            [
                Part("/dev/ufs/OPNsense", "/", "ufs", "rw"),
                Part("devfs", "/dev", "devfs", "rw"),
                Part("nas:/x", "/mnt", "nfs", "rw"),
            ],
            {"/": Usage(100, 85, 15)},
        ),
        ("Windows", [Part("C:\\", "C:\\", "NTFS", "rw,fixed")], {"C:\\": Usage(100, 85, 15)}),
    ],
)
def test_elsewhere_only_the_disks_are_asked(
    monkeypatch: pytest.MonkeyPatch, system: str, table: list[Part], points: dict[str, Usage]
) -> None:
    asked: list[bool] = []

    def disk_partitions(all: bool) -> list[Part]:  # noqa: A002 - psutil's name
        asked.append(all)
        return table

    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(psutil, "disk_partitions", disk_partitions)
    monkeypatch.setattr(psutil, "disk_usage", points.__getitem__)
    monkeypatch.setattr(os.path, "isdir", points.__contains__)
    items = DiskReader().read(print)
    assert {item["mount"]: item["usage"] for item in items} == dict.fromkeys(points, 50.0) | {items[0]["mount"]: 85.0}
    assert asked == [system != "Windows"]  # there, psutil asks every network drive for its type


def test_windows_may_hang_while_it_lists_its_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, notes = threading.Event(), list[str]()
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: gate.wait(30) and [])  # noqa: A006 - psutil's name
    try:
        assert DiskReader(0.2).read(notes.append) == []
        assert notes == ["all disks are left out: Windows did not list them in 0.2 s"]
    finally:
        gate.set()


def item(mount: str, usage: float) -> Item:
    return {"mount": mount, "usage": usage, "size": "1.0T", "used": "512G", "avail": "512G"}


def test_a_report_names_no_more_mounts_than_a_receiver_takes_the_fullest_first() -> None:
    items = [item(f"/mnt/{number}", number % 100) for number in range(600)]
    notes: list[str] = []
    kept = within_bounds(items, notes.append)
    assert len(kept) == MAX_MOUNTS
    assert kept == [each for each in items if each in kept]
    left_out = [float(str(each["usage"])) for each in items if each not in kept]
    assert max(left_out) <= min(float(str(each["usage"])) for each in kept)
    assert notes == ["88 disks are left out, the least full: a report has no room for more"]


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600"])
def test_long_names_do_not_make_a_report_too_large(letter: str) -> None:
    items = [item(f"/mnt/{number}/" + letter * 1000, number % 100) for number in range(512)]
    notes: list[str] = []
    kept = within_bounds(items, notes.append)
    others = dict.fromkeys(("os", "hostname", "kernel"), "😀" * 255)
    report = {"agent_key": '"' * 128, "disk_usage": kept, **others}
    assert MAX_ITEMS_SIZE * 0.9 < len(json.dumps(report)) < 256 * 1024
    assert len(notes) == 1


def test_a_name_that_a_receiver_does_not_take_is_left_out_and_all_else_kept_in_order() -> None:
    notes: list[str] = []
    items = [item("/b", 1), item("/" + "x" * 1024, 99), item("/a", 50), item("/" + "y" * 1023, 99)]
    assert within_bounds(items, notes.append) == [items[0], items[2], items[3]]
    assert [note[-43:] for note in notes] == ["its name is longer than 1024 characters"[-43:]] or len(notes) == 1


def test_names_cannot_steer_a_terminal() -> None:
    assert disks.shown("/a\x1b[31m\n\u202e\udcff") == "/a?[31m??\N{REPLACEMENT CHARACTER}"
    assert len(disks.shown("x" * 999)) == 200
