"""Under which address other machines reach this one."""

import ipaddress
import socket

import psutil

DOCUMENTATION_NETS = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that belong to nobody (RFC 5737, RFC 3849): connecting a datagram socket sends nothing, but names the
interface with the default route."""


def reachable_url(host: str | None, port: int) -> str:
    """Return the URL at which agents reach a receiver bound to `host` (None: all interfaces) and `port`."""
    address = host if host is not None and not _is_wildcard(host) else own_address()
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


def own_address() -> str:
    """Return this machine's address on its default route, else on any network, else loopback."""
    for family, target in DOCUMENTATION_NETS:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return _interface_address() or "127.0.0.1"


def _interface_address() -> str | None:
    for addresses in psutil.net_if_addrs().values():
        for entry in addresses:
            if entry.family is socket.AF_INET and not ipaddress.ip_address(entry.address).is_loopback:
                return str(entry.address)
    return None


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
