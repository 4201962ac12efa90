"""Which mounts a report names."""

import os
from collections import namedtuple

import psutil
import pytest

from agent.disks import MAX_MOUNTS, Mount, choose_mounts, mount_usage, read_disks

ROOT = Mount("/dev/sda1", "/", "ext4")


def chosen(*table: Mount, real: str = "ext4 xfs zfs vfat squashfs iso9660") -> list[str]:
    return choose_mounts(table, {mount for mount in table if mount.fstype in real.split()})


def test_pseudo_file_systems_and_images_are_left_out() -> None:
    table = [
        ROOT,
        Mount("tmpfs", "/run", "tmpfs"),
        Mount("udev", "/dev", "devtmpfs"),
        Mount("/dev/loop0", "/snap/core", "squashfs"),
        Mount("/dev/sr0", "/media/cdrom", "iso9660"),
        Mount("overlay", "/var/lib/docker/overlay2/x/merged", "overlay"),
        Mount("nas:/export", "/mnt/nas", "nfs4"),
        Mount("/dev/sdb1", "/srv", "xfs"),
    ]
    assert chosen(*table) == ["/", "/srv"]


def test_an_overlay_counts_at_the_root_of_a_container() -> None:
    assert chosen(Mount("overlay", "/", "overlay"), Mount("overlay", "/mnt/x", "overlay")) == ["/"]


@pytest.mark.parametrize("fstype", ["tmpfs", "squashfs", "rootfs"])
def test_a_root_in_memory_or_in_an_image_does_not_count(fstype: str) -> None:
    assert chosen(Mount("none", "/", fstype)) == []


def test_bind_mounts_of_a_device_count_once_under_the_shortest_name() -> None:
    table = [Mount("/dev/sda1", "/var/lib/x", "ext4"), ROOT, Mount("/dev/sda1", "/mnt", "ext4")]
    assert chosen(*table) == ["/"]


def test_of_mounts_on_one_point_the_last_is_seen() -> None:
    assert chosen(Mount("rootfs", "/", "rootfs"), ROOT) == ["/"]
    assert chosen(ROOT, Mount("/dev/sdb1", "/srv", "xfs"), Mount("tmpfs", "/srv", "tmpfs")) == ["/"]


def test_zfs_data_sets_count_each() -> None:
    assert chosen(Mount("tank/a", "/tank/a", "zfs"), Mount("tank/b", "/tank/b", "zfs")) == ["/tank/a", "/tank/b"]


def test_a_report_names_no_more_mounts_than_a_receiver_takes() -> None:
    many = [Mount(f"/dev/sd{i}", f"/mnt/{i}", "ext4") for i in range(600)]
    assert len(chosen(*many)) == MAX_MOUNTS
    assert chosen(Mount("/dev/sdz", "/" + "x" * 1024, "ext4")) == []


def test_usage_is_that_of_df_which_leaves_out_what_root_keeps() -> None:
    gib = 2**30
    assert mount_usage("/", 100 * gib, 45 * gib, 45 * gib) == {
        "mount": "/",
        "usage": 50.0,
        "size": "100G",
        "used": "45G",
        "avail": "45G",
    }


def test_mounts_that_cannot_be_read_or_are_files_or_have_no_size_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = namedtuple("part", "device mountpoint fstype opts")
    usage = namedtuple("usage", "total used free")
    points = {"/": usage(10, 5, 5), "/etc/hosts": usage(10, 5, 5), "/locked": None, "/empty": usage(0, 0, 0)}
    table = [part(f"/dev/{i}", point, "ext4", "rw") for i, point in enumerate(points)]

    def disk_usage(point: str) -> object:
        if points[point] is None:
            raise PermissionError(point)
        return points[point]

    monkeypatch.setattr(psutil, "disk_partitions", lambda all: table)  # noqa: A006 - psutil's own name
    monkeypatch.setattr(psutil, "disk_usage", disk_usage)
    monkeypatch.setattr(os.path, "isdir", lambda point: point != "/etc/hosts")
    assert [item["mount"] for item in read_disks()] == ["/"]
