"""agent.sh on FreeBSD and macOS, whose commands are stand-ins here that say what the real ones do."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.agent.shells import FLAVOURS, Box, make_box, need

AWKS = ("mawk", "gawk", "original-awk")
"""The last is the awk of macOS and FreeBSD."""

DF = """for mount; do
while IFS='|' read -r name figures; do [ "$name" = "$mount" ] && echo "/dev/x $figures 50% $mount"; done <{root}/df
done
exit 0"""

FREEBSD = {
    "kern.cp_time": "1000 0 500 10 8490",
    "hw.physmem": "17179869184",
    "hw.pagesize": "4096",
    "vm.stats.vm.v_free_count": "200000",
    "vm.stats.vm.v_inactive_count": "400000",
    "vm.stats.vm.v_laundry_count": "50000",
    "vm.stats.vm.v_wire_count": "3000000",
    "kstat.zfs.misc.arcstats.size": "9830400000",
    "kstat.zfs.misc.arcstats.c_min": "524288000",
    "vm.loadavg": "{ 0.50 0.30 0.20 }",
}
NETSTAT_FREEBSD = """\
Name    Mtu Network          Address              Ipkts Ierrs Idrop     Ibytes    Opkts Oerrs     Obytes  Coll
igb0   1500 <Link#1>         02:00:00:00:00:01  1000000     0     0 1500000000   500000     0  200000000     0
igb0      - 192.0.2.0/24     192.0.2.1           999999     -     - 1499999999   499999     -  199999999     -
igb1*  1500 <Link#2>         02:00:00:00:00:02        0     0     0          0        0     0          0     0
lo0   16384 <Link#4>         lo0                    100     0     0      10000      100     0      10000     0
lagg0  1500 <Link#6>         02:00:00:00:00:01  1000100     0     0 1500001000   500050     0  200000500     0
igb0.20 1500 <Link#7>        02:00:00:00:00:01      100     0     0       1000       50     0        500     0
vlan10 1500 <Link#8>         02:00:00:00:00:01      100     0     0       1000       50     0        500     0
tun0   1500 <Link#9>         tun0                   100     0     0       1000       50     0        500     0
wg0    1420 <Link#10>                               100     0     0       1000       50     0        500     0
"""
NETSTAT_MACOS = """\
Name       Mtu   Network       Address            Ipkts Ierrs     Ibytes    Opkts Oerrs     Obytes  Coll
lo0        16384 <Link#1>                          100     0      10000      100     0      10000     0
en0        1500  <Link#11>   02:00:00:00:00:0b 11290338     0 30277303935  4102338     0 2354022366     0
en0        1500  192.0.2/24    192.0.2.10       11290338     - 30277303935  4102338     - 2354022366     -
awdl0      1500  <Link#14>   02:00:00:00:00:0c      10     0       1000       10     0       1000     0
utun0      1380  <Link#16>                         5000     0    4000000     6000     0    3000000     0
"""
VM_STAT = """Mach Virtual Memory Statistics: (page size of {page} bytes)
Pages free:                                26214.
Pages active:                             300000.
Pages inactive:                           290000.
Pages speculative:                         20000.
Pages wired down:                         200000.
Pages purgeable:                           15000.
File-backed pages:                        150000.
Anonymous pages:                          460000.
Pages stored in compressor:               400000.
Pages occupied by compressor:             180000.
"""
MOUNT_MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s6 on /System/Volumes/VM (apfs, local, noexec, journaled, noatime, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
/dev/disk5s1 on /Volumes/USB 64GB (exfat, local, nodev, nosuid, noowners)
/dev/disk6s1 on /Volumes/Installer (hfs, local, nodev, nosuid, read-only, noowners, quarantine, mounted by user)
//guest@nas/share on /Volumes/share (smbfs, nodev, nosuid, mounted by user)
com.apple.TimeMachine.2026-11-28-030000.local@/dev/disk3s5 on /Volumes/.timemachine/x (apfs, local, read-only, nobrowse)
/dev/disk7s2 on /Volumes/Old (Mac) on it (hfs, local, journaled)
"""
TOP = """Processes: 400 total
CPU usage: 3.0% user, 2.0% sys, 95.0% idle
Processes: 400 total
CPU usage: 15.0% user, 10.0% sys, 75.0% idle
"""


@pytest.fixture(params=[*AWKS, *FLAVOURS[1:]])
def unix(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    """A machine with each awk under dash, and the other shells."""
    flavour = request.param if request.param in FLAVOURS else "dash"
    box = make_box(flavour, tmp_path)
    if request.param in AWKS:
        box.bin.joinpath("awk").unlink()
        box.bin.joinpath("awk").symlink_to(need(request.param))
    return box


def say(box: Box, command: str, text: str) -> None:
    box.write(f"say/{command}", text)
    box.stub(command, f"cat {box.root}/say/{command}")


def sysctl(box: Box, values: dict[str, str]) -> None:
    for name, value in values.items():
        box.write(f"sysctl/{name}", value + "\n")
    box.stub("sysctl", f'[ "$1" = -n ] || exit 2; cat {box.root}/sysctl/$2')


def df(box: Box, **mounts: tuple[int, int, int]) -> None:
    """Say what df knows of mounts; it records what it was asked for, and hangs on all else."""
    lines = [f"{name}|{size} {used} {avail}\n" for name, (size, used, avail) in mounts.items()]
    box.write("df", "".join(lines))
    box.stub("df", DF.format(root=box.root))


def impatient(box: Box) -> None:
    """Let every limit of some seconds be over soon."""
    box.stub("timeout", f'shift; exec {need("timeout")} 0.5 "$@"')


def freebsd(box: Box, *mounts: tuple[str, str, str]) -> Box:
    box.stub("uname", "case $1 in -s) echo FreeBSD ;; *) echo 14.1-RELEASE-p3 ;; esac")
    sysctl(box, FREEBSD)
    ticking = f"echo '1030 0 515 15 8640' >{box.root}/sysctl/kern.cp_time"
    box.stub("sleep", ticking)
    say(
        box,
        "swapinfo",
        "Device          1K-blocks     Used    Avail Capacity\n/dev/ada0p2       2097152   524288  1572864    25%\n",
    )
    say(box, "netstat", NETSTAT_FREEBSD)
    say(box, "freebsd-version", "14.1-RELEASE-p3\n")
    say(box, "hostname", "fw-1\n")
    table = [*mounts, ("devfs", "/dev", "devfs"), ("tmpfs", "/tmp", "tmpfs"), ("nas:/x", f"{box.root}/nas", "nfs")]
    say(
        box,
        "mount",
        "".join(f"{device}\t{'	' * (len(device) % 3)}{mount}\t{kind}\trw\t1 1\n" for device, mount, kind in table),
    )
    return box


def macos(box: Box) -> Box:
    box.stub("uname", "case $1 in -s) echo Darwin ;; *) echo 23.4.0 ;; esac")
    sysctl(
        box,
        {
            "hw.memsize": "17179869184",
            "vm.swapusage": "total = 2048.00M  used = 512.00M  free = 1536.00M  (encrypted)",
            "vm.loadavg": "{ 1.52 1.71 1.80 }",
        },
    )
    say(box, "vm_stat", VM_STAT.format(page=16384))
    say(box, "netstat", NETSTAT_MACOS)
    say(box, "top", TOP)
    say(box, "hostname", "mac-1\n")
    box.stub("sw_vers", "case $1 in -productName) echo macOS ;; *) echo 14.4.1 ;; esac")
    table = MOUNT_MACOS.replace(" /Volumes", f" {box.root}/Volumes")
    for name in ("USB 64GB", "Installer", "share", "Old (Mac) on it"):
        (box.root / "Volumes" / name).mkdir(parents=True)
    say(box, "mount", table)
    df(
        box,
        **{
            "/": (482797652, 10000000, 72419648),
            f"{box.root}/Volumes/USB 64GB": (62500000, 31250000, 31250000),
            f"{box.root}/Volumes/Old (Mac) on it": (1000, 100, 900),
        },
    )
    return box


def report(box: Box) -> dict[str, Any]:
    done = box.run("--print")
    assert (done.returncode, done.stderr) == (0, "")
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def usage(value: dict[str, Any]) -> dict[str, float]:
    return {disk["mount"]: disk["usage"] for disk in value["disk_usage"]}


def test_freebsd_gives_a_known_report(unix: Box) -> None:
    freebsd(unix, ("/dev/ufs/OPNsense", "/", "ufs"), ("/dev/md43", f"{unix.root}/tmp", "ufs"))
    df(unix, **{"/": (1000, 400, 500)})
    value = report(unix)
    assert usage(value) == {"/": 44.4}
    del value["disk_usage"]
    assert value == {
        "cpu_usage": 25.0,
        "memory_usage": 31.5,
        "memory_total_mb": 16384,
        "swap_usage": 25.0,
        "network_rx_bytes": 1500000000,
        "network_tx_bytes": 200000000,
        "load_1m": 0.5,
        "load_5m": 0.3,
        "load_15m": 0.2,
        "os": "FreeBSD 14.1-RELEASE-p3",
        "hostname": "fw-1",
        "kernel": "14.1-RELEASE-p3",
    }


def test_macos_gives_a_known_report(unix: Box) -> None:
    value = report(macos(unix))
    volumes = f"{unix.root}/Volumes"
    assert usage(value) == {"/": 85.0, f"{volumes}/USB 64GB": 50.0, f"{volumes}/Old (Mac) on it": 10.0}
    del value["disk_usage"]
    assert value == {
        "cpu_usage": 25.0,
        "memory_usage": 78.7,
        "memory_total_mb": 16384,
        "swap_usage": 25.0,
        "network_rx_bytes": 30277303935,
        "network_tx_bytes": 2354022366,
        "load_1m": 1.52,
        "load_5m": 1.71,
        "load_15m": 1.8,
        "os": "macOS 14.4.1",
        "hostname": "mac-1",
        "kernel": "23.4.0",
    }


@pytest.fixture
def bsd(dash: Box) -> Box:
    freebsd(dash, ("/dev/ada0p2", "/", "ufs"))
    df(dash, **{"/": (1000, 400, 500)})
    return dash


@pytest.fixture
def mac(dash: Box) -> Box:
    return macos(dash)


def test_freebsd_without_zfs_has_no_cache_to_give_back(bsd: Box) -> None:
    for name in ("size", "c_min"):
        (bsd.root / f"sysctl/kstat.zfs.misc.arcstats.{name}").unlink()
    assert report(bsd)["memory_usage"] == 85.7  # free and inactive pages: 2457600000 of 17179869184 bytes


def test_freebsd_with_a_cache_below_its_least_gives_nothing(bsd: Box) -> None:
    bsd.write("sysctl/kstat.zfs.misc.arcstats.size", "1000\n")
    assert report(bsd)["memory_usage"] == 85.7


@pytest.mark.parametrize(
    ("rows", "percent"),
    [
        ("", None),
        ("/dev/ada0p2 1000 500 500 50%\n/dev/ada1p2 3000 500 2500 17%\nTotal 4000 1000 3000 25%\n", 25.0),
        ("/dev/gpt/swap0.eli 1000 100 900 10%\n", 10.0),
    ],
)
def test_freebsds_swap_is_the_sum_of_its_devices(bsd: Box, rows: str, percent: float | None) -> None:
    say(bsd, "swapinfo", "Device 1K-blocks Used Avail Capacity\n" + rows)
    assert report(bsd).get("swap_usage") == percent


def test_freebsds_pools_are_one_disk_each_and_quotas_another(bsd: Box) -> None:
    root = bsd.root
    for name in ("my pool", "my pool/data", "jail"):
        (root / name).mkdir(parents=True)
    table = [
        ("zroot/ROOT/default", "/", "zfs"),
        ("my pool", f"{root}/my pool", "zfs"),
        ("my pool/data", f"{root}/my pool/data", "zfs"),
        ("zroot/jail", f"{root}/jail", "zfs"),
        ("zroot/ROOT@snap", f"{root}/tmp", "zfs"),
    ]
    freebsd(bsd, *table)
    df(
        bsd,
        **{
            "/": (600, 100, 500),
            f"{root}/my pool": (900, 0, 900),
            f"{root}/my pool/data": (1000, 100, 900),
            f"{root}/jail": (100, 90, 10),
        },
    )
    kib = 1024
    say(bsd, "zfs", f"zroot\t{500 * kib}\t{500 * kib}\nmy pool\t{8100 * kib}\t{900 * kib}\n")
    assert usage(report(bsd)) == {"/": 50.0, f"{root}/my pool": 90.0, f"{root}/jail": 90.0}


def test_a_jail_with_nothing_but_its_end_of_a_pair_counts_that(bsd: Box) -> None:
    header = NETSTAT_FREEBSD.partition("\n")[0]
    say(
        bsd,
        "netstat",
        header + "\nlo0 16384 <Link#1> lo0 1 0 0 5 1 0 5 0\n"
        "epair0b 1500 <Link#2> 02:00:00:00:00:01 1 0 0 700 1 0 80 0\n",
    )
    value = report(bsd)
    assert (value["network_rx_bytes"], value["network_tx_bytes"]) == (700, 80)


@pytest.mark.parametrize("tool", ["swapinfo", "netstat", "mount", "zfs", "freebsd-version"])
@pytest.mark.parametrize("how", ["exit 1", "exec sleep 60"])
def test_a_tool_of_freebsd_that_fails_or_hangs_costs_only_its_reading(bsd: Box, tool: str, how: str) -> None:
    if "sleep" in how:
        if tool == "freebsd-version":
            pytest.skip("it reads a file")
        how = f"exec {need('sleep')} 60"
    whole = report(bsd)
    impatient(bsd)
    bsd.write("sysctl/kern.cp_time", FREEBSD["kern.cp_time"])
    bsd.stub(tool, how)
    value = json.loads(bsd.run("--print").stdout)
    lost = {"swapinfo": {"swap_usage"}, "netstat": {"network_rx_bytes", "network_tx_bytes"}}
    assert set(whole) - set(value) == lost.get(tool, set())
    assert value["cpu_usage"] == 25.0


def test_macs_of_intel_have_smaller_pages(mac: Box) -> None:
    say(mac, "vm_stat", VM_STAT.format(page=4096))
    assert report(mac)["memory_usage"] == 19.7


@pytest.mark.parametrize(
    ("said", "percent"),
    [
        ("total = 0.00M  used = 0.00M  free = 0.00M  (encrypted)", None),
        ("total = 3.00G  used = 768.00M  free = 2304.00M", 25.0),
    ],
)
def test_macos_without_swap_leaves_it_out(mac: Box, said: str, percent: float | None) -> None:
    mac.write("sysctl/vm.swapusage", said + "\n")
    assert report(mac).get("swap_usage") == percent


def test_macos_asks_df_of_disks_alone(mac: Box) -> None:
    body = (mac.bin / "df").read_text().partition("\n")[2]
    mac.stub("df", f'echo "$*" >>{mac.root}/asked\n{body}')
    report(mac)
    asked = (mac.root / "asked").read_text()
    assert not any(name in asked for name in ("share", "Installer", "System", "timemachine"))


@pytest.mark.parametrize("tool", ["vm_stat", "netstat", "mount", "df"])
def test_a_tool_of_macos_that_hangs_does_not_hold_up_the_report(mac: Box, tool: str) -> None:
    impatient(mac)
    mac.stub(tool, f"exec {need('sleep')} 60")
    done = mac.run("--print")
    if tool == "vm_stat":  # without memory there is no report
        assert (done.returncode, "how much memory" in done.stderr) == (1, True)
    else:
        assert json.loads(done.stdout)["memory_usage"] == 78.7


def test_no_option_that_only_gnu_has_is_used() -> None:
    text = Path(os.fspath(__file__)).parents[2].joinpath("agent/agent.sh").read_text()
    for word in (
        "sed -i",
        "sed -E",
        "grep -P",
        "grep -o",
        "date -d",
        "stat -c",
        "readlink",
        "mktemp -",
        "ls --",
        "sort -V",
    ):
        assert word not in text, word
