"""Both agents in network and mount namespaces of their own, where all that could count twice is really there."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import agent
from tests.agent.shells import need
from tests.e2e.harness import AGENTMON

SCRIPT = Path(agent.__path__[0]) / "agent.sh"

FURNISH = """
mount -t sysfs sysfs /sys
ip link set lo up
ip link add br0 type bridge
ip link add eth0 type veth peer name veth1
ip link set veth1 master br0
ip link add dummy0 type dummy 2>&3 || :  # not all kernels have these two
for name in br0 eth0 veth1 dummy0; do
    [ -e "/sys/class/net/$name" ] || continue
    echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6
    ip link set "$name" up
done
mount -t tmpfs tmpfs "$1"
mkdir "$1/bound" "$1/up" "$1/work" "$1/over" "$1/hidden" "$1/own disk"
mount --bind /usr "$1/bound"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/up,workdir=$1/work" "$1/over" 2>&3 || :
truncate -s 20M "$1/image"
mkfs.ext4 -q "$1/image" 2>&3 && mount -o loop "$1/image" "$1/own disk" 2>&3 || :
mount --bind /usr "$1/hidden"
mount -t tmpfs tmpfs "$1/hidden"
"""

TRAFFIC = """
import socket
local = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
local.bind(("127.0.0.1", 0))
cards = [name for _, name in socket.if_nameindex() if name != "lo"]
for count, name in enumerate(cards, 10):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as card:
        card.bind((name, 0))
        for _ in range(count):
            card.send(b"\\xff" * 12 + b"\\x88\\xb5" + bytes(1000))
            local.sendto(bytes(1000), local.getsockname())
"""

BOTH = """
cat /proc/mounts >"$2/mounts"
if [ -d "$1/own disk/lost+found" ]; then df -Ph "$1/own disk" >"$2/df"; fi
cat /proc/net/dev >"$2/before"
"$3" agent --print >"$2/psutil" &
"$4" "$5" --print >"$2/shell"
wait
cat /proc/net/dev >"$2/after"
"""


@dataclass(frozen=True)
class Inside:
    """Both agents' reports, the mount table, what df says of the disk in a file, if there can be one, and counters.

    Those are bytes received and sent by each interface, before and after the agents measured.
    """

    folder: Path
    mounts: str
    df: str
    reports: list[dict[str, Any]]
    before: dict[str, tuple[int, int]]
    after: dict[str, tuple[int, int]]


def counters(path: Path) -> dict[str, tuple[int, int]]:
    rows = (line.partition(":") for line in path.read_text().splitlines()[2:])
    return {name.strip(): (int(values.split()[0]), int(values.split()[8])) for name, _, values in rows}


def unshare() -> list[str]:
    """Return the words that run a command in namespaces of its own, or skip where that is not permitted."""
    command = [need("unshare"), *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "--mount"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    return command


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """What the agents say in a container with a bridge, a pair, a dummy, and mounts upon mounts."""
    folder, mounts = tmp_path_factory.mktemp("namespaces"), tmp_path_factory.mktemp("mounts")
    need("ip")
    python, sh = str(AGENTMON.with_name("python")), need("dash")
    words = [str(mounts), str(folder), str(AGENTMON), sh, str(SCRIPT)]
    script = (
        f"set -eu\nPATH=$PATH:/usr/sbin:/sbin\nexec 3>/dev/null\n{FURNISH}\n{python} - <<'EOF'\n{TRAFFIC}\nEOF\n{BOTH}"
    )
    done = subprocess.run(
        [*unshare(), sh, "-c", script, sh, *words], capture_output=True, text=True, timeout=60, check=False
    )
    if "peration not permitted" in done.stderr or "ermission denied" in done.stderr:
        pytest.skip(f"namespaces cannot be furnished here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")
    reports = [json.loads((folder / name).read_text()) for name in ("psutil", "shell")]
    df = (folder / "df").read_text() if (folder / "df").exists() else ""
    table, before, after = ((folder / name) for name in ("mounts", "before", "after"))
    return Inside(mounts, table.read_text(), df, reports, counters(before), counters(after))


def both_ways(report: dict[str, Any]) -> tuple[int, int]:
    return report["network_rx_bytes"], report["network_tx_bytes"]


def test_what_passes_a_bridge_or_the_other_end_of_a_pair_is_counted_once(inside: Inside) -> None:
    assert {"lo", "br0", "eth0", "veth1"} <= {name for name, counted in inside.before.items() if any(counted)}
    for report in inside.reports:
        for low, said, high in zip(inside.before["eth0"], both_ways(report), inside.after["eth0"], strict=True):
            assert low <= said <= high


def test_both_agents_count_the_same_bytes(inside: Inside) -> None:
    ours, theirs = map(both_ways, inside.reports)
    assert ours == theirs


def test_bind_mounts_overlays_and_memory_are_no_disks_but_a_disk_is(inside: Inside) -> None:
    assert str(inside.folder) not in Path("/proc/mounts").read_text()  # they were the namespace's alone
    assert f"{inside.folder}/bound" in inside.mounts
    ours, theirs = ([disk["mount"] for disk in report["disk_usage"]] for report in inside.reports)
    assert ours == theirs
    assert "/" in ours
    own = [f"{inside.folder}/own disk"] if inside.df else []
    assert [mount for mount in ours if mount.startswith(str(inside.folder))] == own


def test_a_small_disk_has_the_sizes_that_df_gives_it(inside: Inside) -> None:
    if not inside.df:
        pytest.skip("no file system in a file can be mounted here")
    _, size, used, avail, *_ = inside.df.splitlines()[1].split()
    for report in inside.reports:
        disk = report["disk_usage"][-1]
        assert (disk["size"], disk["used"], disk["avail"]) == (size, used, avail)
