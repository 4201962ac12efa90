"""Which interfaces are added up."""

from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from agent.errors import ToolError
from agent.readings import macos
from agent.readings.macos import counters_of
from agent.readings.network import by_name, linux_interfaces, read_network
from tests.agent.readings.machines import Linux

Nic = namedtuple("Nic", "bytes_recv bytes_sent")


def sys_net(folder: Path, *entries: str) -> Path:
    """Make /sys/class/net with these: a folder ends in a slash, a file has what it holds after a colon."""
    for entry in entries:
        name, _, text = entry.partition(":")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if "->" in name:
            link, target = name.split("->")
            (folder / link).parent.mkdir(parents=True, exist_ok=True)
            (folder / link).symlink_to(folder / target)
        elif name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.write_text(text)
    return folder


SWITCH = [
    "eth0/device/", "eth0/dsa/tagging:dsa\n", "lan1/device/", "lan1/phys_switch_id:01\n", "wan/device/",
    "wan/phys_switch_id:01\n", "br-lan/bridge/", "br-lan/lower_lan1->lan1", "lo/",
]  # fmt: skip
LOWER = ["lan1/lower_eth0->eth0", "wan/lower_eth0->eth0"]


@pytest.mark.parametrize(
    ("entries", "names", "counted"),
    [
        (["e0/device/", "wlan0/device/", "br0/bridge/", "docker0/bridge/"], "e0 wlan0 br0 veth1 docker0", "e0 wlan0"),
        (["eth0/device/", "vf0/device/", "vf0/master->eth0"], "eth0 vf0", "eth0"),
        (["a/device/", "b/device/", "bond0/bonding/", "a/master->bond0", "b/master->bond0"], "a b bond0", "a b"),
        (SWITCH + LOWER, "eth0 lan1 wan br-lan", "eth0"),
        (SWITCH, "eth0 lan1 wan br-lan", "eth0"),
        ([*SWITCH, "eth1/device/", "eth1/phys_switch_id:"], "eth0 lan1 wan eth1", "eth0 eth1"),
        (["p0/device/", "p0/phys_switch_id:9c", "p1/device/", "p1/phys_switch_id:9c"], "p0 p1", "p0 p1"),
        (["eth0/device/", "vif1.0/device/", "vif2.0-emu/", "xenbr0/bridge/"], "eth0 vif1.0 vif2.0-emu xenbr0", "eth0"),
        (["eth0/", "vmbr9/bridge/", "x/lower_eth0->eth0"], "eth0 vmbr9 x", "eth0"),
        (["eth0/", "eth0/master->odd", "odd/bridge/", "odd/lower_eth0->eth0"], "eth0 odd", "eth0"),
        (["host0/device/", "lo/"], "eth0 veth9 docker0", "eth0"),
        ([], "eth0 eth1 bond0 bond0.10 eth0.5 team0 vlan7", "eth0 eth1"),
        ([], "eth0 podman0 lxdbr0 lxcbr0 incusbr0 vmbr0 virbr0 vif1.0 br-12 cni0 wg0 tun0 zt0 venet0", "eth0 venet0"),
        ([], "lo", ""),
    ],
    ids=[
        "cards", "a cloud's double", "a bond's members", "a switch", "a switch of an older kernel",
        "a card by a switch", "cards that can switch", "guests of Xen", "a container", "a container's bridge",
        "a foreign /sys", "bonds by name", "bridges by name", "nothing",
    ],
)  # fmt: skip
def test_each_byte_counts_once(tmp_path: Path, entries: list[str], names: str, counted: str) -> None:
    assert linux_interfaces(["lo", *names.split()], sys_net(tmp_path, *entries)) == counted.split()


@pytest.mark.parametrize(
    ("names", "counted"),
    [
        ("lo0 gif0 stf0 en0 en1 bridge0 utun0 awdl0 llw0 anpi0 ap1 vmenet0", "en0 en1"),
        ("igb0 lo0 lagg0 vlan10 igb0.20 bridge0 tap0 tun1 epair0a wg0 ovpns1 vtnet0 em1 ue0", "igb0 vtnet0 em1 ue0"),
        ("em0 lo0 pflog0 enc0", "em0"),
    ],
)  # fmt: skip
def test_where_nothing_tells_cards_apart_names_do(names: str, counted: str) -> None:
    assert by_name(names.split()) == counted.split()


def test_windows_cards_have_names_of_several_words() -> None:
    names = [
        "Loopback Pseudo-Interface 1",
        "Ethernet",
        "vEthernet (Default Switch)",
        "Wi-Fi",
        "Local Area Connection* 1",
    ]
    names += ["VMware Network Adapter VMnet8", "Local Area Connection", "Tailscale", "Bluetooth Network Connection"]
    assert by_name(names) == ["Ethernet", "Wi-Fi", "Local Area Connection"]


ROW = "{name:>6}: {rx} 1 0 0 0 0 0 0 {tx} 1 0 0 0 0 0 0\n"


def net_dev(linux: Linux, **counters: tuple[int, int]) -> None:
    rows = "".join(ROW.format(name=name, rx=rx, tx=tx) for name, (rx, tx) in counters.items())
    linux.write("proc/net/dev", "Inter-|   Receive  | Transmit\n face |bytes packets|bytes\n" + rows)


def test_a_switch_counts_what_the_machine_itself_sends_and_gets(linux: Linux) -> None:
    sys_net(linux.root / "sys/class/net", *SWITCH, *LOWER)
    net_dev(linux, lo=(7, 7), eth0=(1100, 1100), wan=(1000, 100), lan1=(100, 1000))
    assert read_network() == {"network_rx_bytes": 1100, "network_tx_bytes": 1100}


@pytest.mark.parametrize("text", [None, "", "a\nb\n", "a\nb\nno colon\n", "a\nb\neth0: 1 2 3\n", "a\nb\nlo: x\n"])
def test_counters_that_cannot_be_read_are_none(linux: Linux, text: str | None) -> None:
    if text is not None:
        linux.write("proc/net/dev", text)
    assert read_network() == {}


MACOS = """Name       Mtu   Network       Address            Ipkts Ierrs     Ibytes    Opkts Oerrs     Obytes  Coll
lo0        16384 <Link#1>                        100     0      50000      100     0      50000     0
en0        1500  <Link#11>   02:00:00:00:00:0b 11290338     0 30277303935  4102338     0 2354022366     0
en0        1500  192.0.2/24    192.0.2.10       11290338     - 30277303935  4102338     - 2354022366     -
en1*       1500  <Link#12>   02:00:00:00:00:0c        1     0         10        1     0         20     0
en2        1500  <Link#13>                            1     0          5        1     0          6     0
awdl0      1500  <Link#15>   02:00:00:00:00:0d     5000     0    4000000     6000     0    3000000     0
utun0      1380  <Link#16>                         5000     0    4000000     6000     0    3000000     0
en3        1500  <Link#17>   02:00:00:00:00:0e        -     -          -        -     -          -     -
"""
FREEBSD = """Name    Mtu Network          Address           Ipkts Ierrs Idrop     Ibytes    Opkts Oerrs     Obytes Coll
en0    1500 <Link#1>         02:00:00:00:00:01 100000     0     0 1500000000   500000     0  200000000    0
"""


def test_netstat_is_read_from_its_right_side() -> None:
    assert counters_of(MACOS) == {"en0": (30277303935, 2354022366), "en1": (10, 20), "en2": (5, 6)}
    assert counters_of(FREEBSD) == {"en0": (1500000000, 200000000)}
    assert counters_of("") == {}


@pytest.mark.parametrize(("said", "received"), [(MACOS, 30277303950), (None, 4294967295)])
def test_macos_counts_by_netstat_and_without_it_by_psutil(
    monkeypatch: pytest.MonkeyPatch, said: str | None, received: int
) -> None:
    def output_of(*command: str) -> str:
        if said is None:
            raise ToolError("netstat did not answer in 5 s")
        return said

    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr(macos, "output_of", output_of)
    monkeypatch.setattr(psutil, "net_io_counters", lambda **how: {"en0": Nic(4294967295, 5), "utun0": Nic(9, 9)})
    assert read_network()["network_rx_bytes"] == received
