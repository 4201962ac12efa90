"""How requests end when something goes wrong: clients that vanish, faults, a stop; and what the logs say of it."""

import asyncio
import contextlib
import json
import logging

import pytest

from tests.server.conftest import KEY, Running, Start, report_body, report_request, request_bytes, until


async def test_clients_that_go_away_are_no_event(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    request = report_request()
    for cut in (10, len(request) - 50, len(request)):
        client = await running.connect()
        await client.send(request[:cut])
        client.writer.transport.abort()
    await until(lambda: running.receiver.connections == 0)
    assert (await running.report()).status == 200
    assert not [line for line in caplog.records if line.exc_info or line.levelno >= logging.ERROR]


async def test_a_client_that_goes_while_its_report_is_stored_does_no_harm(running: Running) -> None:
    running.store.hold = asyncio.Event()
    client = await running.connect()
    await client.send(report_request())
    await until(lambda: running.store.waiting == 1)
    client.writer.transport.abort()
    assert (await running.ask("GET", "/healthz")).status == 200
    running.store.hold.set()
    await until(lambda: len(running.store.reports) == 1 and running.receiver.connections == 1)
    assert (await running.report()).status == 200


async def test_a_fault_of_the_receiver_is_a_500_and_logged_without_input(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.store.error = ValueError(f"bug with {KEY}")
    reply = await running.report()
    assert (reply.status, reply.json["status"]) == (500, "error")
    assert "error=ValueError" in caplog.text
    assert KEY not in caplog.text


async def test_neither_answers_nor_logs_repeat_key_or_input(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    marker = "MARKER7"
    bodies = [
        report_body(agent_key=marker),
        report_body(agent_key=marker + " "),
        report_body(
            agent_key=marker, cpu_usage=marker, hostname=[marker], disk_usage=[{marker: 1, "mount": marker * 999}]
        ),
        json.dumps({marker: marker}).encode(),
        marker.encode(),
    ]
    answers = [await running.report(body) for body in bodies]
    client = await running.connect()
    await client.send(f"{marker} /{marker} HTTP/1.1\r\n{marker}\r\n\r\n".encode())
    answers.append(await client.reply())
    answers.append(await running.ask("GET", f"/{marker}"))
    assert not [reply for reply in answers if marker.encode() in reply.body or marker in str(reply.headers)]
    assert marker not in caplog.text
    assert "status=404" in caplog.text


async def test_stopping_finishes_what_is_in_flight(start: Start) -> None:
    running = await start()
    running.store.hold = asyncio.Event()
    busy, reading, idle = [await running.connect() for _ in range(3)]
    await idle.ask("GET", "/healthz")
    await busy.send(report_request())
    await reading.send(report_request()[:-1])
    await until(lambda: running.store.waiting == 1 and running.receiver.connections == 3)
    stopping = asyncio.create_task(running.receiver.stop(5))
    assert await idle.ended() == b""
    running.store.hold.set()
    await reading.send(report_request()[-1:])
    for client in (busy, reading):
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
    await stopping
    with pytest.raises(ConnectionRefusedError):
        await running.connect()


async def test_stopping_does_not_wait_longer_than_its_grace(start: Start) -> None:
    running = await start()
    running.store.hold = asyncio.Event()
    client = await running.connect()
    await client.send(report_request())
    await until(lambda: running.store.waiting == 1)
    async with asyncio.timeout(10):
        await running.receiver.stop(0.1)
    assert await client.ended() == b""
    running.store.hold.set()


async def test_a_slow_reader_does_not_pile_up_answers(running: Running) -> None:
    client = await running.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    flood = request_bytes("GET", "/agent.sh") * 2000
    with contextlib.suppress(ConnectionError):
        await client.send(flood)
    await until(lambda: running.receiver.connections == 0)
