"""Which public URLs are taken: a receiver's address and nothing that a shell or a proxy would read otherwise."""

import pytest

from agentmon.options import is_url


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:8420",
        "https://monitor.example.org",
        "https://monitor.example.org/",
        "https://monitor.example.org:443/a/agent-mon_1.x/",
        "http://[2001:db8::1]:8420",
        "http://my_host.",
        "http://localhost",
    ],
)
def test_taken(url: str) -> None:
    assert is_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "monitor.example.org",
        "ftp://monitor.example.org",
        "HTTP//x",
        "http://",
        "http:///path",
        "http://:8420",
        "http://a:0",
        "http://a:65536",
        "http://a:x",
        "http://user@a",
        "http://user:word@a",
        "http://a?x=1",
        "http://a/?x",
        "http://a#x",
        "http://a/../b",
        "http://a/.",
        "http://a//b",
        "http://a/%41",
        "http://a b",
        "http://a\nb",
        "http://a\n",
        "http://a;id",
        "http://$(id)",
        "http://a'b",
        "http://0.0.0.0:8420",
        "http://[::]:8420",
        "http://[::1]x",
        "http://[1.2.3.4]",
        "http://[fe80::1%eth0]",
        "http://m\u00f6nitor.example",
        "http://-a",
    ],
)
def test_refused(url: str) -> None:
    assert not is_url(url)
