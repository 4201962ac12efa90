"""Where agents are sent: never to a wildcard, never to this machine's own loopback without a word."""

import socket
from typing import NamedTuple

import psutil
import pytest

from server.address import WILDCARDS, is_local, own_address, reachable_url
from server.reach import find_reach


class Entry(NamedTuple):
    """An address of an interface, as psutil tells it."""

    family: socket.AddressFamily
    address: str


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("192.0.2.9", "http://192.0.2.9:84"),
        ("::1", "http://[::1]:84"),
        ("2001:db8::7", "http://[2001:db8::7]:84"),
        ("web.example", "http://web.example:84"),
    ],
)
def test_agents_reach_the_address_that_was_given(host: str, url: str) -> None:
    assert reachable_url(host, 84) == url
    assert reachable_url(host, 84, tls=True) == url.replace("http:", "https:")


@pytest.mark.parametrize("host", [None, "0.0.0.0", "::"])
def test_agents_are_never_sent_to_a_wildcard(host: str | None) -> None:
    shown = own_address(WILDCARDS[host])
    assert shown not in ("", "0.0.0.0", "::")
    assert shown in reachable_url(host, 84)


def test_a_receiver_of_one_family_is_reached_in_that_family() -> None:
    assert ":" not in own_address((socket.AF_INET,))
    assert ":" in own_address((socket.AF_INET6,))


@pytest.mark.parametrize(
    ("addresses", "own"),
    [
        ({"lo": ["127.0.0.1", "::1"], "eth0": ["fe80::1%eth0", "192.0.2.5"]}, "192.0.2.5"),
        ({"lo": ["127.0.0.1", "::1"], "eth0": ["fe80::1%eth0", "2001:db8::5"]}, "2001:db8::5"),
        ({"lo": ["127.0.0.1", "::1"], "eth0": ["fe80::1%eth0", "169.254.3.4"]}, "127.0.0.1"),
        ({"lo": ["127.0.0.1"], "docker0": ["172.17.0.1"], "br-0a1b2c3d4e5f": ["172.18.0.1"]}, "127.0.0.1"),
        ({"lo": ["127.0.0.1"], "virbr0": ["192.168.122.1"], "br-lan": ["192.0.2.5"]}, "192.0.2.5"),
    ],
)
def test_without_a_route_it_is_an_address_on_any_network_and_loopback_at_last(
    monkeypatch: pytest.MonkeyPatch, addresses: dict[str, list[str]], own: str
) -> None:
    def entry(address: str) -> Entry:
        return Entry(socket.AF_INET6 if ":" in address else socket.AF_INET, address)

    found = {name: [entry(each) for each in listed] for name, listed in addresses.items()}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    monkeypatch.setattr("server.address._routed_address", lambda family: None)
    assert own_address() == own


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8420", True),
        ("http://127.8.9.1:8420", True),
        ("https://[::1]:8420", True),
        ("http://localhost:8420", True),
        ("http://192.0.2.1:8420", False),
        ("https://[2001:db8::1]", False),
        ("https://localhost.example.org", False),
    ],
)
def test_what_leads_to_this_machine_alone_is_known(url: str, local: bool) -> None:
    assert is_local(url) is local


def test_where_the_interfaces_may_not_be_listed_there_are_no_other_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox without AF_NETLINK says EAFNOSUPPORT, Android says EACCES."""

    def refuse() -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, "net_if_addrs", refuse)
    assert find_reach(None, 84, None).others == ()
    assert find_reach("192.0.2.9", 84, None).url == "http://192.0.2.9:84"
    assert own_address()
