"""Crowds: thousands who connect and say nothing, little, or the same over and over; an agent is answered meanwhile."""

import socket
import struct
import time
from collections.abc import Iterator

import pytest

from server.limits import UNPRODUCTIVE_BURST, UNPRODUCTIVE_RATE
from tests.e2e.harness import wait_for
from tests.faults.abuse import MEGABYTE, Siege, besieged, held, push, push_all

RESET_AT_CLOSE = struct.pack("ii", 1, 0)

DEADLINE_S = 10.0
LATE_S = 5.0
"""A quarter of the deadline until it is looked at, and what a busy machine adds."""

FIRST = b"POST /agent/report HTTP/1.1\r\nHost: receiver\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: receiver\r\n\r\n"
HALF_BODY = FIRST + b"Content-Length: 262000\r\n\r\n" + b" " * 261_000


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with besieged() as siege:
        yield siege


@pytest.mark.parametrize("count", [2_500, pytest.param(8_000, marks=pytest.mark.slow)])
def test_thousands_of_idle_connections_keep_no_agent_out(siege: Siege, count: int) -> None:
    with siege.watched(memory=40 * MEGABYTE) as spent, held([]) as idle:
        idle += (siege.connect(number) for number in range(count))
        assert spent.cpu(0.5) < 0.7
        wait_for("the end of all but a thousand", lambda: sum(push(sock, b"") for sock in idle) <= 1_000)
    assert "made room" in siege.served.said()


@pytest.mark.parametrize("count", [3_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_connections_opened_and_dropped_leave_nothing_behind(siege: Siege, count: int) -> None:
    with siege.watched(memory=20 * MEGABYTE):
        for number in range(count):
            with siege.connect(number % 5_000) as sock:
                if number % 2:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                if number % 3 == 0:
                    sock.sendall(FIRST)


SLOW = {
    "nothing at all": (b"", b""),
    "slow headers": (b"POST /agent/rep", b"X"),
    "a slow body": (FIRST + b"Content-Length: 10000\r\n\r\n{", b" "),
    "slow chunks": (FIRST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n \r\n"),
    "a slow size of a chunk": (FIRST + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}


def test_whoever_is_slow_is_ended_by_the_deadline(siege: Siege) -> None:
    with siege.watched(memory=20 * MEGABYTE) as spent, held([]) as slow:
        beats = {}
        began = time.monotonic()
        for place, (beginning, beat) in enumerate(SLOW.values()):
            for number in range(40):
                sock = siege.connect(place * 40 + number, per_address=40)
                sock.sendall(beginning)
                slow.append(sock)
                beats[sock] = beat
        living = list(slow)
        while living and time.monotonic() < began + DEADLINE_S + LATE_S:
            living = [sock for sock in living if push(sock, beats[sock])]
            assert spent.cpu(0.2) < 1.5
            early = time.monotonic() < began + DEADLINE_S - 1
            assert not early or len(living) == len(slow)
        assert living == []


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 99999999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"]
)
def test_bodies_without_end_are_refused_and_cut(siege: Siege, framing: bytes) -> None:
    with siege.watched(memory=40 * MEGABYTE), held([siege.connect(number, 25) for number in range(50)]) as endless:
        for sock in endless:
            sock.sendall(FIRST + framing + b"\r\n\r\nfffffff\r\n" + b"x" * 60_000)
        assert push_all(endless, b"x" * 100_000, seconds=2 * LATE_S) == []


def test_a_thousand_large_bodies_that_never_end_are_not_all_held(siege: Siege) -> None:
    with siege.watched(memory=150 * MEGABYTE), held([]) as large:
        for number in range(950):
            large.append(siege.connect(number))
            push(large[-1], HALF_BODY)
            time.sleep(0.002)
        push_all(large, b"", seconds=0.5)
    assert "too many large bodies" in siege.served.said()


@pytest.mark.parametrize("request_", [GET, FIRST + b"Content-Length: 2\r\n\r\n{}"], ids=["GET", "POST"])
@pytest.mark.parametrize("count", [200, pytest.param(500, marks=pytest.mark.slow)])
def test_floods_of_pipelined_requests_are_held_up(siege: Siege, request_: bytes, count: int) -> None:
    with siege.watched(memory=60 * MEGABYTE) as spent, held([siege.connect(each) for each in range(count)]) as floods:
        push_all(floods, request_ * 2_000, seconds=count / 200)
        assert spent.cpu(0.5) < 0.9


def test_one_address_gets_no_more_answers_that_store_nothing_than_its_rate_allows(siege: Siege) -> None:
    with siege.connect(200, per_address=1) as sock:
        began, answers = time.monotonic(), 0
        sock.sendall(GET * 3 * UNPRODUCTIVE_BURST)
        while (elapsed := time.monotonic() - began) < 1.5:
            answers += sock.recv(65_536).count(b"HTTP/1.1 200")
        assert UNPRODUCTIVE_BURST <= answers <= UNPRODUCTIVE_BURST + UNPRODUCTIVE_RATE * (elapsed + 0.5)


def test_whoever_never_reads_its_answers_is_cut(siege: Siege) -> None:
    with siege.watched(memory=40 * MEGABYTE), held([siege.connect(number, 10) for number in range(20)]) as every:
        deaf = list(every)
        for sock in deaf:
            sock.setblocking(False)
        request = b"GET /agent.sh HTTP/1.1\r\nHost: receiver\r\n\r\n" * 100

        def all_cut() -> bool:
            deaf[:] = [sock for sock in deaf if _sends(sock, request)]
            return not deaf

        wait_for("the end of those who never read", all_cut)


def _sends(sock: socket.socket, data: bytes) -> bool:
    try:
        sock.send(data)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True
