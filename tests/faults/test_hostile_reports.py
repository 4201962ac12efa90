"""Reports that mean harm: each is answered, shortly and at once, and the agents beside it notice nothing."""

import asyncio
import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from store.errors import StoreUnavailableError
from store.reader import Reader
from store.writer import Writer
from tests.conftest import Create
from tests.conftest import make_report as stored_report
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, wait_for
from tests.e2e.load import Latencies, reporting

MAX_ANSWER = 4000
AT_ONCE_S = 0.2
TRIES = 25
"""How often a body is sent, at most, until one answer comes at once: a machine with other work proves nothing."""

MARKER = "MARKER7"
LOADED = 20
ITEM = b'{"mount":"/MARKER7","usage":1},'
TOWER = "\u0301"


@pytest.fixture(scope="module")
def target() -> Iterator[tuple[Served, str, Latencies]]:
    """A receiver that others report to, and the key of the one who means harm."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder:
        station = Station.at(Path(folder))
        hostile, *good = station.create("hostile", *(f"web-{number}" for number in range(LOADED)))
        with (
            station.serving("--max-report-rate", "0") as served,
            reporting(served.port, good, every_s=0.5, senders=2) as latencies,
        ):
            yield served, hostile, latencies


def with_field(name: str, literal: bytes) -> bytes:
    """Return a report in which a field is what is written, JSON or not; `KEY` stands for its key."""
    body = json.dumps(make_report("KEY", **{name: "LITERAL"}), ensure_ascii=False).encode()
    return body.replace(b'"LITERAL"', literal)


def with_unknown(literal: bytes) -> bytes:
    """Return a report with a field that nobody knows."""
    return with_field("MARKER7", literal)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


NO_NUMBERS = [
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"true",
    b"false",
    b'"4_2"',
    b'"NaN"',
    b"[]",
    b"{}",
]
REFUSED: dict[str, bytes] = {
    **{f"a number that is {each.decode()}": with_field("cpu_usage", each) for each in NO_NUMBERS},
    "an integer of 100,000 digits": with_field("network_rx_bytes", b"9" * 100_000),
    "a fraction of 100,000 digits": with_field("cpu_usage", b"1" * 50_000 + b"." + b"1" * 50_000),
    "an exponent of 100,000 digits": with_field("cpu_usage", b"1e" + b"9" * 100_000),
    "a string of 100,000 digits": with_field("memory_total_mb", b'"' + b"9" * 100_000 + b'"'),
    "one more than 63 bits": with_field("network_tx_bytes", b"9223372036854775808"),
    "one more than 2^53": with_field("memory_total_mb", b"9007199254740993"),
    "a lone surrogate": with_field("hostname", b'"MARKER7\\ud800"'),
    "surrogates the wrong way round": with_field("hostname", b'"\\udc00\\ud800"'),
    "a NUL": with_field("os", b'"MARKER7\\u0000"'),
    "a raw NUL": with_field("os", b'"MARKER7\0"'),
    "a NUL in the key": with_field("agent_key", b'"\\u0000"'),
    "a newline in the key": with_field("agent_key", b'"MARKER7\\nx"'),
    "a key of 250,000 characters": with_field("agent_key", b'"' + b"k" * 250_000 + b'"'),
    "no object but a list": b"[" + with_unknown(b"1") + b"]",
    "no object but a text": b'"MARKER7"',
    "no object but null": b"null",
    "nothing": b"",
    "white space": b" " * 200_000,
    "no JSON": b"cpu_usage=MARKER7",
    "two reports": with_unknown(b"1") * 2,
    "a report cut short": with_unknown(b"1")[:-1],
    "no UTF-8": with_field("hostname", b'"MARKER7\xff"'),
    "an overlong NUL": with_field("hostname", b'"MARKER7\xc0\x80"'),
    "a surrogate in UTF-8": with_field("hostname", b'"\xed\xa0\x80"'),
    "UTF-16": with_unknown(b"1").decode().encode("utf-16"),
    "100,000 lists in each other": b"[" * 100_000 + b"]" * 100_000,
    "100,000 lists in each other in a report": with_unknown(b"[" * 100_000 + b"]" * 100_000),
    "40,000 objects in each other": with_unknown(b'{"a":' * 40_000 + b"1" + b"}" * 40_000),
    "120,000 disks": with_field("disk_usage", b"[" + b"0," * 120_000 + b"0]"),
    "8,000 sound disks": with_field("disk_usage", b"[" + ITEM * 8_000 + ITEM[:-1] + b"]"),
    "512 disks with five errors each": with_field(
        "disk_usage", as_json([{"mount": "", "usage": MARKER, "size": 1, "used": [], "avail": {}}] * 512)
    ),
    "30,000 errors in one list": with_field("disk_usage", as_json([{"mount": {}}] * 500 + [[]] * 12)),
    "a mount of 1,025 characters": with_field("disk_usage", as_json([{"mount": "/" * 1025, "usage": 1}])),
    "10,000 combining marks": with_field("hostname", as_json("MARKER7" + TOWER * 10_000)),
    "a field that comes twice, wrong in the end": b'{"cpu_usage": 1, ' + with_field("cpu_usage", b"101")[1:],
    "a key that comes twice, wrong in the end": with_unknown(b"1")[:-1] + b', "agent_key": "MARKER7 x"}',
}
TAKEN: dict[str, bytes] = {
    "an unknown field that is no number": with_unknown(b"NaN"),
    "an unknown field beyond all numbers": with_unknown(b"1e999"),
    "an unknown field of 200,000 digits": with_unknown(b"9" * 200_000),
    "an unknown field with a lone surrogate": with_unknown(b'"\\ud800"'),
    "an unknown field with 80,000 lists": with_unknown(b"[" + b"[]," * 80_000 + b"[]]"),
    "20,000 unknown fields": with_unknown(b"1")[:-1] + b"".join(b',"%d":1' % n for n in range(20_000)) + b"}",
    "a field that comes 10,000 times": with_unknown(b"1")[:-1] + b',"cpu_usage":1' * 10_000 + b"}",
    "a field that comes twice, right in the end": b'{"cpu_usage": 101, ' + with_field("cpu_usage", b"2")[1:],
    "512 disks, all the same": with_field("disk_usage", b"[" + ITEM * 511 + ITEM[:-1] + b"]"),
    "a byte-order mark": b"\xef\xbb\xbf" + with_unknown(b"1"),
    "markup": with_field("hostname", as_json("[/][@click=app.quit]MARKER7")),
    "escape sequences": with_field("os", as_json("\x1b]0;MARKER7\x07\x1b[2J\x9b1m")),
    "overrides of the direction of writing": with_field("kernel", as_json("\u202eMARKER7\u2066")),
    "255 combining marks": with_field("hostname", as_json(TOWER * 255)),
    "a mount of 1,024 combining marks": with_field("disk_usage", as_json([{"mount": TOWER * 1024, "usage": 1}])),
}


def ask(port: int, body: bytes) -> tuple[int, bytes, float]:
    """Send a body; return the status, the answer with its headers, and how many seconds it took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.connect()
        began = time.monotonic()
        connection.request("POST", "/agent/report", body)
        response = connection.getresponse()
        answer = response.read()
        return response.status, str(response.headers).encode() + answer, time.monotonic() - began
    finally:
        connection.close()


def ask_until_at_once(port: int, body: bytes) -> tuple[int, bytes]:
    """Send a body until it is answered at once, which is seldom more than once; fails if it never is."""
    for _ in range(TRIES):
        status, answer, took_s = ask(port, body)
        if took_s < AT_ONCE_S:
            return status, answer
    raise AssertionError(f"answered {TRIES} times, and always after more than {AT_ONCE_S} s")


def check(target: tuple[Served, str, Latencies], body: bytes, status: int) -> None:
    """Send a body: it has this answer, which is short, comes at once and repeats nothing."""
    served, key, _ = target
    answered, answer = ask_until_at_once(served.port, body.replace(b'"KEY"', as_json(key)))
    assert answered == status
    assert len(answer) < MAX_ANSWER
    assert MARKER.encode() not in answer
    assert key.encode() not in answer


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_is_no_report_is_refused(target: tuple[Served, str, Latencies], body: bytes) -> None:
    check(target, body, 422)


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN)
def test_what_is_a_report_all_the_same_is_taken(target: tuple[Served, str, Latencies], body: bytes) -> None:
    check(target, body, 200)


def test_the_agents_beside_it_were_answered_all_the_while_and_the_log_repeats_nothing(
    target: tuple[Served, str, Latencies],
) -> None:
    served, key, latencies = target
    for body in [*REFUSED.values(), *TAKEN.values()]:
        ask(served.port, body.replace(b'"KEY"', as_json(key)))
    assert latencies.refused == []
    wait_for("a round of all agents", lambda: len(latencies.taken_s) > LOADED)
    assert median(latencies.taken_s) < 1
    said = served.said()
    assert "status=422" in said
    assert MARKER not in said
    assert key not in said
    assert len(said) < 100_000


POISONS: list[dict[str, object]] = [{"network_rx_bytes": 2**70}, {"os": "\ud800"}, {"cpu_usage": float("nan")}]
"""What the schema lets nobody send, and the store would choke on: the last resort, should it ever let one pass."""


async def test_bad_reports_in_a_batch_leave_hundreds_of_good_neighbours_alone(
    writer: Writer, create: Create, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (key,) = await create("web")
    good = [writer.store(key, stored_report(network_tx_bytes=number), "::1") for number in range(300)]
    bad = [writer.store(key, stored_report(**poison), "::1") for poison in POISONS]
    mixed = [*good[:100], bad[0], *good[100:200], bad[1], *good[200:], bad[2]]
    results = await asyncio.gather(*mixed, return_exceptions=True)
    refused = [place for place, result in enumerate(results) if isinstance(result, StoreUnavailableError)]
    assert refused == [100, 201, 302]
    assert writer.problem is None
    reader = await Reader.open(database)
    kept = [sample.report.network_tx_bytes for sample in await reader.samples(1, 0, 2**60)]
    await reader.close()
    assert kept == list(range(300))
    assert key not in caplog.text
