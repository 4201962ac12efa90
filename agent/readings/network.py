"""Bytes that came to and left this machine since boot, each once."""

import re
from collections.abc import Iterable
from pathlib import Path

import psutil

from agent.errors import ToolError
from agent.readings import macos
from agent.system import below_root, this_system

Counters = dict[str, tuple[int, int]]
"""Bytes in and out of each interface."""

VIRTUAL = re.compile(
    r"(lo$|veth|br|docker|podman|virbr|vmbr|lxcbr|lxdbr|incusbr|xenbr|ovs|vnet|vif|fw(br|pr|ln)|cni|cali|cilium|lxc[_\d]"
    r"|flannel|bond|team|vlan|macv|ipvlan|vxlan|geneve|tun|tap|wg|tailscale|zt|ifb|imq|dummy|sit|gre|erspan|ip6|ip_vti"
    r"|nlmon|ppp|.*\.\d+$)"
    r"|(lo\d|lagg|vm-|epair|ovpn|enc\d$|pf(log|sync)|gif|stf|ipsec|ipfw|usbus|plip|carp|utun|awdl|llw|anpi|ap\d|vmenet)"
    r"|(Loopback|vEthernet|isatap|Teredo|6to4|Local Area Connection\*|VMware|VirtualBox|Npcap|Tailscale|ZeroTier"
    r"|WireGuard|OpenVPN|Bluetooth)"
)
"""Loopback, bridges, bonds and tunnels, by name: what passes them passes a card too, or stays in the machine.

Their names on Linux (as in agent.sh), on macOS and the BSDs, and on Windows.
"""

XEN_GUEST = re.compile(r"vif\d+\.\d+")
"""The host's end of a guest's card; it has a device, but what passes it passes a card of the host or stays here."""


def read_network() -> dict[str, object]:
    """Return `network_rx_bytes` and `network_tx_bytes`; nothing where they cannot be had, or no interface counts."""
    system = this_system()
    counters = _read_counters(system)
    chosen = linux_interfaces(counters, below_root("sys/class/net")) if system == "linux" else by_name(counters)
    if not chosen:
        return {}
    return {
        "network_rx_bytes": sum(counters[name][0] for name in chosen),
        "network_tx_bytes": sum(counters[name][1] for name in chosen),
    }


def _read_counters(system: str) -> Counters:
    if system == "macos":
        try:
            return macos.network_bytes()
        except ToolError:
            pass  # psutil tells the same, but in 32 bits on macOS 26
    try:
        counters = psutil.net_io_counters(pernic=True, nowrap=False)
    except (OSError, psutil.Error, ValueError, AssertionError):  # psutil asserts that a line has a colon
        return {}
    return {name: (nic.bytes_recv, nic.bytes_sent) for name, nic in counters.items()}


def by_name(names: Iterable[str]) -> list[str]:
    """Return the interfaces whose names are not `VIRTUAL`."""
    return [name for name in names if not VIRTUAL.match(name)]


def linux_interfaces(names: Iterable[str], root: Path) -> list[str]:
    """Return the interfaces to add up: the cards; without any (containers), those that are not virtual.

    `root` is /sys/class/net. Where it knows none of the interfaces (the host's, in a container), names have to do.
    """
    names = [name for name in names if name != "lo"]
    known = [name for name in names if (root / name).exists()]
    cards = [name for name in known if is_card(name, root)]
    switches = [name for name in cards if (root / name / "dsa").exists()]
    if cards:
        return [name for name in cards if name in switches or not _is_switch_port(name, switches, root)]
    return [name for name in by_name(names) if not _is_stacked(root / name)]


def is_card(name: str, root: Path) -> bool:
    """Tell whether an interface is hardware whose bytes no other card counts.

    In cloud virtual machines a card can work for a master that has a device too and counts its bytes.
    """
    has_device = (root / name / "device").exists() and not (root / name / "master" / "device").exists()
    return has_device and not XEN_GUEST.fullmatch(name)


def _is_switch_port(name: str, switches: Iterable[str], root: Path) -> bool:
    """Whether it is a port of a switch (DSA): what the machine itself sends and gets passes the card at the switch."""
    ports_of = [switch for switch in switches if (root / name / f"lower_{switch}").exists()]
    if ports_of or not switches:
        return bool(ports_of)
    try:
        return bool((root / name / "phys_switch_id").read_text(encoding="ascii").strip())
    except (OSError, ValueError):  # every interface has the file; what is in no switch cannot tell an id
        return False


def _is_stacked(interface: Path) -> bool:
    """Whether it is made of other interfaces, which count: a bridge, a bond, a VLAN."""
    return (interface / "bridge").exists() or (interface / "bonding").exists() or any(interface.glob("lower_*"))
