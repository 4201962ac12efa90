"""Under which address other machines reach this one."""

import ipaddress
import re
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

import psutil

DOCUMENTATION_ADDRESSES = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses that belong to nobody (RFC 5737, RFC 3849): connecting a datagram socket sends nothing, but names the
interface with the default route."""

_LOOPBACK = {True: "127.0.0.1", False: "::1"}
"""By whether IPv4 is taken."""

BOTH = (socket.AF_INET, socket.AF_INET6)
WILDCARDS: dict[str | None, Collection[socket.AddressFamily]] = {
    None: BOTH,
    "0.0.0.0": (socket.AF_INET,),
    "::": (socket.AF_INET6,),
}
"""Which families a receiver takes that is bound to no address in particular."""

_OWN_BRIDGE = re.compile(r"(docker|podman|cni|virbr|lxcbr|lxdbr|incusbr)\d+|br-[0-9a-f]{12}")
"""Interfaces that lead only to this machine's own containers and virtual machines; all that is left while its network
is down."""


def reachable_url(host: str | None, port: int, *, tls: bool = False) -> str:
    """Return the URL at which agents reach a receiver bound to `host` (None: all interfaces) and `port`."""
    families = WILDCARDS.get(host)
    address = host if host and families is None else own_address(families or BOTH)
    return f"{'https' if tls else 'http'}://{f'[{address}]' if ':' in address else address}:{port}"


def own_address(families: Collection[socket.AddressFamily] = BOTH) -> str:
    """Return this machine's address on its default route, else on any network, else loopback."""
    routed = (address for family in families if (address := _routed_address(family)))
    return next(routed, None) or next(iter(interface_addresses(families)), _LOOPBACK[socket.AF_INET in families])


def host_of(url: str) -> str:
    """Return the host that a URL names, without brackets."""
    return urlsplit(url).hostname or ""


def is_local(url: str) -> bool:
    """Return whether a URL leads nowhere but to the machine that asks."""
    host = host_of(url)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _routed_address(family: socket.AddressFamily) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((DOCUMENTATION_ADDRESSES[family], 9))
            return str(probe.getsockname()[0])
    except OSError:  # no route, or a kernel without this family
        return None


def interface_addresses(families: Collection[socket.AddressFamily]) -> tuple[str, ...]:
    """Return this machine's addresses that others may know, by interface; none where they may not be listed."""
    try:
        interfaces = psutil.net_if_addrs().items()
    except OSError:  # a sandbox without AF_NETLINK
        return ()
    entries = (entry for name, listed in interfaces if not _OWN_BRIDGE.fullmatch(name) for entry in listed)
    found = (ipaddress.ip_address(entry.address.partition("%")[0]) for entry in entries if entry.family in families)
    return tuple(str(address) for address in found if not (address.is_loopback or address.is_link_local))
