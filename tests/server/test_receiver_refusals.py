"""What the receiver refuses is counted for people: from where, whose key, why, which field."""

import pytest

from server.receiver import MAX_BODY
from store.errors import ReportRefusedError, StoreUnavailableError
from store.rejections import MANY, Refusal, fingerprint
from tests.server.conftest import KEY, Running, Start, report_body, report_request
from tests.server.test_limits import Clock
from tests.server.test_receiver import chunked, padded

OWN = fingerprint(KEY)
OTHER = fingerprint("other")


@pytest.mark.parametrize(
    ("request_", "status", "reason", "print_", "field"),
    [
        (b"\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03\r\n\r\n", 400, Refusal.MALFORMED, "", ""),
        (chunked(b"{}", end=b"zz\r\n"), 400, Refusal.MALFORMED, "", ""),
        (report_request(report_body(agent_key="other")), 404, Refusal.UNKNOWN_KEY, OTHER, ""),
        (b"GET /agent/report HTTP/1.1\r\nHost: receiver\r\n\r\n", 405, Refusal.METHOD, "", ""),
        (report_request(padded(MAX_BODY + 1))[:200], 413, Refusal.TOO_LARGE, "", ""),
        (report_request(Content_Encoding="gzip"), 415, Refusal.ENCODED, "", ""),
        (report_request(b"[]"), 422, Refusal.NO_REPORT, "", ""),
        (report_request(b"{}"), 422, Refusal.INVALID_KEY, "", "agent_key"),
        (report_request(report_body(agent_key="a b", load_1m=-1)), 422, Refusal.INVALID_KEY, "", "agent_key"),
        (report_request(report_body(cpu_usage=101, load_1m=-1)), 422, Refusal.INVALID_REPORT, OWN, "cpu_usage"),
        (
            report_request(report_body(agent_key="other", disk_usage=[{"mount": "/"}])),
            422,
            Refusal.INVALID_REPORT,
            OTHER,
            "disk_usage.0.usage",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
async def test_what_is_refused_is_counted_with_key_and_field(
    running: Running, request_: bytes, status: int, reason: Refusal, print_: str, field: str
) -> None:
    client = await running.connect()
    await client.send(request_)
    assert (await client.reply()).status == status
    (line,) = running.rejected.lines
    assert (line.address, line.fingerprint, line.reason, line.field) == ("127.0.0.1", print_, reason, field)
    assert (line.status, line.count) == (status, 1)


async def test_what_is_accepted_or_goes_elsewhere_is_not_counted(running: Running) -> None:
    assert (await running.report()).status == 200
    assert (await running.ask("GET", "/healthz")).status == 200
    assert (await running.ask("GET", "/favicon.ico")).status == 404
    assert running.rejected.lines == []


async def test_a_body_cut_off_or_late_is_counted(start: Start) -> None:
    running = await start(body_deadline_s=0.1)
    client = await running.connect()
    await client.send(report_request()[:-10])
    client.writer.write_eof()
    assert (await client.reply()).status == 400
    late = await running.connect()
    await late.send(report_request()[:-10])
    assert (await late.reply()).status == 408
    assert [line.status for line in running.rejected.lines] == [400, 408]
    assert running.rejected.lines[1].reason == Refusal.BODY_LATE


async def test_floods_and_a_failing_store_are_counted_by_key(start: Start) -> None:
    running = await start(clock=Clock(), max_report_rate=0.01)
    client = await running.connect()
    running.store.error = StoreUnavailableError("disk full")
    for _ in range(3):
        await client.ask("POST", "/agent/report", report_body())
    for number in range(102):
        await client.ask("POST", "/agent/report", report_body(agent_key=f"guess{number}"))
    assert {(line.status, line.reason, line.fingerprint): line.count for line in running.rejected.lines} == {
        (503, Refusal.STORE, OWN): 1,
        (429, Refusal.MANY_REPORTS, OWN): 2,
        (404, Refusal.UNKNOWN_KEY, MANY): 100,
        (429, Refusal.MANY_UNKNOWN, fingerprint("guess100")): 1,
        (429, Refusal.MANY_UNKNOWN, fingerprint("guess101")): 1,
    }


async def test_too_many_different_names_are_a_422_that_says_how_many_are_kept(running: Running) -> None:
    running.store.error = ReportRefusedError(
        "disk_usage", "too many different mounts: at most 5 are kept of one server"
    )
    reply = await running.report()
    assert (reply.status, reply.json["status"]) == (422, "error")
    assert reply.json["errors"] == {"disk_usage": ["too many different mounts: at most 5 are kept of one server"]}
    assert [(line.reason, line.fingerprint, line.field) for line in running.rejected.lines] == [
        (Refusal.MANY_NAMES, OWN, "disk_usage")
    ]


async def test_a_connection_too_many_and_late_headers_are_counted(start: Start) -> None:
    running = await start(max_per_address=1, header_deadline_s=0.1)
    slow = await running.connect()
    await slow.send(b"POST /agent/re")
    refused = await running.connect()
    assert (await refused.reply()).status == 503
    assert (await slow.reply()).status == 408
    assert [(line.status, line.reason) for line in running.rejected.lines] == [
        (503, Refusal.MANY_CONNECTIONS),
        (408, Refusal.HEADERS_LATE),
    ]


async def test_a_probe_of_the_port_is_not_counted(start: Start) -> None:
    running = await start(header_deadline_s=0.1)
    probe = await running.connect()
    assert (await probe.reply()).status == 408
    assert running.rejected.lines == []
