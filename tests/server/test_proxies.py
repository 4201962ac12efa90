"""X-Forwarded-For is believed of named proxies alone, and of them only what they heard themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.proxies import MAX_HOPS, Proxies

TRUSTED = Proxies(["192.0.2.1", "10.0.0.0/8", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7, 10.1.2.3"], "198.51.100.7"),
        (["203.0.113.9,198.51.100.7,2001:db8:1::5,10.1.2.3"], "198.51.100.7"),
        (["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["2001:DB8:0:0::7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        (["::ffff:10.1.2.3"], "10.1.2.3"),
        (["198.51.100.7, unknown, 10.1.2.3"], "10.1.2.3"),
        (["198.51.100.7,"], "192.0.2.1"),
        ([""], "192.0.2.1"),
        ([], "192.0.2.1"),
    ],
)
def test_the_right_most_address_that_is_no_trusted_proxy_s_counts(forwarded: list[str], client: str) -> None:
    assert TRUSTED.client("192.0.2.1", forwarded) == client


@pytest.mark.parametrize(
    "garbage",
    [
        "unknown", "_hidden", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4/8", "1.2.3.4:", "1.2.3.4:x",
        "1.2.3.4:999999", "[::1", "::1]", "[::1]x", "[]", ":::", "fe80::1%\x1b[31m", "[fe80::1%eth0]", '"1.2.3.4"',
        "for=1.2.3.4", "\u0661.2.3.4", "\udce9", "1" * 8000, "1.2.3.4:\u0663",
    ],
)  # fmt: skip
def test_what_is_no_address_is_not_believed_nor_what_stands_before_it(garbage: str) -> None:
    assert TRUSTED.client("192.0.2.1", [f"198.51.100.7, {garbage}"]) == "192.0.2.1"


@pytest.mark.parametrize("peer", ["198.51.100.9", "192.0.2.2", "2001:db8:2::1", "unknown", "fe80::1%eth0"])
def test_nobody_else_can_speak_for_others(peer: str) -> None:
    assert TRUSTED.client(peer, ["203.0.113.9"]) == peer


@given(st.lists(st.text(max_size=40), max_size=4))
def test_without_proxies_the_peer_counts_whatever_it_says(forwarded: list[str]) -> None:
    assert Proxies().client("192.0.2.1", forwarded) == "192.0.2.1"


def test_a_chain_without_end_is_looked_at_only_so_far() -> None:
    assert TRUSTED.client("192.0.2.1", ["198.51.100.7" + ", 10.1.2.3" * (MAX_HOPS - 1)]) == "198.51.100.7"
    assert TRUSTED.client("192.0.2.1", ["198.51.100.7" + ", 10.1.2.3" * MAX_HOPS]) == "10.1.2.3"


@pytest.mark.parametrize("network", ["10.0.0.1/8", "proxy.example.org", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Proxies([network])
