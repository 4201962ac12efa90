"""TLS under abuse: handshakes that stall, by the thousand; old versions, weak ciphers, renegotiation, rubbish."""

import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tls import Certificate
from tests.agent.shells import need
from tests.certificates import make_pair
from tests.e2e.harness import wait_for
from tests.faults.abuse import MEGABYTE, Siege, besieged, ended, held, push, push_all
from tests.faults.test_network_crowds import DEADLINE_S, LATE_S
from tests.server.conftest import RawClient, Start
from tests.server.conftest import start as start
from tests.server.test_gate import is_served

RUBBISH = (
    b"\x00" * 500,
    b"\x16\x03\x01\x00\x05rubbish",
    b"SSH-2.0-x\r\n",
    b"\x80\x2e\x01\x00\x02",
    b"\x16\x03\x03\xff\xff" * 99,
)


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with besieged(tls=True) as siege:
        yield siege


def client_hello() -> bytes:
    """Return how a handshake begins, whole, so that the receiver does its costly part."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        secured.do_handshake()
    return outgoing.read()


HELLO = client_hello()


def any_client(**changes: object) -> ssl.SSLContext:
    """Return a client that trusts everybody and speaks whatever there is, however weak, but for `changes`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in changes.items():
        setattr(context, name, value)
    return context


@pytest.mark.parametrize(
    ("beginning", "count"),
    [
        pytest.param(HELLO, 2_000, id="quick"),
        pytest.param(HELLO, 10_000, id="hello", marks=pytest.mark.slow),
        pytest.param(HELLO[:20], 10_000, id="half a hello", marks=pytest.mark.slow),
    ],
)
def test_thousands_of_half_handshakes_keep_no_agent_out(siege: Siege, beginning: bytes, count: int) -> None:
    with siege.watched(memory=100 * MEGABYTE), held([]) as stalled:
        for number in range(count):
            stalled.append(siege.connect(number))
            stalled[-1].sendall(beginning)
        wait_for("the end of all but a thousand", lambda: sum(push(sock, b"") for sock in stalled) <= 1_000)


def test_handshakes_opened_and_dropped_leave_nothing_behind(siege: Siege) -> None:
    with siege.watched(memory=150 * MEGABYTE):
        for number in range(1_000):
            with siege.connect(number) as sock:
                sock.sendall(HELLO[: number % len(HELLO)])


@pytest.mark.slow
def test_a_handshake_that_trickles_is_ended_by_the_deadline(siege: Siege) -> None:
    with siege.watched(memory=40 * MEGABYTE), held([siege.connect(number, 50) for number in range(100)]) as slow:
        for place in range(0, len(HELLO), 8):
            if not push_all(slow, HELLO[place : place + 8], seconds=0.5, pause_s=0.5):
                return
            assert place < 8 * 2 * (DEADLINE_S + LATE_S)
    pytest.fail("it was waited for")


def test_floods_through_tls_are_held_up(siege: Siege) -> None:
    flood = b"GET /healthz HTTP/1.1\r\nHost: receiver\r\n\r\n" * 2_000
    with held([siege.secure(number) for number in range(100)]) as floods, siege.watched(memory=80 * MEGABYTE) as spent:
        push_all(floods, flood, seconds=1.5)
        assert spent.cpu(0.5) < 0.9


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda rubbish: repr(rubbish[:8]))
def test_rubbish_ends_at_once_and_floods_no_log(siege: Siege, rubbish: bytes) -> None:
    with siege.watched(memory=40 * MEGABYTE):
        for number in range(100):
            with siege.connect(number, 10) as sock:
                sock.sendall(rubbish)
                sock.shutdown(socket.SHUT_WR)
                assert b"HTTP" not in ended(sock)


def test_plain_http_is_told_to_say_https_each_time(siege: Siege) -> None:
    with siege.watched(memory=20 * MEGABYTE):
        for number in range(100):
            with siege.connect(number, 10) as sock:
                sock.sendall(b"POST /agent/report HTTP/1.1\r\nHost: receiver\r\nContent-Length: 2\r\n\r\n{}")
                assert ended(sock).endswith(b"\r\n\r\nThis port speaks https, not http.\n")


def greeted(siege: Siege, client: ssl.SSLContext) -> tuple[str, str, int] | None:
    """Shake hands and return the cipher agreed on."""
    with siege.connect() as sock, client.wrap_socket(sock) as secured:
        return secured.cipher()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_before_1_2_is_refused(siege: Siege, version: ssl.TLSVersion) -> None:
    with pytest.raises(ssl.SSLError):
        greeted(siege, any_client(minimum_version=version, maximum_version=version))


WEAK = {
    "no encryption": "eNULL",
    "no certificate": "aNULL",
    "CBC with SHA-1": "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA",
    "short tags": "ECDHE-ECDSA-AES128-CCM8",
    "no forward secrecy": "kRSA",
}


@pytest.mark.parametrize("cipher", WEAK)
def test_weak_ciphers_are_refused(siege: Siege, cipher: str) -> None:
    client = any_client(maximum_version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers(f"{WEAK[cipher]}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        greeted(siege, client)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_such_a_client_gets_is_modern(siege: Siege, version: ssl.TLSVersion) -> None:
    name, spoken, bits = greeted(siege, any_client(minimum_version=version, maximum_version=version)) or ("", "", 0)
    assert ("GCM" in name or "CHACHA20" in name) and bits >= 128
    assert spoken == version.name.replace("v1_", "v1.")


def test_renegotiation_is_refused(siege: Siege) -> None:
    """OpenSSL's own client asks for it on a line with an R."""
    command = [need("openssl"), "s_client", "-tls1_2", "-connect", f"127.0.0.1:{siege.served.port}"]
    client = subprocess.run(command, input=b"R\n", capture_output=True, timeout=20, check=False, env=dict(os.environ))
    assert b"RENEGOTIATING" in client.stdout + client.stderr
    assert b"no renegotiation" in client.stderr


async def test_a_crowd_of_handshakes_at_one_address_goes_after_the_one_of_another(start: Start, tmp_path: Path) -> None:
    certificate = Certificate(make_pair("localhost").write(tmp_path), "localhost")
    running = await start(certificate=certificate, max_per_address=1_000)
    crowd: list[RawClient] = []
    for _ in range(200):
        crowd.append(await running.connect(source="127.0.0.2", bare=True))
        crowd[-1].writer.write(HELLO)
    assert await is_served(await running.connect())
    begun = sum(bool(client.reader._buffer) for client in crowd)  # type: ignore[attr-defined]
    assert begun <= 64
