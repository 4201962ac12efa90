"""Memory and network as agent.sh reads them, and the shells and awks that it is read by."""

import json

import pytest

from tests.agent.shells import DF, Box, need

FALLBACK = (
    "MemTotal: 4000000 kB\nMemFree: 1000000 kB\n{available}Buffers: 100000 kB\nCached: 1900000 kB\n{files}"
    "SReclaimable: 100000 kB\nShmem: 10000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
)
FILES = "Active(file): 900000 kB\nInactive(file): 900000 kB\n"
MEMORY = {
    "as the kernel says": (FALLBACK.format(available="MemAvailable: 3000000 kB\n", files=FILES), 25.0),
    "there and 0": (FALLBACK.format(available="MemAvailable: 0 kB\n", files=FILES), 27.5),
    "before Linux 3.14": (FALLBACK.format(available="", files=FILES), 27.5),
    "before Linux 2.6.28": (FALLBACK.format(available="", files=""), 22.8),
    "shared memory is in use": ("MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 800 kB\nShmem: 510 kB\n", 61.0),
    "more shared memory than cache": ("MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 100 kB\nShmem: 900 kB\n", 100.0),
    "more than there is, as in some containers": (
        "MemTotal: 1000000 kB\nMemFree: 572000 kB\nMemAvailable: 9000000 kB\n",
        42.8,
    ),
}


@pytest.mark.parametrize(("meminfo", "usage"), MEMORY.values(), ids=MEMORY)
def test_memory_is_what_free_says(dash: Box, meminfo: str, usage: float) -> None:
    dash.write("proc/meminfo", meminfo)
    assert dash.report()["memory_usage"] == usage


@pytest.mark.parametrize("meminfo", ["", "MemTotal: 0 kB\nMemFree: 0 kB\n", "rubbish\n"])
def test_a_machine_that_hides_its_memory_gives_no_report_but_one_line(dash: Box, meminfo: str) -> None:
    dash.write("proc/meminfo", meminfo)
    done = dash.run("--print")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "agentmon-agent: this machine does not say how much memory it has\n"


def cards(box: Box, *files: str, **counters: tuple[int, int]) -> None:
    """Give the machine these files in /sys/class/net and, by name with _ for -, these counters."""
    (box.root / "sys/class/net/eth0/device").rmdir()
    (box.root / "sys/class/net/eth0").rmdir()
    for name in files:
        box.root.joinpath("sys/class/net", name).mkdir(parents=True, exist_ok=True)
    rows = [f"{name.replace('_', '-')}: {rx} 0 0 0 0 0 0 0 {tx} 0 0" for name, (rx, tx) in counters.items()]
    box.write("proc/net/dev", "\n".join(["Inter-| Receive", " face |bytes", *rows]) + "\n")


def test_the_ports_of_a_switch_are_counted_at_its_conduit(box: Box) -> None:
    ports = [f"{port}/{file}" for port in ("wan", "lan1") for file in ("device", "phys_switch_id", "lower_eth0")]
    counters = {"eth0": (1100, 1100), "wan": (1000, 100), "lan1": (100, 1000), "br_lan": (1100, 1100)}
    cards(box, "eth0/device", "eth0/dsa/tagging", "br-lan/bridge", *ports, **counters)
    assert (box.report()["network_rx_bytes"], box.report()["network_tx_bytes"]) == (1100, 1100)


NETWORKS: dict[str, tuple[list[str], dict[str, tuple[int, int]], int | None]] = {
    "a switch without a conduit has ports that are cards": (
        ["swp1/device", "swp1/phys_switch_id", "swp2/device"],
        {"swp1": (1, 0), "swp2": (2, 0)},
        3,
    ),
    "Xen's ends of its machines' cards": (["eth0/device", "vif1.0/device"], {"eth0": (5, 0), "vif1.0": (7, 0)}, 5),
    "bridges inside a container": (
        ["eth0", "podman0/bridge", "lxdbr0", "incusbr0", "vmbr0", "own/bridge", "c1/master/bridge", "v7/lower_eth0"],
        dict.fromkeys(["podman0", "lxdbr0", "incusbr0", "vmbr0", "own", "c1", "v7", "fwpr1p0"], (9, 0))
        | {"eth0": (5, 0)},
        5,
    ),
    "a bond whose members are counted, without /sys": (
        [],
        {"bond0": (9, 0), "eth0": (4, 0), "eth1": (5, 0), "eth0.7": (3, 0), "vlan9": (1, 0), "lo": (1, 0)},
        9,
    ),
    "the /sys of another machine": (["enp3s0/device"], {"eth0": (5, 0), "lo": (9, 0)}, 5),
    "nothing to count": (["wg0"], {"lo": (9, 0), "wg0": (1, 0)}, None),
}


@pytest.mark.parametrize(("files", "counters", "received"), NETWORKS.values(), ids=NETWORKS)
def test_each_byte_is_counted_once(
    dash: Box, files: list[str], counters: dict[str, tuple[int, int]], received: int | None
) -> None:
    cards(dash, *files, **counters)
    assert dash.report().get("network_rx_bytes") == received


def test_no_list_of_interfaces_costs_the_network_alone(dash: Box) -> None:
    (dash.root / "proc/net/dev").unlink()
    assert not {"network_rx_bytes", "network_tx_bytes"} & set(dash.report())


@pytest.mark.parametrize("text", ["mü" * 127 + "€" * 9, "x" * 300])
def test_long_names_are_cut_between_characters(dash: Box, text: str) -> None:
    dash.write("proc/sys/kernel/hostname", text + "\n")
    shown = dash.report()["hostname"]
    assert text.startswith(shown)
    assert 250 < len(shown.encode()) <= 255


@pytest.mark.parametrize("shell", ["mksh", "ksh", "zsh --emulate sh"])
def test_other_shells_read_it_as_well(dash: Box, shell: str) -> None:
    dash.stub("df", DF)
    dash.table(r"/dev/sda1 / ext4 rw 0 0" + "\n" + r"/dev/sdb1 @/mnt/Disk\0401 ext4 rw 0 0")
    expected = dash.report()
    dash.bin.joinpath("printf").symlink_to(need("printf"))  # mksh has none built in
    name, *options = shell.split()
    done = dash.run(script=dash.write("run", f"exec {need(name)} {' '.join(options)} {dash.script} --print\n"))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == expected
