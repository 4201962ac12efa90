"""Who speaks through a proxy: X-Forwarded-For, believed of those proxies alone that were named."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MAX_HOPS = 16
"""Addresses looked at, from the right: more proxies in a row are no installation, but somebody's game."""


class Proxies:
    """The networks whose machines are trusted to say for whom they speak.

    `networks` are addresses or networks as text; raises ValueError for what is neither.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = [ip_network(each) for each in networks]

    def __contains__(self, address: object) -> bool:
        """Return whether an address, as text, is a trusted proxy's."""
        if not self._networks:
            return False
        read = _read(str(address))
        return read is not None and self._trusts(read)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the address that a request counts for: the right-most one that is no trusted proxy's.

        `peer` is who is connected, `forwarded` the values of its X-Forwarded-For headers in their order. Each proxy
        adds on the right whom it heard; what stands further to the left was brought along and may be invented. From
        the first thing on that is no address nothing is believed, and the proxy that passed it on counts.
        """
        if not forwarded or peer not in self:
            return peer
        client = peer
        for entry in reversed(",".join(forwarded).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
            address = _read(entry.strip())
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
        return client

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _read(entry: str) -> IPv4Address | IPv6Address | None:
    """Read 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80; None if it is none of them.

    A zone (fe80::1%eth0) may hold any text and means nothing on another machine, so there is none.
    """
    if entry.startswith("["):
        host, bracket, port = entry[1:].partition("]")
        if not bracket or not _is_port(port):
            return None
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
        if not _is_port(f":{port}"):
            return None
    else:
        host = entry
    if "%" in host:
        return None
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def _is_port(text: str) -> bool:
    """Return whether a text is empty or a colon and a port."""
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6)
