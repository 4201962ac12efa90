"""agent.sh on FreeBSD and macOS, whose commands are stand-ins here that say what the real ones do."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agent.shells import FLAVOURS, Box, make_box, need
from tests.agent.unixes import (
    NETSTAT_FREEBSD,
    VM_STAT,
    df,
    freebsd,
    impatient,
    macos,
    say,
)
from tests.e2e.harness import put_down, wait_for

AWKS = ("mawk", "gawk", "original-awk")
"""The last is the awk of macOS and FreeBSD."""


@pytest.fixture(params=[*AWKS, *FLAVOURS[1:]])
def unix(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    """A machine with each awk under dash, and the other shells."""
    flavour = request.param if request.param in FLAVOURS else "dash"
    box = make_box(flavour, tmp_path)
    if request.param in AWKS:
        box.use_awk(request.param)
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


@pytest.mark.parametrize("device", ["/dev/ada1p1", "/dev/gpt/a very long label of it"])
@pytest.mark.parametrize("mount", ["m", "a mount point that is long and holds spaces"])
def test_names_of_freebsd_may_be_long_and_hold_spaces(bsd: Box, device: str, mount: str) -> None:
    place = bsd.root / mount
    place.mkdir()
    freebsd(bsd, ("/dev/ada0p2", "/", "ufs"), (device, str(place), "msdosfs"))
    df(bsd, **{"/": (1000, 400, 500), str(place): (1000, 100, 900)})
    assert usage(report(bsd)) == {"/": 44.4, str(place): 10.0}


def test_short_mounts_of_long_devices_are_told_apart(bsd: Box) -> None:
    freebsd(bsd, ("zroot/ROOT/14.1-RELEASE-p3_2026", "/", "zfs"), ("/dev/gpt/a very long label", "/tmp", "ufs"))
    df(bsd, **{"/": (1000, 400, 500), "/tmp": (1000, 100, 900)})
    assert usage(report(bsd)) == {"/": 44.4, "/tmp": 10.0}


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


def test_tools_of_freebsd_that_fail_cost_only_their_readings(bsd: Box) -> None:
    for tool in ("swapinfo", "netstat", "mount", "freebsd-version"):
        bsd.stub(tool, "echo broken >&2; exit 1")
    value = json.loads(bsd.run("--print").stdout)
    assert "swap_usage" not in value and "network_rx_bytes" not in value
    assert (value["cpu_usage"], value["os"], value["disk_usage"]) == (25.0, "FreeBSD 14.1-RELEASE-p3", [])


def test_tools_of_freebsd_that_hang_cost_only_their_readings(bsd: Box) -> None:
    freebsd(bsd, ("zroot/ROOT/default", "/", "zfs"))
    impatient(bsd)
    for tool in ("swapinfo", "netstat", "zfs"):
        bsd.stub(tool, f"exec {need('sleep')} 60")
    done = bsd.run("--print")
    value = json.loads(done.stdout)
    assert "swap_usage" not in value and "network_rx_bytes" not in value
    assert (value["cpu_usage"], usage(value)) == (25.0, {"/": 44.4})
    assert all(f"{tool} is left out: it does not answer" in done.stderr for tool in ("swapinfo", "netstat", "zfs"))


def test_a_tool_that_hangs_is_ended_and_not_asked_again_before(bsd: Box) -> None:
    impatient(bsd)
    bsd.stub("mount", f"echo $$ >>{bsd.root}/asked; exec {need('sleep')} 60")
    done = bsd.run("--print")
    assert (json.loads(done.stdout)["disk_usage"], "mount is left out" in done.stderr) == ([], True)
    stat = Path("/proc", (bsd.root / "asked").read_text().strip(), "stat")
    wait_for("mount to be ended", lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")
    holder = subprocess.Popen([need("sleep"), "60"])  # as one that waits in the kernel, and cannot be ended
    with put_down(holder):
        started = subprocess.run(["ps", "-o", "lstart=", "-p", str(holder.pid)], capture_output=True, text=True).stdout
        bsd.stub("ps", f"echo '{started.strip()}'")
        bsd.write("home/.config/agentmon-agent/state/blocked", f"{holder.pid} {'_'.join(started.split())} mount\n")
        again = bsd.run("--print")
    assert "mount is left out: it still does not answer" in again.stderr
    assert len((bsd.root / "asked").read_text().split()) == 1


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


def test_tools_of_macos_that_hang_do_not_hold_up_the_report(mac: Box) -> None:
    impatient(mac)
    for tool in ("netstat", "df"):
        mac.stub(tool, f"exec {need('sleep')} 60")
    value = json.loads(mac.run("--print").stdout)
    assert (value["memory_usage"], value["disk_usage"]) == (78.7, [])
    assert "network_rx_bytes" not in value


def test_a_mac_that_does_not_tell_its_memory_sends_no_report(mac: Box) -> None:
    mac.stub("vm_stat", "exit 1")
    done = mac.run("--print")
    assert (done.returncode, "how much memory" in done.stderr) == (1, True)


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
