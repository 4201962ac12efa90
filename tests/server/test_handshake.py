"""TLS before the gate: counted and timed from the first byte, on asyncio's loop and on uvloop."""

import asyncio
import inspect
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from server.tls import Certificate
from store.rejections import Refusal
from tests.certificates import make_pair
from tests.server.conftest import (
    PATIENCE_S,
    RawClient,
    Start,
    receivers,
    report_body,
    report_request,
    request_bytes,
    until,
)
from tests.server.test_gate import SHORT_S, is_served, is_turned_away

CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""How a handshake begins; the rest of it is never sent."""


@cache
def certificate() -> Certificate:
    """Return one that is read from files that are gone again."""
    with TemporaryDirectory() as folder:
        return Certificate(make_pair("localhost").write(Path(folder)), "localhost")


async def scenario_reports_are_taken_and_a_connection_serves_many(start: Start) -> None:
    running = await start(certificate=certificate())
    client = await running.connect()
    for _ in range(3):
        assert await is_served(client)
    assert (await client.ask("GET", "/healthz")).status == 200
    assert (await running.report(report_body()[:-1] + b" " * 200_000 + b"}")).status == 200
    assert {address for _, _, address in running.store.reports} == {"127.0.0.1"}


async def scenario_a_handshake_that_never_ends_is_counted_and_cut(start: Start) -> None:
    running = await start(certificate=certificate(), header_deadline_s=SHORT_S)
    for beginning in (b"", CLIENT_HELLO):
        client = await running.connect(bare=True)
        await client.send(beginning)
        await until(lambda: running.receiver.connections == 1)
        assert await client.ended() == b""
        await until(lambda: running.receiver.connections == 0)
    assert await is_served(await running.connect())


async def scenario_handshakes_count_in_the_limit_of_an_address(start: Start) -> None:
    running = await start(certificate=certificate(), max_per_address=2, linger_s=SHORT_S)
    idle = [await running.connect(bare=True) for _ in range(2)]
    await until(lambda: running.receiver.connections == 2)
    assert await is_turned_away(await running.connect())
    await idle[0].close()
    await until(lambda: running.receiver.connections == 1)
    assert await is_served(await running.connect())


async def scenario_handshakes_that_stall_make_room(start: Start) -> None:
    running = await start(certificate=certificate(), max_connections=2)
    stalled = [await running.connect(bare=True) for _ in range(2)]
    await until(lambda: running.receiver.connections == 2)
    assert await is_served(await running.connect())
    assert await stalled[0].ended() == b""
    assert running.receiver.connections == 2


async def scenario_a_crowd_that_is_turned_away_is_closed_even_before_its_handshake(start: Start) -> None:
    running = await start(certificate=certificate(), max_per_address=1, max_lingering=1, header_deadline_s=SHORT_S)
    clients = [await running.connect(bare=True) for _ in range(5)]
    for client in clients:
        assert await client.ended() == b""
    await until(lambda: running.receiver.connections == 0)


async def scenario_whoever_is_turned_away_reads_why_after_its_handshake_even_while_it_sends(start: Start) -> None:
    running = await start(certificate=certificate(), max_per_address=1, linger_s=SHORT_S)
    await running.connect(bare=True)
    await until(lambda: running.receiver.connections == 1)
    for body in (report_body(), b" " * 200_000):
        client = await running.connect()
        client.writer.write(report_request(body))
        assert await is_turned_away(client)
    assert [line.count for line in running.rejected.lines] == [2]


async def scenario_whoever_is_turned_away_may_stay_if_there_is_room_after_its_handshake(start: Start) -> None:
    running = await start(certificate=certificate(), max_per_address=1)
    silent = await running.connect(bare=True)
    await until(lambda: running.receiver.connections == 1)
    late = await running.connect(bare=True)
    after = await running.connect(bare=True, source="127.0.0.2")
    await until(lambda: running.receiver.connections == 2)  # and so the gate has seen `late` too
    await after.close()
    await silent.close()
    await until(lambda: running.receiver.connections == 0)
    await late.writer.start_tls(certificate().identity.client_context())
    assert await is_served(late)
    assert running.rejected.lines == []


async def scenario_an_idle_connection_makes_room_for_a_new_one_of_its_address(start: Start) -> None:
    running = await start(certificate=certificate(), max_per_address=1)
    idle = await running.connect()
    assert await is_served(idle)
    assert await is_served(await running.connect())
    assert await idle.ended() == b""


async def scenario_plain_http_is_told_to_say_https(start: Start) -> None:
    running = await start(certificate=certificate())
    client = await running.connect(bare=True)
    await client.send(request_bytes("GET", "/healthz"))
    reply = await client.reply()
    assert (reply.status, reply.body) == (400, b"This port speaks https, not http.\n")
    assert await client.ended() == b""
    await until(lambda: running.receiver.connections == 0)
    assert [line.reason for line in running.rejected.lines] == [Refusal.PLAIN_HTTP]


async def scenario_a_client_that_does_not_trust_the_certificate_is_counted_among_the_refused(start: Start) -> None:
    running = await start(certificate=certificate())
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.to_thread(greet_strictly, running.port)
    await until(lambda: bool(running.rejected.lines))
    assert [line.reason for line in running.rejected.lines] == [Refusal.TLS]
    assert await is_served(await running.connect())


async def scenario_rubbish_is_closed_at_once(start: Start) -> None:
    running = await start(certificate=certificate())
    for rubbish in (b"\x00" * 100, b"\x16\x03\x01\x00\x05rubbish", b"SSH-2.0-x\r\n"):
        client = await running.connect(bare=True)
        await client.send(rubbish)
        await client.ended()
    await until(lambda: running.receiver.connections == 0)
    assert await is_served(await running.connect())


async def scenario_the_receiver_stops_at_once_amid_handshakes(start: Start) -> None:
    running = await start(certificate=certificate(), header_deadline_s=PATIENCE_S * 2)
    client = await running.connect(bare=True)
    busy = await running.connect()
    assert await is_served(busy)
    await until(lambda: running.receiver.connections == 2)
    async with asyncio.timeout(PATIENCE_S):
        await running.receiver.stop(grace_s=PATIENCE_S * 2)
    assert await client.ended() == b""
    with pytest.raises(OSError):
        await running.connect(bare=True)


async def scenario_new_connections_see_the_renewed_certificate_and_old_ones_go_on(start: Start) -> None:
    with TemporaryDirectory() as folder:
        renewed = Certificate(make_pair("localhost").write(Path(folder)), "localhost")
        running = await start(certificate=renewed)
        old = await running.connect()
        make_pair("localhost", key=2).write(Path(folder))
        renewed.refresh()
    assert await is_served(old)
    assert await is_served(await running.connect())
    assert shown(await running.connect()) == renewed.identity.certificate != shown(old)


def greet_strictly(port: int) -> None:
    """Shake hands as an agent does that trusts the system's CAs alone."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as sock:
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost").close()


def shown(client: RawClient) -> bytes | None:
    """Return the certificate that the receiver showed on a connection."""
    secured: ssl.SSLObject = client.writer.get_extra_info("ssl_object")
    return secured.getpeercert(binary_form=True)


Scenario = Callable[[Start], Awaitable[None]]
SCENARIOS: list[Scenario] = [
    each for name, each in list(globals().items()) if name.startswith("scenario_") and inspect.iscoroutinefunction(each)
]


def loops() -> list[Callable[[], asyncio.AbstractEventLoop]]:
    try:
        import uvloop
    except ImportError:
        return [asyncio.new_event_loop]
    return [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("loop", loops(), ids=lambda loop: str(loop.__module__).partition(".")[0])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__.removeprefix("scenario_"))
def test_tls(
    scenario: Scenario, loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with receivers() as start:
            await scenario(start)

    caplog.set_level(logging.INFO)
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
