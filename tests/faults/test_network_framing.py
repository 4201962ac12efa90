"""Broken HTTP, requests smuggled behind others, and bodies that would inflate: refused, and nothing of it is taken."""

import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.abuse import MEGABYTE, Siege, besieged, ended, held
from tests.faults.broken_requests import BROKEN, report_request

ROUNDS = 3
BOMB = zlib.compress(b"0" * 200 * MEGABYTE, wbits=31)
"""200 MB in 200 kB."""


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with besieged() as siege:
        yield siege


def say(siege: Siege, request: bytes) -> bytes:
    """Send a request and return all that comes until the other side closes."""
    with siege.connect() as sock:
        with suppress(ConnectionError):  # it has heard enough
            sock.sendall(request)
        return ended(sock)


def count_reports(siege: Siege) -> int:
    return len(siege.served.station.history("witness"))


@pytest.mark.parametrize("name", BROKEN)
def test_broken_framing_is_a_400_and_what_follows_it_is_not_taken(siege: Siege, name: str) -> None:
    answer = say(siege, BROKEN[name] + report_request(siege.key))
    assert (answer[:12], answer.count(b"HTTP/1.1 ")) in ((b"HTTP/1.1 400", 1), (b"", 0)), answer
    assert siege.key.encode() not in answer
    assert len(answer) < 1_000


def test_all_of_it_over_and_over_stores_nothing_and_floods_no_log(siege: Siege) -> None:
    before = count_reports(siege)
    for name, request in BROKEN.items():
        assert b" 200 OK" not in say(siege, request + report_request(siege.key)), name
    assert count_reports(siege) == before
    with siege.watched(memory=20 * MEGABYTE):
        for request in list(BROKEN.values()) * ROUNDS:
            say(siege, request)


def test_a_request_inside_the_body_of_another_is_a_body(siege: Siege) -> None:
    before = count_reports(siege)
    smuggled = report_request(siege.key)
    answer = say(siege, report_request("", body=smuggled) + report_request(siege.key, b"Connection: close"))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"422", b"200"]
    assert count_reports(siege) == before + 1


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity"])
def test_compressed_bombs_are_refused_before_they_inflate(siege: Siege, coding: str) -> None:
    bomb = report_request(siege.key, b"Content-Encoding: " + coding.encode(), body=BOMB)
    with siege.watched(memory=20 * MEGABYTE), held([siege.connect(number) for number in range(50)]) as bombers:
        began = time.monotonic()
        for sock in bombers:
            sock.sendall(bomb[:2_000])
        for sock in bombers:
            assert sock.recv(65_536).startswith(b"HTTP/1.1 415")
        assert time.monotonic() - began < 5
