"""No input gives a 5xx, a long answer, or an answer that repeats what came in: hypothesis looks for one that does."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.schema import MAX_ERRORS, SchemaError, parse_report
from tests.server.conftest import KEY, FakeStore, RawClient, Reply, Running, receivers, report_fields, report_request

MARKER = "MARKER7"
MAX_ANSWER = 4096

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["", "\ud800", "\0", MARKER, "23.5", "4_2", " 1", "1e5", "NaN", 2**53 + 1, 2**63, -1, 1e999]),
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
PERCENT = st.floats(0, 100) | st.integers(0, 100) | st.decimals(0, 100, places=2).map(str)
FACT = st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=255)
SIZE = st.none() | st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=32)
COUNTER = st.integers(0, 2**63 - 1)
DISK = st.fixed_dictionaries(
    {
        "mount": st.text(st.characters(blacklist_characters="\0", codec="utf-8"), min_size=1, max_size=50),
        "usage": PERCENT,
    },
    optional={"size": SIZE, "used": SIZE, "avail": SIZE},
)
VALID = st.fixed_dictionaries(
    {
        "agent_key": st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128),
        "cpu_usage": PERCENT,
        "memory_usage": PERCENT,
        "memory_total_mb": st.integers(0, 2**53),
        "disk_usage": st.lists(DISK, max_size=6),
    },
    optional={
        **dict.fromkeys(["cpu_iowait", "swap_usage"], PERCENT | st.none() | st.just("")),
        **dict.fromkeys(["network_rx_bytes", "network_tx_bytes"], COUNTER | COUNTER.map(str) | st.none()),
        **dict.fromkeys(["load_1m", "load_5m", "load_15m"], st.floats(0, 1e6) | st.none()),
        **dict.fromkeys(["os", "hostname", "kernel"], FACT | st.none()),
        "unknown": ANY_JSON,
    },
)
NAMES = list(report_fields())


@st.composite
def spoiled_reports(draw: st.DrawFn) -> bytes:
    """Return a report of which some fields hold anything."""
    fields: Any = report_fields(agent_key=draw(st.sampled_from([KEY, MARKER])))
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)):
        fields[name] = draw(ANY_JSON)
    if draw(st.booleans()):
        fields["disk_usage"] = [draw(DISK | ANY_JSON), {"mount": MARKER, "usage": draw(ANY_JSON)}]
    return json.dumps(fields).encode()


@st.composite
def damaged_reports(draw: st.DrawFn) -> bytes:
    """Return a report's bytes with a few replaced by others."""
    body = report_request().partition(b"\r\n\r\n")[2]
    cut = draw(st.integers(0, len(body)))
    return body[:cut] + draw(st.binary(max_size=8)) + body[cut + draw(st.integers(0, 8)) :]


BODIES = (
    spoiled_reports()
    | damaged_reports()
    | st.binary(max_size=200)
    | ANY_JSON.map(lambda value: json.dumps(value).encode())
)


@given(VALID)
@settings(max_examples=200, deadline=None)
def test_every_report_within_the_bounds_is_read(fields: dict[str, Any]) -> None:
    key, report = parse_report(json.dumps(fields).encode())
    assert key == fields["agent_key"]
    assert report.cpu_usage == float(fields["cpu_usage"])
    assert report.memory_total_mb == fields["memory_total_mb"]
    assert {disk.mount for disk in report.disk_usage} == {disk["mount"] for disk in fields["disk_usage"]}
    assert report.hostname == (fields.get("hostname") or None)


@given(BODIES)
@settings(max_examples=300, deadline=None)
def test_a_body_is_a_report_or_a_refusal_that_names_few_known_fields(body: bytes) -> None:
    try:
        parse_report(body)
    except SchemaError as error:
        assert len(error.errors) <= MAX_ERRORS
        assert {path.partition(".")[0] for path in error.errors} <= set(NAMES)
        assert MARKER not in str(error) + str(error.errors)


class Session:
    """A receiver on a loop of its own, so that hypothesis can ask it example after example."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._receivers = receivers()
        self.running: Running = runner.run(self._open())

    async def _open(self) -> Running:
        start = await self._receivers.__aenter__()
        # Its loop runs only while an example is asked, and on a busy machine that can take long: no deadline is meant.
        patience = {"body_deadline_s": 120.0, "header_deadline_s": 120.0}
        return await start(store=FakeStore(), max_report_rate=0, max_unproductive_rate=0, **patience)

    def ask(self, data: bytes, *, head: bool = False) -> Reply:
        """Send bytes on a new connection, end the sending side, and return the first answer."""
        return self._runner.run(self._ask(data, head))

    async def _ask(self, data: bytes, head: bool) -> Reply:
        client: RawClient = await self.running.connect()
        self.running.clients.remove(client)
        client.writer.write(data)
        client.writer.write_eof()
        try:
            return await client.reply(to_head=head)
        finally:
            await client.close()

    def close(self) -> None:
        """Stop the receiver."""
        self._runner.run(self._receivers.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with asyncio.Runner() as runner:
        session = Session(runner)
        yield session
        session.close()


@given(body=BODIES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_gives_a_5xx_a_long_answer_or_an_echo(session: Session, body: bytes) -> None:
    reply = session.ask(report_request(body))
    assert reply.status in (200, 404, 422, 429)
    assert reply.json["status"] == ("ok" if reply.status == 200 else "error")
    assert len(reply.body) + len(str(reply.headers)) < MAX_ANSWER
    assert MARKER.encode() not in reply.body
    assert KEY.encode() not in reply.body


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "M\0", "PRI", "CONNECT"]),
    path=st.sampled_from(["/agent/report", "/healthz", "/agent.sh", "*", "/", "http://[", "//", "/" + MARKER])
    | st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), min_size=1, max_size=30),
    headers=st.lists(
        st.sampled_from(
            [
                "Content-Length: 3", "Content-Length: -1", "Content-Length: 99999999", "Transfer-Encoding: chunked",
                "Expect: 100-continue", "Expect: x", "Connection: upgrade", "Upgrade: websocket", "Host:", "Host: a, b",
                "Connection: close", "Content-Encoding: gzip", "X: \x00", " folded", ":", "Transfer-Encoding: x",
            ]
        ),
        max_size=4,
    ),
    tail=st.binary(max_size=20),
)  # fmt: skip
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_gives_a_5xx(session: Session, method: str, path: str, headers: list[str], tail: bytes) -> None:
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode("latin-1")
    reply = session.ask(head + tail, head=method == "HEAD")
    assert 100 <= reply.status < 500
    assert MARKER.encode() not in reply.body
