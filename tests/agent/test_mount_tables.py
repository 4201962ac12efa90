"""Which mounts both agents report of the same mount table."""

import json
from collections import namedtuple
from collections.abc import Iterator

import psutil
import pytest
from _pytest.mark import ParameterSet

from agent.collect import read_disks
from tests.agent.shells import Box

DF = """shift 3
for m in "$@"; do printf '%s\\n' "/dev/x 1048576 471859 471859 50% $m"; done"""
FILESYSTEMS = "".join(
    [f"nodev\t{name}\n" for name in ("proc", "tmpfs", "overlay", "nfs4", "cgroup2", "autofs", "fuse", "zfs")]
    + [f"\t{name}\n" for name in ("ext4", "xfs", "btrfs", "vfat", "squashfs", "fuseblk")]
)
TABLES = {
    "btrfs subvolumes are one file system": (
        "/dev/sda2 / btrfs subvol=/@\n/dev/sda2 /home btrfs subvol=/@home\n/dev/sda2 /.snapshots btrfs subvol=/@s\n"
        "/dev/sda1 /boot/efi vfat rw\n/dev/sdb /srv btrfs rw\n",
        ["/", "/boot/efi", "/srv"],
    ),
    "zfs data sets are their pools": (
        "rpool/ROOT/debian / zfs rw\nbpool/BOOT/debian /boot zfs rw\n"
        "rpool/home /home zfs rw\nrpool/home/a /home/a zfs rw\n",
        ["/", "/boot"],
    ),
    "a bind mount is where it was already": (
        "/dev/mapper/vg-root / ext4 rw\n/dev/sdb1 /srv/data xfs rw\n/dev/sdb1 /export xfs rw\n"
        "/dev/mapper/vg-root /mnt ext4 rw\n",
        ["/", "/export"],
    ),
    "a container's root is an overlay, and a volume counts once": (
        "overlay / overlay rw\nproc /proc proc rw\ntmpfs /dev tmpfs rw\n/dev/sda1 /data ext4 rw\n"
        "/dev/sda1 /data/more ext4 rw\n",
        ["/", "/data"],
    ),
    "a host of containers reports its own disks alone": (
        "/dev/sda1 / ext4 rw\noverlay /var/lib/docker/merged overlay rw\ntmpfs /run tmpfs rw\n"
        "/dev/loop0 /snap/core squashfs ro\nnas:/x /mnt/nas nfs4 rw\nsshfs /mnt/ssh fuse.sshfs rw\n"
        "systemd-1 /mnt/auto autofs rw\ncgroup2 /sys/fs/cgroup cgroup2 rw\n/dev/sdc1 /media/stick fuseblk rw\n",
        ["/", "/media/stick"],
    ),
    "what hides a disk is what is seen": (
        "/dev/sda1 / ext4 rw\n/dev/sdb1 /srv xfs rw\ntmpfs /srv tmpfs rw\n"
        "/dev/sdc1 /opt ext4 rw\n/dev/sdd1 /opt xfs rw\n",
        ["/", "/opt"],
    ),
}


def both_agents() -> Iterator[ParameterSet]:
    """Return each table for each agent."""
    for name, (table, reported) in TABLES.items():
        yield pytest.param("agent.sh", table, reported, id=f"agent.sh: {name}")
        yield pytest.param("psutil", table, reported, id=f"psutil: {name}")


@pytest.mark.parametrize(("agent", "table", "reported"), both_agents())
def test_both_agents_choose_the_same_mounts(
    dash: Box, monkeypatch: pytest.MonkeyPatch, agent: str, table: str, reported: list[str]
) -> None:
    rows = [line.split() for line in table.splitlines()]
    points = ["/" if point == "/" else f"{dash.root}/m{point}" for _, point, *_ in rows]
    lines = [" ".join([device, at, *rest, "0 0"]) for (device, _, *rest), at in zip(rows, points, strict=True)]
    for point in points:
        dash.root.joinpath(point).mkdir(parents=True, exist_ok=True)
    for name, text in {"mounts": "\n".join(lines) + "\n", "filesystems": FILESYSTEMS}.items():
        dash.write(f"proc/{name}", text)
        dash.write(f"proc/self/{name}", text)
    wanted = ["/" if point == "/" else f"{dash.root}/m{point}" for point in reported]
    dash.stub("df", DF)
    if agent == "agent.sh":
        assert [disk["mount"] for disk in json.loads(dash.run("--print").stdout)["disk_usage"]] == wanted
        return
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(dash.root / "proc"), raising=False)
    monkeypatch.setattr(psutil, "disk_usage", lambda point: usage(10, 5, 5))
    assert [disk["mount"] for disk in read_disks(print)] == wanted
