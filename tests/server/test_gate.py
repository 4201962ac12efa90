"""Caps and deadlines of connections, on raw sockets; every test here holds on uvloop too (`test_gate_uvloop`)."""

import asyncio
import contextlib

from tests.server.conftest import KEY, FakeStore, RawClient, Running, Start, report_body, report_request, until

SHORT_S = 0.1


async def is_served(client: RawClient) -> bool:
    """Whether a report on this connection is answered 200."""
    return (await client.ask("POST", "/agent/report", report_body())).status == 200


async def is_turned_away(client: RawClient) -> bool:
    """Whether a connection gets the 503 of the gate, and its end."""
    reply = await client.reply()
    assert (reply.status, reply.json["status"]) == (503, "error")
    assert int(reply.headers["retry-after"]) >= 1
    return await client.ended() == b""


async def greeted(running: Running, source: str | None = None) -> RawClient:
    """Return a connection that the receiver has surely accepted: it has answered on it once."""
    client = await running.connect(source=source)
    assert (await client.ask("GET", "/healthz")).status == 200
    return client


async def begun(running: Running) -> RawClient:
    """Return a connection that has begun a request, so that it is not idle."""
    before = running.receiver.connections
    client = await running.connect()
    await client.send(report_request()[:30])
    await until(lambda: running.receiver.connections == before + 1)
    return client


async def ends(client: RawClient) -> bool:
    """Whether what `begun` began is answered 200 once its rest is sent."""
    await client.send(report_request()[30:])
    return (await client.reply()).status == 200


async def test_over_the_cap_of_an_address_there_is_a_503_and_others_are_served(start: Start) -> None:
    running = await start(max_per_address=2)
    clients = [await begun(running) for _ in range(2)]
    assert await is_turned_away(await running.connect())
    assert await is_served(await running.connect(source="127.0.0.2"))
    for client in clients:
        assert await ends(client)
    await clients[0].close()
    assert await is_served(await running.connect())


async def test_at_the_cap_of_an_address_its_longest_idle_connection_makes_room(start: Start) -> None:
    running = await start(max_per_address=3)
    elsewhere = await greeted(running, source="127.0.0.2")
    first, second = [await greeted(running) for _ in range(2)]
    busy = await begun(running)
    assert await is_served(first)
    newcomers = []
    for idle in (second, first):
        newcomers.append(await running.connect())
        assert await is_served(newcomers[-1])
        assert await idle.ended() == b""
        assert running.receiver.connections == 4
    for client in (elsewhere, *newcomers):
        assert await is_served(client)
    assert await ends(busy)


async def test_a_connection_that_has_said_nothing_yet_makes_no_room_for_others_of_its_address(start: Start) -> None:
    running = await start(max_per_address=2)
    silent = [await running.connect() for _ in range(2)]
    await until(lambda: running.receiver.connections == 2)
    assert await is_turned_away(await running.connect())
    for client in silent:
        assert await is_served(client)


async def test_when_full_an_idle_connection_of_the_same_address_goes_before_older_ones_of_others(start: Start) -> None:
    running = await start(max_connections=3)
    older, own = await greeted(running), await greeted(running, source="127.0.0.2")
    other = await greeted(running, source="127.0.0.3")
    assert await is_served(await running.connect(source="127.0.0.2"))
    assert await own.ended() == b""
    assert await is_served(await running.connect(source="127.0.0.4"))
    assert await older.ended() == b""
    assert await is_served(other)


async def test_whoever_is_turned_away_reads_why_even_while_it_sends(start: Start) -> None:
    running = await start(max_per_address=1)
    await begun(running)
    for body in (report_body(), b" " * 200_000):
        client = await running.connect()
        client.writer.write(report_request(body))
        assert await is_turned_away(client)


async def test_whoever_is_turned_away_and_stays_is_cut(start: Start) -> None:
    running = await start(max_per_address=1, linger_s=SHORT_S)
    await begun(running)
    client = await running.connect()
    assert await is_turned_away(client)
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while True:
                await client.send(b"x")
                await asyncio.sleep(0.01)
    assert client.writer.transport.is_closing()


async def test_whoever_is_turned_away_cannot_send_for_ever(start: Start) -> None:
    running = await start(max_per_address=1, linger_s=60)
    await begun(running)
    client = await running.connect()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while True:
                await client.send(b"x" * 65_536)
    assert client.writer.transport.is_closing()


async def test_a_crowd_that_is_turned_away_is_still_closed(start: Start) -> None:
    running = await start(max_per_address=1, max_lingering=2, linger_s=60)
    await begun(running)
    clients = [await running.connect() for _ in range(5)]
    for client in clients:
        assert await is_turned_away(client)
    assert running.receiver.connections == 1


async def test_when_full_the_connection_silent_for_longest_makes_room(start: Start) -> None:
    running = await start(max_connections=3)
    first, second, third = [await greeted(running) for _ in range(3)]
    assert await is_served(first)
    newcomer = await running.connect()
    assert await is_served(newcomer)
    assert await second.ended() == b""
    for client in (first, third):
        assert await is_served(client)
    assert running.receiver.connections == 3


async def test_connections_stalled_in_headers_or_body_make_room_too(start: Start) -> None:
    running = await start(max_connections=2)
    stalled = [await running.connect() for _ in range(2)]
    await stalled[0].send(report_request()[:30])
    await stalled[1].send(report_request()[:-1])
    await until(lambda: running.receiver.connections == 2)
    for client in stalled:
        assert await is_served(await running.connect())
        assert await client.ended() == b""


async def test_a_request_that_is_being_answered_is_not_thrown_out(start: Start) -> None:
    running = await start(max_connections=2, store=FakeStore(hold=asyncio.Event()))
    busy = [await running.connect() for _ in range(2)]
    for client in busy:
        await client.send(report_request())
    await until(lambda: running.store.waiting == 2)
    assert await is_turned_away(await running.connect())
    assert running.store.hold is not None
    running.store.hold.set()
    for client in busy:
        assert (await client.reply()).status == 200
    assert await is_served(await running.connect())


async def test_one_idle_connection_makes_room_among_busy_ones(start: Start) -> None:
    running = await start(max_connections=2, store=FakeStore(hold=asyncio.Event()))
    busy, idle = await running.connect(), await greeted(running)
    await busy.send(report_request())
    await until(lambda: running.store.waiting == 1)
    assert (await (await running.connect()).ask("GET", "/healthz")).status == 200
    assert await idle.ended() == b""
    assert running.store.hold is not None
    running.store.hold.set()
    assert (await busy.reply()).status == 200


async def test_a_flood_of_connections_does_not_keep_agents_out(start: Start) -> None:
    running = await start(max_connections=20, max_per_address=10)
    flood = [await running.connect(source=f"127.0.0.{number % 4 + 3}") for number in range(80)]
    for _ in range(5):
        assert await is_served(await running.connect(source="127.0.0.2"))
    assert running.receiver.connections <= 20
    assert len(flood) == 80


async def test_through_a_proxy_the_requests_of_each_address_that_it_names_are_limited(start: Start) -> None:
    running = await start(
        max_per_address=2, trusted_proxies=("127.0.0.1",), store=FakeStore(hold=asyncio.Event()), linger_s=SHORT_S
    )
    clients = [await running.connect() for _ in range(4)]
    for client in clients[:2]:
        await client.send(report_request(X_Forwarded_For="192.0.2.1"))
    await until(lambda: running.store.waiting == 2)
    await clients[2].send(report_request(X_Forwarded_For="192.0.2.1"))
    assert await is_turned_away(clients[2])
    await clients[3].send(report_request(X_Forwarded_For="192.0.2.2"))
    await until(lambda: running.store.waiting == 3)
    assert running.store.hold is not None
    running.store.hold.set()
    for client in (*clients[:2], clients[3]):
        assert (await client.reply()).status == 200
    assert (await clients[0].ask("POST", "/agent/report", report_body(), X_Forwarded_For="192.0.2.1")).status == 200


async def late(client: RawClient) -> bool:
    """Whether a connection gets the 408 of the gate, and its end."""
    reply = await client.reply()
    assert (reply.status, reply.json["status"]) == (408, "error")
    return await client.ended() == b""


async def test_headers_that_do_not_come_are_a_408(start: Start) -> None:
    running = await start(header_deadline_s=SHORT_S)
    silent, begun = await running.connect(), await running.connect()
    await begun.send(report_request()[:30])
    assert await late(silent)
    assert await late(begun)
    await until(lambda: running.receiver.connections == 0)


async def test_headers_that_trickle_are_a_408(start: Start) -> None:
    running = await start(header_deadline_s=SHORT_S)
    client = await running.connect()
    await client.send(b"POST /agent/report HTTP/1.1\r\n")

    async def trickle() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await client.send(b"X: x\r\n")
                await asyncio.sleep(0.01)

    trickling = asyncio.create_task(trickle())
    assert (await client.reply()).status == 408
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)


async def test_the_headers_of_a_next_request_are_due_from_its_first_byte(start: Start) -> None:
    running = await start(header_deadline_s=SHORT_S)
    client = await greeted(running)
    await client.send(b"P")
    assert await late(client)


async def test_a_request_begun_while_another_is_answered_is_due_too(start: Start) -> None:
    running = await start(header_deadline_s=SHORT_S, store=FakeStore(hold=asyncio.Event()))
    client = await running.connect()
    await client.send(report_request())
    await until(lambda: running.store.waiting == 1)
    await client.send(b"POST /agent")
    assert running.store.hold is not None
    running.store.hold.set()
    assert (await client.reply()).status == 200
    assert await late(client)


async def test_idle_connections_outlive_the_header_deadline_until_the_keep_alive_one(start: Start) -> None:
    running = await start(header_deadline_s=SHORT_S, keepalive_s=SHORT_S * 12)
    client = await greeted(running)
    witness = await running.connect()
    assert await late(witness)
    assert await is_served(client)
    assert await client.ended() == b""


async def test_a_request_that_takes_long_to_answer_meets_no_deadline(start: Start) -> None:
    running = await start(header_deadline_s=SHORT_S, body_deadline_s=SHORT_S, store=FakeStore(hold=asyncio.Event()))
    client = await running.connect()
    await client.send(report_request())
    await until(lambda: running.store.waiting == 1)
    for _ in range(2):
        assert await late(await running.connect())
    assert running.store.hold is not None
    running.store.hold.set()
    assert (await client.reply()).status == 200
    assert await is_served(client)
    assert [key for key, _, _ in running.store.reports] == [KEY, KEY]


async def test_what_is_closed_is_forgotten(start: Start) -> None:
    running = await start(max_per_address=5)
    for _ in range(10):
        clients = [await greeted(running) for _ in range(5)]
        for client in clients:
            await client.close()
        await until(lambda: running.receiver.connections == 0)
