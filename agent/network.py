"""Bytes that came and went over this machine's network cards since boot."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

SYS_NET = Path("/sys/class/net")

VIRTUAL = re.compile(
    r"(lo$|veth|br|docker|virbr|vnet|cni|cali|flannel|tun|tap|wg|tailscale|zt|ifb|dummy|sit|gre|ip6tnl)"
    r"|(lo\d|utun|awdl|llw|gif|stf|anpi|pflog)"
    r"|(Loopback|vEthernet|isatap|Teredo)"
)
"""Loopback, bridges and tunnels: what passes them passes a card as well, or never leaves the machine.

Their names on Linux (as in agent.sh), on macOS and the BSDs, and on Windows, where nothing tells cards apart.
"""


def is_card(name: str, root: Path = SYS_NET) -> bool:
    """Tell whether an interface is hardware whose bytes no other card counts.

    In cloud virtual machines a card can work for a master that has a device too and counts its bytes.
    """
    return (root / name / "device").exists() and not (root / name / "master" / "device").exists()


def choose_interfaces(names: list[str], card: Callable[[str], bool]) -> list[str]:
    """Return the interfaces to add up: the cards; without any (containers), all that is not `VIRTUAL`."""
    return [name for name in names if card(name)] or [name for name in names if not VIRTUAL.match(name)]


def read_network() -> Mapping[str, int]:
    """Return `network_rx_bytes` and `network_tx_bytes`, or nothing where no interface counts."""
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    chosen = [counters[name] for name in choose_interfaces(list(counters), is_card)]
    if not chosen:
        return {}
    return {
        "network_rx_bytes": sum(nic.bytes_recv for nic in chosen),
        "network_tx_bytes": sum(nic.bytes_sent for nic in chosen),
    }
