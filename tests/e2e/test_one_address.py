"""Many servers behind one address, all at the same second: each report is stored within seconds, and known to be."""

import asyncio
import json
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.receiver import ReceiverOptions
from tests.certificates import make_pair
from tests.e2e.harness import Station, make_report

LIMIT = ReceiverOptions().max_per_address
WITHIN_S = 10.0
FIRST_PAUSE_S = 0.5


@dataclass(frozen=True)
class Site:
    """A receiver and the keys of the servers that all come from one address."""

    station: Station
    port: int
    keys: Sequence[str]
    trust: ssl.SSLContext | None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection as an agent does."""
        name = "127.0.0.1" if self.trust else None
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, server_hostname=name)

    async def report(self, key: str, answers: list[int]) -> None:
        """Send a report until it is taken, after as long as the receiver asks to wait; note each answer's status."""
        while True:
            reader, writer = await self.connect()
            status, retry_after_s = await ask(reader, writer, key, "close")
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            answers.append(status)
            if status == 200:
                return
            await asyncio.sleep(retry_after_s)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, connection: str) -> tuple[int, int]:
    """Send a report and return the answer's status and its Retry-After, 0 if there is none."""
    body = json.dumps(make_report(key)).encode()
    head = f"POST /agent/report HTTP/1.1\r\nHost: receiver\r\nConnection: {connection}\r\nContent-Length: {len(body)}"
    writer.write(f"{head}\r\n\r\n".encode() + body)
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    await reader.readexactly(int(headers["content-length"]))
    return int(start.split()[1]), int(headers.get("retry-after", 0))


@pytest.fixture(scope="module", params=["plain", "TLS"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    station = Station.at(Path(tmp_path_factory.mktemp("site")))
    options: tuple[str, ...] = ()
    trust = None
    if request.param == "TLS":
        files = make_pair("127.0.0.1").write(station.folder)
        options = ("--tls-cert", str(files.cert), "--tls-key", str(files.key))
        trust = ssl.create_default_context(cafile=files.cert)
    with station.serving(*options) as served:
        keys = station.create(*(f"server-{number}" for number in range(LIMIT + 100)))
        yield Site(station, served.port, keys, trust)


def all_report(site: Site, keys: Sequence[str]) -> list[int]:
    """Have all report at once, and return the statuses of all answers."""
    answers: list[int] = []

    async def at_once() -> float:
        began = time.monotonic()
        await asyncio.gather(*(site.report(key, answers) for key in keys))
        return time.monotonic() - began

    before = site.station.stored()
    took_s = asyncio.run(at_once())
    print(f"{len(keys)} servers in {took_s:.1f} s, {len(answers) - len(keys)} refused at first")
    assert took_s < WITHIN_S
    stored = site.station.stored()
    fresh = [name for name, monitor in stored.items() if monitor.last_report_at != before[name].last_report_at]
    assert len(fresh) == len(keys)
    return answers


def test_as_many_as_may_are_all_taken_at_once(site: Site) -> None:
    assert all_report(site, site.keys[:LIMIT]) == [200] * LIMIT


def test_more_than_may_are_taken_once_they_have_waited_as_they_are_asked_to(site: Site) -> None:
    answers = all_report(site, site.keys)
    assert set(answers) <= {200, 503}


async def test_idle_connections_of_the_same_address_are_in_nobodys_way(site: Site) -> None:
    idle = await asyncio.gather(*(site.connect() for _ in range(LIMIT)))
    kept = [
        await ask(reader, writer, key, "keep-alive") for (reader, writer), key in zip(idle, site.keys, strict=False)
    ]
    assert kept == [(200, 0)] * LIMIT
    assert await asyncio.to_thread(all_report, site, site.keys[:LIMIT]) == [200] * LIMIT
    for _, writer in idle:
        writer.close()
