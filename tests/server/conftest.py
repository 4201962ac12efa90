"""A receiver on loopback, a store that only remembers, and a client that speaks HTTP byte by byte."""

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from server.openapi import EXAMPLE
from server.receiver import Receiver, ReceiverOptions, start_receiver
from server.receiver_log import LOGGER_NAME, NOISY_LIBRARIES
from server.rejected import RejectionLog
from server.tls import Certificate
from store.errors import UnknownKeyError
from store.models import AgentInfo, Report
from store.outbox import Outbox
from store.writer import Writer, wall_clock_ms
from tests.conftest import Clock
from tests.server.notices import Stage

KEY = "amk_" + "k" * 40
"""The one key that `FakeStore` knows at first; no answer and no log line may hold it."""

PATIENCE_S = 10.0
"""How long a test waits for what must come; only a failing test ever waits so long."""


def report_fields(**changes: Any) -> dict[str, Any]:
    """Return the example of the API's document, changed."""
    return EXAMPLE | {"agent_key": KEY} | changes


def report_body(**changes: Any) -> bytes:
    """Return the same as a body."""
    return json.dumps(report_fields(**changes)).encode()


@dataclass
class FakeStore:
    """An `Ingest` in memory; `error` is raised instead of storing, `hold` waited for before it."""

    keys: dict[str, int] = field(default_factory=lambda: {KEY: 1})
    reports: list[tuple[str, Report, str]] = field(default_factory=list)
    agents: list[AgentInfo | None] = field(default_factory=list)
    problem: str | None = None
    error: Exception | None = None
    hold: asyncio.Event | None = None
    waiting: int = 0

    def find(self, agent_key: str) -> int | None:
        """Return the id of a key."""
        return self.keys.get(agent_key)

    async def store(self, agent_key: str, report: Report, address: str, agent: AgentInfo | None) -> None:
        """Remember a report."""
        if self.hold is not None:
            self.waiting += 1
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        if agent_key not in self.keys:
            raise UnknownKeyError("no such key")
        self.reports.append((agent_key, report, address))
        self.agents.append(agent)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as it came: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RawClient:
    """One connection whose bytes a test chooses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, *, to_head: bool = False) -> Reply:
        """Read one answer; `to_head`: one without the body that its headers announce."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            start, *lines = head.decode().split("\r\n")[:-2]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = 0 if to_head else int(headers.get("content-length", "0"))
            return Reply(int(start.split()[1]), headers, await self.reader.readexactly(length))

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def ended(self) -> bytes:
        """Wait until the server closes and return what it still sent; a reset ends too."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send a request and return its answer."""
        await self.send(request_bytes(method, path, body, **headers))
        return await self.reply(to_head=method == "HEAD")


def request_bytes(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request with its length; `headers` are written with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: receiver", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def report_request(body: bytes | None = None, **headers: str) -> bytes:
    """Return the request of an agent."""
    return request_bytes("POST", "/agent/report", report_body() if body is None else body, **headers)


def listening_socket() -> socket.socket:
    """Return a dual-stack socket on a free port, where the machine has both stacks."""
    if not socket.has_dualstack_ipv6():
        return socket.create_server(("127.0.0.1", 0))
    return socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)


@dataclass
class Running:
    """A receiver under test and all that belongs to it."""

    store: FakeStore
    receiver: Receiver
    port: int
    rejected: RejectionLog
    clients: list[RawClient] = field(default_factory=list)
    certificate: Certificate | None = None

    async def connect(self, host: str = "127.0.0.1", *, source: str | None = None, bare: bool = False) -> RawClient:
        """Open a connection, from `source` if given (127.0.0.2 is another address than 127.0.0.1).

        To a receiver that speaks TLS it goes over that, unless it is to be `bare`.
        """
        local = (source, 0) if source else None
        tls = self.certificate.identity.client_context() if self.certificate and not bare else None
        client = RawClient(*await asyncio.open_connection(host, self.port, local_addr=local, ssl=tls))
        self.clients.append(client)
        return client

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send one request on a connection of its own."""
        client = await self.connect()
        return await client.ask(method, path, body, **headers)

    async def report(self, body: bytes | None = None, **headers: str) -> Reply:
        """Send a report on a connection of its own."""
        return await self.ask("POST", "/agent/report", report_body() if body is None else body, **headers)


Start = Callable[..., Awaitable[Running]]


@contextlib.asynccontextmanager
async def receivers() -> AsyncIterator[Start]:
    """Yield a function that starts receivers; stop them after.

    It takes `store`, `clock`, a `certificate` to speak TLS with, and `ReceiverOptions`.
    """
    started: list[Running] = []

    async def run(
        store: FakeStore | None = None,
        clock: Callable[[], float] | None = None,
        certificate: Certificate | None = None,
        **options: Any,
    ) -> Running:
        sock = listening_socket()
        store = store or FakeStore()
        rejected = RejectionLog(wall_clock_ms)
        port = sock.getsockname()[1]
        receiver = await start_receiver(
            store, sock, ReceiverOptions(**options), clock or time.monotonic, rejected, certificate
        )
        running = Running(store, receiver, port, rejected, certificate=certificate)
        started.append(running)
        return running

    try:
        yield run
    finally:
        for running in started:
            for client in running.clients:
                await client.close()
            await running.receiver.stop(0.1)
        forget_folded_lines()


def forget_folded_lines() -> None:
    """Take the folding filters off, so that no test's log lines are counted in the next."""
    for name in (LOGGER_NAME, *NOISY_LIBRARIES):
        logging.getLogger(name).filters.clear()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start receivers, see `receivers`."""
    async with receivers() as run:
        yield run


@pytest.fixture
async def running(start: Start) -> Running:
    """Return a receiver with the limits that people get."""
    return await start()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # a foreign condition has no event to wait for
            await asyncio.sleep(0.005)


@pytest.fixture
async def stage(database: Path, writer: Writer, clock: Clock) -> AsyncIterator[Stage]:
    """A notifier whose clock and targets a test rules."""
    opened = Stage(await Outbox.open(database), writer, clock)
    yield opened
    await opened.close()
