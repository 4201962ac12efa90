"""Small machines that other monitors read wrong, one per kind: what both agents say of each.

Each is a root of files, which agent.sh reads with its places moved there, and psutil by `PROCFS_PATH`.
"""

import json
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from agent.collect import collect
from agent.readings.cpu import CpuReading, read_cpu
from tests.agent.shells import Box

Usage = namedtuple("Usage", "total used free")
GIB = 2**20
"""A GiB in the KiB of df."""

FILESYSTEMS = "nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\nnodev\tzfs\nnodev\tautofs\n\text4\n\txfs\n\tsquashfs\n"
NET_DEV = "Inter-|   Receive  | Transmit\n face |bytes packets|bytes\n"
MEMORY = "MemTotal: {} kB\nMemFree: {} kB\nMemAvailable: {} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
ABSENT = "no such file"
ARC = "9 1 0x01 147 39984 1 2\nname type data\nc_min 4 1073741824\nsize 4 21474836480\n"
HOST = MEMORY.format(33554432, 4000000, 4194304)


@dataclass(frozen=True)
class Case:
    """A machine, with @ for its root, and what must be said of it.

    `files` are made, a name that ends in a slash as a folder, or ABSENT; `space` is used and available of a mount in
    KiB, half of it used where nothing is said; `says` are fields of the report, of which disks only mount and usage.
    """

    says: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    mounts: str = ""
    space: dict[str, tuple[int, int]] = field(default_factory=dict)
    zfs: str = "exit 1"
    after: str = "cpu  100 0 50 800 40 5 5 0 30 0\n"


def disks(**usage: float) -> dict[str, Any]:
    return {"disk_usage": usage}


def network(total: int) -> dict[str, int]:
    return {"network_rx_bytes": total, "network_tx_bytes": total}


def net_dev(**counters: tuple[int, int]) -> str:
    rows = (f"{name:>6}: {rx} 1 0 0 0 0 0 0 {tx} 1 0 0 0 0 0 0\n" for name, (rx, tx) in counters.items())
    return NET_DEV + "".join(rows)


SWITCH = {
    "sys/class/net/eth0/dsa/tagging": "dsa\n",
    "sys/class/net/wan/device/": "",
    "sys/class/net/wan/phys_switch_id": "01\n",
    "sys/class/net/wan/lower_eth0/": "",
    "sys/class/net/lan1/device/": "",
    "sys/class/net/lan1/phys_switch_id": "01\n",
    "sys/class/net/lan1/lower_eth0/": "",
    "sys/class/net/br-lan/bridge/": "",
}
COMPOSEFS = """composefs / overlay ro,seclabel,relatime,lowerdir+=@/run/ostree/.private/cfsroot-lower,metacopy=on 0 0
/dev/vda4 @/etc xfs rw 0 0
/dev/vda4 @/sysroot xfs ro 0 0
/dev/vda4 @/var xfs rw 0 0
/dev/vda3 @/boot ext4 ro 0 0
"""
TANK = "tank @/tank zfs rw 0 0\n" + "".join(f"tank/d{n} @/tank/d{n} zfs rw 0 0\n" for n in range(10))
TANK_SPACE = {"@/tank": (128, GIB * 1024)} | {f"@/tank/d{n}": (966367642, GIB * 1024) for n in range(10)}
RPOOL = "rpool/ROOT/pve-1 / zfs rw 0 0\nrpool/data/subvol-101-disk-0 @/rpool/data/subvol-101-disk-0 zfs rw 0 0\n"
AUTOFS = "systemd-1 @/mnt/b autofs rw,fd=51,timeout={},direct 0 0\n/dev/sdb1 @/mnt/b ext4 rw 0 0\n"
RARE = ("nilfs2", "reiserfs", "reiser4", "ocfs2", "gfs2", "msdos", "apfs", "ufs")
OTHERS = (
    "enc600",
    "fwbr1",
    "fwpr1p0",
    "fwln1i0",
    "lxc_health",
    "lxc1",
    "cilium_host",
    "ppp0",
    "imq0",
    "xenbr0",
    "ip6_vti0",
)

CASES = {
    "names with escapes": Case(
        disks(**{"/": 50.0, "@/mnt/Disk 1": 50.0, "@/mnt/C#": 50.0, "@/mnt/a\\040b": 50.0}),
        mounts="/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 @/mnt/Disk\\0401 ext4 rw 0 0\n/dev/sdc1 @/mnt/C\\043 ext4 rw 0 0\n"
        "/dev/sdd1 @/mnt/a\\134040b ext4 rw 0 0\n",
    ),
    "a counter that steps back": Case(
        {"cpu_usage": 50.0, "cpu_iowait": 0.0},
        {"proc/stat": "cpu 1000 0 500 8000 400 0 0 0 0 0\n"},
        after="cpu 1100 0 500 8100 320 0 0 0 0 0\n",
    ),
    "steal that falls": Case(
        {"cpu_usage": 50.0, "cpu_iowait": 0.0},
        {"proc/stat": "cpu 1000 0 500 8000 400 0 0 800000000 0 0\n"},
        after="cpu 1100 0 500 8100 400 0 0 0 0 0\n",
    ),
    "an image as root": Case(disks(**{"@/etc": 50.0, "@/boot": 50.0}), mounts=COMPOSEFS),
    "MemAvailable is there and 0": Case(
        {"memory_usage": 27.5},
        {
            "proc/meminfo": "MemTotal: 4000000 kB\nMemFree: 1000000 kB\nMemAvailable: 0 kB\nBuffers: 100000 kB\n"
            "Cached: 1900000 kB\nActive(file): 900000 kB\nInactive(file): 900000 kB\nSReclaimable: 100000 kB\n"
            "Shmem: 10000 kB\n"
        },
    ),
    "MemAvailable above all": Case({"memory_usage": 42.8}, {"proc/meminfo": MEMORY.format(4000000, 2288000, 16000000)}),
    "a file of the disk": Case(
        disks(**{"/": 50.0, "@/var/lib/mysql": 50.0}),
        {"a.conf": "x\n"},
        "overlay / overlay rw 0 0\n/dev/sdb1 @/a.conf ext4 rw 0 0\n/dev/sdb1 @/var/lib/mysql ext4 rw 0 0\n",
    ),
    "what a later mount hides": Case(
        disks(**{"/": 50.0, "@/srv": 50.0}),
        mounts="/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 @/srv/x ext4 rw 0 0\n/dev/sdc1 @/srv ext4 rw 0 0\n",
    ),
    "a bind under a shorter name": Case(
        disks(**{"/": 50.0, "@/srv/data": 50.0}),
        {
            "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:17 /x @/b rw - ext4 /dev/sdb1 rw\n"
            "3 1 8:17 / @/srv/data rw - ext4 /dev/sdb1 rw\n"
        },
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 @/b ext4 rw 0 0\n/dev/sdb1 @/srv/data ext4 rw 0 0\n",
    ),
    "a disk behind an automount": Case(disks(**{"/": 50.0}), mounts="/dev/sda1 / ext4 rw 0 0\n" + AUTOFS.format(600)),
    "an automount without an end": Case(
        disks(**{"/": 50.0, "@/mnt/b": 50.0}), mounts="/dev/sda1 / ext4 rw 0 0\n" + AUTOFS.format(0)
    ),
    "OpenWrt's switch": Case(
        network(1100),
        {**SWITCH, "proc/net/dev": net_dev(eth0=(1100, 1100), wan=(1000, 100), lan1=(100, 1000), br=(9, 9))},
    ),
    "guests of Xen": Case(
        network(1000),
        {
            "sys/class/net/vif1.0/device/": "",
            "sys/class/net/xenbr0/bridge/": "",
            "proc/net/dev": net_dev(eth0=(1000, 1000), xenbr0=(900, 900), **{"vif1.0": (800, 800)}),
        },
    ),
    "no /proc/net/dev": Case(
        {"network_rx_bytes": None, "memory_usage": 75.0},
        {"proc/net/dev": ABSENT, "proc/meminfo": MEMORY.format(4, 1, 1)},
    ),
    "os-release only in /usr/lib": Case(
        {"os": "Clear Linux OS"}, {"etc/os-release": ABSENT, "usr/lib/os-release": 'PRETTY_NAME="Clear Linux OS"\n'}
    ),
    "os-release of Windows' lines": Case({"os": "Odd"}, {"etc/os-release": 'PRETTY_NAME="Odd"\r\n'}),
    "a file system of the disk mounted read-only elsewhere": Case(
        disks(**{"/": 50.0, "@/a": 50.0}),
        {
            "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / @/a ro - ext4 /dev/sdb1 rw\n"
            "3 1 8:2 / @/longer rw - ext4 /dev/sdb1 rw\n"
        },
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 @/a ext4 ro 0 0\n/dev/sdb1 @/longer ext4 rw 0 0\n",
    ),
    "a unit that may write nothing": Case(
        disks(**{"/": 50.0, "@/own": 50.0}),
        {
            "proc/self/mountinfo": "1 0 0:9 / / ro - overlay overlay rw,lowerdir=/l\n"
            "2 1 7:1 / @/own ro - ext4 /dev/loop1 rw\n3 1 7:2 / @/image ro - ext4 /dev/loop2 ro\n"
        },
        "overlay / overlay ro 0 0\n/dev/loop1 @/own ext4 ro 0 0\n/dev/loop2 @/image ext4 ro 0 0\n",
    ),
    "a subvolume of btrfs beside the whole": Case(
        disks(**{"/": 50.0, "@/data": 50.0}),
        {
            "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / @/mnt/whole rw - btrfs /dev/sdb rw\n"
            "3 1 0:9 /@data @/data rw - btrfs /dev/sdb rw\n"
        },
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb @/mnt/whole btrfs rw 0 0\n/dev/sdb @/data btrfs rw 0 0\n",
    ),
    "the shorter of two names, without escapes": Case(
        disks(**{"/": 50.0, "@/n 1": 50.0}),
        mounts="/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 @/abcd ext4 rw 0 0\n/dev/sdb1 @/n\\0401 ext4 rw 0 0\n",
    ),
    "a read-only root of no disk": Case(disks(), mounts="x / virtiofs ro 0 0\n"),
    "a root of another machine": Case(disks(), mounts="x / lustre rw 0 0\n"),
    "disks of types that the kernel does not list": Case(
        disks(**{"/": 50.0} | {f"@/{name}": 50.0 for name in RARE}),
        mounts="/dev/sda1 / ext4 rw 0 0\n" + "".join(f"/dev/{name} @/{name} {name} rw 0 0\n" for name in RARE),
    ),
    "an automount whose end is told first": Case(
        disks(**{"/": 50.0}),
        mounts="/dev/sda1 / ext4 rw 0 0\na @/mnt/b autofs timeout=060,rw 0 0\n/dev/sdb1 @/mnt/b ext4 rw 0 0\n",
    ),
    "os-release with what is no assignment": Case(
        {"os": "B"}, {"etc/os-release": 'PRETTY_NAME="A" # c\nPRETTY_NAME=x y\nPRETTY_NAME="z\nNAME=B\n'}
    ),
    "os-release with backslashes": Case({"os": 'a\\n"$`'}, {"etc/os-release": r'PRETTY_NAME="a\n\"\$\`"' + "\n"}),
    "a cache of ZFS with a line that is spoilt": Case(
        {"memory_usage": 28.1}, {"proc/meminfo": HOST, "proc/spl/kstat/zfs/arcstats": "\u00e9\nsize 4 x\n" + ARC}
    ),
    "a cache of ZFS below nothing": Case(
        {"memory_usage": 87.5},
        {"proc/meminfo": HOST, "proc/spl/kstat/zfs/arcstats": "c_min 4 -5\nsize 4 21474836480\n"},
    ),
    "cards by name where /sys tells of others": Case(
        network(1000),
        {
            "sys/class/net/eth0/device/": "",
            "proc/net/dev": net_dev(**{name: (1000 if name == "enc600" else 7,) * 2 for name in OTHERS}),
        },
    ),
    "ZFS' cache": Case({"memory_usage": 28.1}, {"proc/meminfo": HOST, "proc/spl/kstat/zfs/arcstats": ARC}),
    "a container beside a large cache": Case(
        {"memory_usage": 50.0},
        {"proc/meminfo": MEMORY.format(524288, 1, 262144), "proc/spl/kstat/zfs/arcstats": ARC},
        "lxcfs @/proc/meminfo fuse.lxcfs rw 0 0\n",
    ),
    "a pool": Case(
        disks(**{"@/tank": 90.0}), mounts=TANK, space=TANK_SPACE, zfs="printf 'tank\\t9895604781051\\t1099511627776\\n'"
    ),
    "a pool that zfs does not tell of": Case(disks(**{"@/tank": 90.0}), mounts=TANK, space=TANK_SPACE),
    "a quota and volumes": Case(
        disks(**{"/": 80.0, "@/rpool/data/subvol-101-disk-0": 87.5}),
        mounts=RPOOL,
        space={"/": (20 * GIB, 200 * GIB), "@/rpool/data/subvol-101-disk-0": (7 * GIB, GIB)},
        zfs="printf 'rpool\\t858993459200\\t214748364800\\n'",
    ),
    "a container's only data set": Case(
        disks(**{"/": 87.5}), mounts="rpool/data/subvol-7 / zfs rw 0 0\n", space={"/": (7 * GIB, GIB)}
    ),
}


@pytest.fixture
def machine(dash: Box, monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], Box]:
    """Make the machine of a case."""

    def make(case: Case) -> Box:
        root = str(dash.root)
        mounts = case.mounts or "/dev/sda1 / ext4 rw 0 0\n"
        files = {"proc/filesystems": FILESYSTEMS, "proc/mounts": mounts, "proc/self/mounts": mounts} | case.files
        for name, text in files.items():
            if name.endswith("/"):
                (dash.root / name).mkdir(parents=True, exist_ok=True)
            elif text == ABSENT:
                (dash.root / name).unlink()
            else:
                dash.write(name, text.replace("@", root))
        for line in mounts.replace("@", root).splitlines():
            point = line.split()[1].replace("\\134", "\\").replace("\\043", "#").replace("\\0401", " 1")
            if not dash.root.joinpath(point).exists():
                dash.root.joinpath(point).mkdir(parents=True)
        dash.stub("zfs", case.zfs)
        dash.stub("df", df_of(case, root))
        dash.stub("sleep", f"printf '%s\\n' '{case.after.strip()}' >{root}/proc/stat")
        monkeypatch.setenv("PATH", f"{dash.bin}:/usr/bin:/bin")
        monkeypatch.setattr(psutil, "PROCFS_PATH", f"{root}/proc", raising=False)
        space = {point.replace("@", root): (used * 1024, avail * 1024) for point, (used, avail) in case.space.items()}
        monkeypatch.setattr(psutil, "disk_usage", lambda point: usage_of(*space.get(point, (1024, 1024))))
        return dash

    return make


def df_of(case: Case, root: str) -> str:
    """Return a df that tells the space of the mounts it is asked for."""
    known = "".join(
        f"'{point.replace('@', root)}') set -- {used} {avail};;\n" for point, (used, avail) in case.space.items()
    )
    return (
        'while [ "$1" != -- ]; do shift; done; shift\n'
        f'for m in "$@"; do case $m in\n{known}*) set -- 1 1;;\nesac\n'
        "printf '%s\\n' \"/dev/x $(($1 + $2)) $1 $2 50% $m\"; done"
    )


def usage_of(used: int, available: int) -> Usage:
    return Usage(used + available, used, available)


def as_said(report: dict[str, Any], root: str, says: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a report that a case is about."""
    items = {disk["mount"].replace(root, "@"): disk["usage"] for disk in report["disk_usage"]}
    return {name: report.get(name) for name in says} | ({"disk_usage": items} if "disk_usage" in says else {})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_agent_sh_reads_it_right(machine: Callable[[Case], Box], case: Case) -> None:
    box = machine(case)
    assert as_said(json.loads(box.run("--print").stdout), str(box.root), case.says) == case.says


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_psutil_agent_reads_it_right(machine: Callable[[Case], Box], case: Case) -> None:
    box = machine(case)
    before: CpuReading = read_cpu()
    box.write("proc/stat", case.after)
    assert as_said(collect(before, read_cpu(), print), str(box.root), case.says) == case.says
