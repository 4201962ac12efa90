"""Every answer that the report API promises through a real socket."""

import asyncio

import pytest

from agent.scripts import SCRIPTS, read_script
from server.receiver import MAX_BODY
from store.errors import StoreUnavailableError, UnknownKeyError
from store.models import AgentInfo
from tests.server.conftest import (
    KEY,
    FakeStore,
    Reply,
    Running,
    Start,
    report_body,
    report_request,
    until,
)
from tests.server.test_limits import Clock


def is_error(reply: Reply, status: int) -> bool:
    """Whether a reply is JSON of the error shape, with this status."""
    assert reply.headers["content-type"] == "application/json"
    body = reply.json
    assert (reply.status, body["status"]) == (status, "error")
    assert isinstance(body["message"], str) and body["message"]
    return True


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a report request whose body comes in chunks."""
    head = b"POST /agent/report HTTP/1.1\r\nHost: receiver\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def padded(size: int) -> bytes:
    """Return a valid report of exactly `size` bytes."""
    return report_body() + b" " * (size - len(report_body()))


async def test_200_a_report_is_stored_with_where_it_came_from(running: Running) -> None:
    reply = await running.report()
    assert (reply.status, reply.body) == (200, b'{"status": "ok"}')
    [(key, report, address)] = running.store.reports
    assert (key, report.cpu_usage, address) == (KEY, 23.5, "127.0.0.1")


async def test_200_comes_only_after_the_store_has_committed(running: Running) -> None:
    running.store.hold = asyncio.Event()
    client = await running.connect()
    await client.send(report_request())
    reply = asyncio.create_task(client.reply())
    await until(lambda: running.store.waiting == 1)
    assert not reply.done()
    running.store.hold.set()
    assert (await reply).status == 200
    assert len(running.store.reports) == 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
async def test_200_whatever_the_content_type(running: Running, content_type: str) -> None:
    assert (await running.report(Content_Type=content_type)).status == 200


async def test_200_chunked_and_in_pieces(running: Running) -> None:
    body = report_body()
    client = await running.connect()
    request = chunked(body[:10], body[10:11], body[11:])
    for start in range(0, len(request), 7):
        await client.send(request[start : start + 7])
    assert (await client.reply()).status == 200


async def test_200_on_one_connection_again_and_again(running: Running) -> None:
    client = await running.connect()
    for _ in range(3):
        assert (await client.ask("POST", "/agent/report", report_body())).status == 200
    await client.send(report_request() * 3)
    assert [(await client.reply()).status for _ in range(3)] == [200] * 3


async def test_200_for_a_client_that_waits_for_100_continue(running: Running) -> None:
    client = await running.connect()
    head, _, body = report_request(Expect="100-continue").partition(b"\r\n\r\n")
    await client.send(head + b"\r\n\r\n")
    assert (await client.reply()).status == 100
    await client.send(body)
    assert (await client.reply()).status == 200


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_200_over_http_1_0_ends_the_connection(running: Running, connection: str) -> None:
    client = await running.connect()
    await client.send(report_request(Connection=connection).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (await client.reply()).status == 200
    assert await client.ended() == b""


async def test_200_for_a_client_that_shuts_its_side_after_the_request(running: Running) -> None:
    client = await running.connect()
    client.writer.write(report_request())
    client.writer.write_eof()
    assert (await client.reply()).status == 200
    assert await client.ended() == b""


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
async def test_200_when_a_client_offers_another_protocol(running: Running, upgrade: str) -> None:
    assert (await running.report(Connection="Upgrade", Upgrade=upgrade)).status == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03",
        b"POST /agent/report HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /agent/report HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /agent/report HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /agent/report HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"POST /agent/report HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /agent/report HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        chunked(b"{}", end=b"zz\r\n"),
    ],
    ids=lambda data: repr(data[-24:]),
)
async def test_400_for_broken_framing_and_nothing_of_it_comes_back(running: Running, request_: bytes) -> None:
    client = await running.connect()
    await client.send(request_)
    reply = await client.reply()
    assert reply.status == 400
    assert reply.json["message"] == "Malformed HTTP request"
    assert await client.ended() == b""


async def test_400_for_a_body_cut_off_by_its_sender(running: Running) -> None:
    client = await running.connect()
    await client.send(report_request()[:-10])
    client.writer.write_eof()
    assert (await client.reply()).status == 400
    assert await client.ended() == b""


async def test_404_for_a_key_of_no_monitor(running: Running) -> None:
    reply = await running.report(report_body(agent_key="amk_unknown"))
    assert (reply.status, reply.body) == (404, b'{"status": "error", "message": "Agent key not found"}')
    assert reply.headers["content-type"] == "application/json"


async def test_404_when_the_monitor_goes_while_its_report_waits(running: Running) -> None:
    running.store.error = UnknownKeyError("gone")
    reply = await running.report()
    assert (reply.status, reply.json["message"]) == (404, "Agent key not found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_405_for_other_methods(running: Running, method: str) -> None:
    reply = await running.ask(method, "/agent/report", report_body())
    assert is_error(reply, 405)
    assert reply.headers["allow"] == "POST"


async def test_405_for_head_has_no_body(running: Running) -> None:
    client = await running.connect()
    reply = await client.ask("HEAD", "/agent/report")
    assert (reply.status, reply.body, reply.headers["allow"]) == (405, b"", "POST")
    assert (await client.ask("GET", "/healthz")).status == 200


async def test_408_when_the_body_does_not_arrive_and_the_connection_ends(start: Start) -> None:
    running = await start(body_deadline_s=0.1)
    client = await running.connect()
    await client.send(report_request()[:-1])
    assert is_error(await client.reply(), 408)
    assert await client.ended() == b""


async def test_408_when_the_body_trickles(start: Start) -> None:
    running = await start(body_deadline_s=0.2)
    client = await running.connect()
    await client.send(report_request()[:-100])

    async def trickle() -> None:
        while True:
            await client.send(b" ")
            await asyncio.sleep(0.01)

    trickling = asyncio.create_task(trickle())
    assert is_error(await client.reply(), 408)
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)


@pytest.mark.parametrize("size", [MAX_BODY - 1, MAX_BODY])
async def test_200_up_to_256_kib(running: Running, size: int) -> None:
    assert (await running.report(padded(size))).status == 200
    client = await running.connect()
    await client.send(chunked(padded(size)[:1000], padded(size)[1000:]))
    assert (await client.reply()).status == 200


async def test_413_at_once_by_the_length_that_is_announced(running: Running) -> None:
    client = await running.connect()
    await client.send(report_request(padded(MAX_BODY + 1))[:200])
    assert is_error(await client.reply(), 413)


async def test_413_for_a_whole_body_that_is_too_large(running: Running) -> None:
    assert is_error(await running.report(padded(MAX_BODY + 1)), 413)


async def test_413_for_chunks_that_add_up(running: Running) -> None:
    client = await running.connect()
    await client.send(chunked(*[b" " * 65_536] * 4, b" ", end=b""))
    assert is_error(await client.reply(), 413)


async def test_413_instead_of_100_continue(running: Running) -> None:
    client = await running.connect()
    head = report_request(padded(MAX_BODY + 1), Expect="100-continue").partition(b"\r\n\r\n")[0]
    await client.send(head + b"\r\n\r\n")
    assert is_error(await client.reply(), 413)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity", "nonsense", ""])
async def test_415_for_any_content_encoding(running: Running, encoding: str) -> None:
    assert is_error(await running.report(Content_Encoding=encoding), 415)
    assert running.store.reports == []


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", []),
        (b"\xff", []),
        (b"[]", []),
        (b"[" * 100_000, []),
        (report_body(agent_key=5), ["agent_key"]),
        (report_body(cpu_usage=101), ["cpu_usage"]),
        (report_body(disk_usage=[{"mount": "/"}]), ["disk_usage.0.usage"]),
        (b"{}", ["agent_key", "cpu_usage", "memory_usage", "memory_total_mb", "disk_usage"]),
    ],
    ids=["empty", "no UTF-8", "no object", "deep", "key", "field", "disk", "all"],
)
async def test_422_names_the_fields_that_are_wrong(running: Running, body: bytes, names: list[str]) -> None:
    reply = await running.report(body)
    assert is_error(reply, 422)
    assert list(reply.json["errors"]) == names
    assert all(isinstance(text, str) for texts in reply.json["errors"].values() for text in texts)


async def test_422_comes_before_404(running: Running) -> None:
    assert is_error(await running.report(report_body(agent_key="amk_unknown", cpu_usage=101)), 422)


async def test_429_for_a_key_that_floods(start: Start) -> None:
    clock = Clock()
    running = await start(clock=clock, store=FakeStore(keys={KEY: 1, "other": 2}))
    client = await running.connect()
    statuses = [(await client.ask("POST", "/agent/report", report_body())).status for _ in range(600)]
    assert set(statuses) == {200}
    reply = await client.ask("POST", "/agent/report", report_body())
    assert is_error(reply, 429)
    assert reply.headers["retry-after"] == "1"
    assert (await client.ask("POST", "/agent/report", report_body(agent_key="other"))).status == 200
    clock.now += 1
    statuses = [(await client.ask("POST", "/agent/report", report_body())).status for _ in range(21)]
    assert statuses == [200] * 20 + [429]


async def test_429_follows_the_rate_that_is_set(start: Start) -> None:
    running = await start(clock=Clock(), max_report_rate=0.1)
    client = await running.connect()
    replies = [await client.ask("POST", "/agent/report", report_body()) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert replies[3].headers["retry-after"] == "10"


async def test_even_the_lowest_rate_lets_one_report_pass(start: Start) -> None:
    running = await start(clock=Clock(), max_report_rate=0.01)
    client = await running.connect()
    assert [(await client.ask("POST", "/agent/report", report_body())).status for _ in range(2)] == [200, 429]


async def test_a_rate_of_zero_sets_no_limit(start: Start) -> None:
    running = await start(clock=Clock(), max_report_rate=0)
    client = await running.connect()
    assert {(await client.ask("POST", "/agent/report", report_body())).status for _ in range(700)} == {200}


async def test_429_for_many_unknown_keys_and_known_agents_of_that_address_are_served(start: Start) -> None:
    running = await start(clock=Clock())
    client = await running.connect()
    replies = [
        await client.ask("POST", "/agent/report", report_body(agent_key=f"guess{number}")) for number in range(101)
    ]
    assert [reply.status for reply in replies] == [404] * 100 + [429]
    assert is_error(replies[100], 429)
    assert int(replies[100].headers["retry-after"]) >= 1
    assert (await client.ask("POST", "/agent/report", report_body())).status == 200
    elsewhere = await running.connect(source="127.0.0.2")
    assert (await elsewhere.ask("POST", "/agent/report", report_body(agent_key="guess"))).status == 404


async def test_503_while_the_store_takes_nothing_and_200_after(running: Running) -> None:
    running.store.error = StoreUnavailableError("disk full at /var/lib/x")
    reply = await running.report()
    assert is_error(reply, 503)
    assert int(reply.headers["retry-after"]) >= 1
    assert "/var/lib" not in reply.body.decode()
    running.store.error = None
    assert (await running.report()).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health_follows_the_store(running: Running, method: str) -> None:
    client = await running.connect()
    reply = await client.ask(method, "/healthz")
    assert (reply.status, reply.body) == (200, b'{"status": "ok"}' if method == "GET" else b"")
    running.store.problem = "disk full"
    assert (await client.ask(method, "/healthz")).status == 503
    running.store.problem = None
    assert (await client.ask(method, "/healthz?x=1")).status == 200


@pytest.mark.parametrize("name", sorted(SCRIPTS))
async def test_the_agent_scripts_are_served_as_they_are(running: Running, name: str) -> None:
    client = await running.connect()
    reply = await client.ask("GET", f"/{name}")
    assert (reply.status, reply.body) == (200, read_script(name))
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await client.ask("HEAD", f"/{name}")).headers["content-length"] == str(len(reply.body))
    assert (await client.ask("POST", f"/{name}")).headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    ["/", "/agent", "/agent/", "/agent/report/", "/metrics", "/agent.py", "/../etc/passwd", "//agent/report", "/%00"],
)
async def test_nothing_else_is_served(running: Running, path: str) -> None:
    client = await running.connect()
    for method in ("GET", "POST"):
        assert (await client.ask(method, path)).status == 404


async def test_no_answer_names_the_software_s_version(running: Running) -> None:
    assert "server" not in (await running.ask("GET", "/healthz")).headers


async def test_a_report_is_stored_with_the_agent_that_sent_it(running: Running) -> None:
    assert (await running.report(User_Agent="agentmon-agent/0.2.0 (sh; linux)")).status == 200
    assert running.store.agents == [AgentInfo("0.2.0", "sh", "linux")]


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "curl/8.5.0",
        "agentmon-agent/0.2.0 (perl; plan9)",
        "agentmon-agent/" + "9" * 7000 + " (sh; linux)",
        "agentmon-agent/0.2.0\u00ff (sh; linux)",
        "%s%n{}[/]",
    ],
    ids=lambda text: text[:30],
)
async def test_200_whatever_the_user_agent_and_nothing_is_made_of_one_that_is_not_ours(
    running: Running, user_agent: str
) -> None:
    assert (await running.report(User_Agent=user_agent)).status == 200
    assert running.store.agents == [None]


async def test_200_without_a_user_agent_and_with_bytes_that_are_no_text(running: Running) -> None:
    for lines in (b"", b"User-Agent: agentmon-agent/\xff\xfe (sh; linux)\r\n"):
        client = await running.connect()
        await client.send(report_request().replace(b"Host: receiver\r\n", b"Host: receiver\r\n" + lines))
        assert (await client.reply()).status == 200
    assert running.store.agents == [None, None]
