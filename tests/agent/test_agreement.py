"""Both agents at the same moment and under load, against what the kernel and the system's tools say."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import agent
from agent.collect import collect
from agent.figures import UNITS
from agent.readings.cpu import read_cpu
from tests.agent.shells import need
from tests.e2e.harness import put_down, wait_for

SCRIPT = Path(agent.__path__[0]) / "agent.sh"
SHELLS = ("dash", "busybox sh", "bash")
WINDOW_S = 1.5
POINTS = 3.0
"""By how much a CPU figure may differ from what /proc/stat says of the same time."""

BUSY = "while True: pass"
SYNCING = (
    "import os, sys\nf = open(sys.argv[1], 'wb')\nwhile f.seek(0) == 0: f.write(bytes(65536)); os.fsync(f.fileno())"
)
IMAGES = {"squashfs", "erofs", "cramfs", "romfs", "iso9660", "udf"}


@dataclass(frozen=True)
class Seen:
    """A report, and what /proc/stat held when its CPU measurement began and ended."""

    report: dict[str, Any]
    before: str
    after: str

    def expected(self) -> tuple[float, float]:
        """Return CPU usage and iowait in percent, by the kernel's own counters."""
        spans = zip(ticks(self.before), ticks(self.after), strict=True)
        user, nice, system, idle, iowait, irq, softirq, steal = (max(0, after - before) for before, after in spans)
        busy = user + nice + system + irq + softirq + steal
        whole = busy + idle + iowait
        return 100 * busy / whole, 100 * iowait / whole


@dataclass(frozen=True)
class Moment:
    """What every agent saw in the same second, and the figures that cannot stand still, from before and after it."""

    seen: dict[str, Seen]
    network: tuple[tuple[int, int], tuple[int, int]]
    loads: tuple[list[float], list[float]]


def ticks(stat: str) -> list[int]:
    return [int(word) for word in stat.split("\n", 1)[0].split()[1:9]]


def cards_bytes() -> tuple[int, int]:
    """Return what came and went over the interfaces with a device; no double masters are on a machine of tests."""
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    counters = {name.strip(): values.split() for name, _, values in (line.partition(":") for line in lines)}
    cards = [values for name, values in counters.items() if Path("/sys/class/net", name, "device").exists()]
    return sum(int(card[0]) for card in cards), sum(int(card[8]) for card in cards)


def loads() -> list[float]:
    return [float(word) for word in Path("/proc/loadavg").read_text().split()[:3]]


@contextmanager
def running(*command: str) -> Iterator[None]:
    with subprocess.Popen(command) as process, put_down(process):
        yield


class HeldShell:
    """agent.sh whose `sleep` lasts until it is released, and notes /proc/stat at both its ends."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.gate = folder / "gate"
        os.mkfifo(self.gate)
        stub = folder / "bin" / "sleep"
        stub.parent.mkdir()
        where = shlex.quote(str(folder))
        stub.write_text(
            f"#!{need('dash')}\ncat /proc/stat >{where}/before; : >{where}/started\n"
            f"read -r _ <{where}/gate; cat /proc/stat >{where}/after\n"
        )
        stub.chmod(0o755)
        name, *applet = shell.split()
        environ = os.environ | {"PATH": f"{stub.parent}:{os.environ['PATH']}"}
        self.process = subprocess.Popen(
            [need(name), *applet, str(SCRIPT), "--print"], stdout=subprocess.PIPE, env=environ
        )

    def measuring(self) -> bool:
        assert self.process.poll() is None, "agent.sh ended without a measurement"
        return (self.folder / "started").exists()

    def release(self) -> bool:
        try:
            os.close(os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # its sleep has not come to the gate yet
            return False
        return True

    def seen(self) -> Seen:
        out, _ = self.process.communicate(timeout=30)
        return Seen(json.loads(out), (self.folder / "before").read_text(), (self.folder / "after").read_text())


@pytest.fixture(scope="module")
def moment(tmp_path_factory: pytest.TempPathFactory) -> Moment:
    """One moment of this machine with a process that computes and one that waits for the disk."""
    folder = tmp_path_factory.mktemp("agreement")
    network, load, stat = cards_bytes(), loads(), Path("/proc/stat")
    with ExitStack() as stack:
        stack.enter_context(running(sys.executable, "-c", BUSY))
        stack.enter_context(running(sys.executable, "-c", SYNCING, str(folder / "synced")))
        held = {shell: HeldShell(shell, folder / shell.replace(" ", "-")) for shell in SHELLS}
        for each in held.values():
            stack.enter_context(put_down(each.process))
            wait_for("agent.sh to measure", each.measuring)
        before, began = stat.read_text(), read_cpu()
        time.sleep(WINDOW_S)
        after, ended = stat.read_text(), read_cpu()
        for each in held.values():
            wait_for("agent.sh to be held", each.release)
        seen = {"psutil": Seen(collect(began, ended, print), before, after)}
        seen |= {shell: each.seen() for shell, each in held.items()}
    return Moment(seen, (network, cards_bytes()), (load, loads()))


def size(text: str) -> float:
    number = text.rstrip(UNITS)
    return float(number) * 1024.0 ** (UNITS.find(text[len(number) :]) + 1 if number != text else 0)


@pytest.fixture(params=["psutil", *SHELLS])
def seen(request: pytest.FixtureRequest, moment: Moment) -> Seen:
    """What one of the agents saw."""
    return moment.seen[request.param]


def test_cpu_usage_and_iowait_are_the_kernels_own(seen: Seen) -> None:
    usage, iowait = seen.expected()
    assert usage > 50 / (os.cpu_count() or 1)  # or the load was none, and agreement says nothing
    assert seen.report["cpu_usage"] == pytest.approx(usage, abs=POINTS)
    assert seen.report["cpu_iowait"] == pytest.approx(iowait, abs=POINTS)


@pytest.mark.parametrize("shell", SHELLS)
def test_both_agents_agree_on_the_cpu_as_far_as_they_saw_the_same_time(moment: Moment, shell: str) -> None:
    ours, theirs = moment.seen["psutil"], moment.seen[shell]
    apart = [abs(mine - other) for mine, other in zip(ours.expected(), theirs.expected(), strict=True)]
    assert theirs.report["cpu_usage"] == pytest.approx(ours.report["cpu_usage"], abs=POINTS + apart[0])
    assert theirs.report["cpu_iowait"] == pytest.approx(ours.report["cpu_iowait"], abs=POINTS + apart[1])


def test_memory_and_swap_are_those_of_free(seen: Seen) -> None:
    done = subprocess.run([need("free"), "-b"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
    rows = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in done.stdout.splitlines()[1:]}
    total, available = rows["Mem:"][0], rows["Mem:"][5]
    assert seen.report["memory_total_mb"] == total // 2**20
    assert seen.report["memory_usage"] == pytest.approx(100 * (total - available) / total, abs=POINTS)
    swap, used = rows["Swap:"][:2]
    assert ("swap_usage" in seen.report) is (swap > 0)
    assert seen.report.get("swap_usage", 0) == pytest.approx(100 * used / max(swap, 1), abs=POINTS)


def test_every_mount_of_df_on_a_device_is_there_with_its_sizes(seen: Seen) -> None:
    command = [need("df"), "-PTh"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
    rows = {row[6]: row for row in (line.split(None, 6) for line in done.stdout.splitlines()[1:])}
    on_device = {mount for mount, row in rows.items() if row[0].startswith("/dev/") and row[1] not in IMAGES}
    reported = {disk["mount"]: disk for disk in seen.report["disk_usage"]}
    assert {mount for mount in on_device if Path(mount).is_dir()} | {"/"} == set(reported)
    for mount, disk in reported.items():
        _, _, total, used, avail, usage, _ = rows[mount]
        assert disk["size"] == total
        assert size(disk["used"]) == pytest.approx(size(used), rel=0.12)
        assert size(disk["avail"]) == pytest.approx(size(avail), rel=0.12)
        assert disk["usage"] == pytest.approx(float(usage.rstrip("%")), abs=1.5)


def test_network_counters_are_those_of_the_cards(seen: Seen, moment: Moment) -> None:
    names = ("network_rx_bytes", "network_tx_bytes")
    before, after = moment.network
    if not any(after):
        pytest.skip("this machine has no network card")
    for name, low, high in zip(names, before, after, strict=True):
        assert low <= seen.report[name] <= high, name


def test_load_and_names_are_the_systems(seen: Seen, moment: Moment) -> None:
    for name, one, two in zip(("load_1m", "load_5m", "load_15m"), *moment.loads, strict=True):
        assert min(one, two) - 0.1 <= seen.report[name] <= max(one, two) + 0.1, name
    script = ". /etc/os-release; printf '%s\\n' \"$PRETTY_NAME\"; uname -n; uname -r"
    done = subprocess.run([need("dash"), "-c", script], capture_output=True, text=True, check=True)
    assert [seen.report[name] for name in ("os", "hostname", "kernel")] == done.stdout.splitlines()


def test_all_agents_send_the_same_fields_in_the_same_order(moment: Moment) -> None:
    ours = moment.seen["psutil"].report
    for seen in moment.seen.values():
        assert list(seen.report) == list(ours)
        assert [disk["mount"] for disk in seen.report["disk_usage"]] == [disk["mount"] for disk in ours["disk_usage"]]
