"""Who may hold a connection, and for how long: caps and deadlines around an HTTP protocol that has neither."""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import Enum
from typing import cast

from server.limits import plain_address
from server.receiver_answers import BROKEN_HTTP, BUSY, HEADERS_LATE
from server.receiver_log import LOGGER_NAME
from server.rejected import RejectionLog
from store.rejections import Refusal

SWEEPS_PER_DEADLINE = 4
MAX_DRAINED = 1 << 20
"""Bytes that a refused connection may still send before it is cut."""

log = logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Connections in all and per address, seconds for a request's headers, and how refused ones end.

    Of those refused, `max_lingering` at a time get `linger_s` seconds to read why; the others are just closed.
    The `proxies` speak for many, so their connections count in all alone.
    """

    max_connections: int = 1000
    max_per_address: int = 100
    header_deadline_s: float = 10.0
    linger_s: float = 2.0
    max_lingering: int = 100
    proxies: Container[str] = frozenset()


class Phase(Enum):
    """Where a connection is in its present request."""

    WAITING = "its headers are not complete, or it has not begun"
    READING = "its headers are complete, its body is not"
    ANSWERING = "all of it is here"


class Connection(asyncio.Protocol):
    """One accepted connection: passes everything on to its HTTP protocol and tells the gate what it hears."""

    def __init__(self, gate: "Gate") -> None:
        self._gate = gate
        self._http: asyncio.Protocol | None = None
        self._drained = 0
        self.transport: asyncio.Transport | None = None
        self.address = ""
        self.phase = Phase.WAITING
        self.begun = False
        self.half_closed = False
        self.handshake: asyncio.Task[None] | None = None

    @property
    def is_last(self) -> bool:
        """Whether the request at hand is the last one that this connection will bring."""
        return self.half_closed or self._gate.stopping

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start HTTP if the gate admits this connection; one with a handshake behind it has asked before."""
        self.transport = cast(asyncio.Transport, transport)
        handshake, self.handshake = self.handshake, None
        if handshake is None:
            peer = transport.get_extra_info("peername")
            self.arrive(str(peer[0]) if peer else "unknown")
        self._http = self._gate.http(self)
        if self._http is not None:
            self._http.connection_made(transport)
        elif handshake is not None:
            self.end(BUSY.encode())

    def arrive(self, address: str) -> None:
        """Ask the gate for admission; if there is a TLS `handshake` ahead, the answer is given after it."""
        self.address = plain_address(address)
        self._gate.admit(self)

    def data_received(self, data: bytes) -> None:
        """Pass data on; drop what a refused connection sends."""
        if self._http is not None:
            self._gate.heard(self)
            self._http.data_received(data)
            return
        self._drained += len(data)
        if self._drained > MAX_DRAINED and self.transport is not None:
            self.transport.abort()

    def eof_received(self) -> bool:
        """Keep a connection open whose client has sent a whole request and shut its side; a broken one gets a 400."""
        if self._http is None:
            return False
        self.half_closed = True
        self._http.eof_received()
        if self.phase is Phase.READING:
            self.end(BROKEN_HTTP.encode())
            return False
        if self.phase is Phase.WAITING:
            self._gate.hurry(self)
        return (self.begun or self.phase is Phase.ANSWERING) and not self._is_tls()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._gate.forget(self)
        self.transport = None
        if self._http is not None:
            self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the client reads too slowly."""
        if self._http is not None:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client has caught up."""
        if self._http is not None:
            self._http.resume_writing()

    def headers_complete(self) -> None:
        """Note that a request's headers are here."""
        self.phase = Phase.READING
        self.begun = False
        self._gate.headers_complete(self)

    def body_complete(self) -> None:
        """Note that nothing more is awaited from the client: from now on it is not thrown out."""
        self.phase = Phase.ANSWERING
        self._gate.hold(self)

    def hold_up(self) -> None:
        """Note that there is an answer, which waits: whoever needs the room may have it."""
        self.phase = Phase.ANSWERING
        self._gate.release(self)

    def answered(self) -> None:
        """Note that the answer is about to leave."""
        self.phase = Phase.WAITING
        if self.transport is not None:
            self._gate.release(self)

    def end(self, farewell: bytes) -> None:
        """Send a last answer and close, at once if the client does not even read, or is not yet to be spoken to."""
        if self.handshake is not None:
            self.cut()
        elif self.transport is not None:
            self.transport.write(farewell)
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            else:
                self.transport.close()

    def cut(self) -> None:
        """Close without a word."""
        if self.handshake is not None:
            self.handshake.cancel()
        elif self.transport is not None:
            self.transport.abort()

    def _is_tls(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None


class Gate:
    """The protocol factory of the listening socket; `make_http` makes the protocol behind each connection.

    What it refuses, before any HTTP is read, is counted in `rejected`.
    All bookkeeping is O(1) a call. Ordered dictionaries serve as queues: the front of `_quiet` has sent nothing
    for longest, the fronts of `_headers_due` and `_lingering` are due first.
    """

    def __init__(
        self,
        make_http: Callable[[], asyncio.Protocol],
        limits: GateLimits,
        loop: asyncio.AbstractEventLoop,
        rejected: RejectionLog,
    ) -> None:
        self._make_http = make_http
        self._limits = limits
        self._loop = loop
        self._rejected = rejected
        self._open: dict[Connection, asyncio.Protocol] = {}
        self._by_http: dict[asyncio.Protocol, Connection] = {}
        self._per_address: Counter[str] = Counter()
        self._quiet: OrderedDict[Connection, None] = OrderedDict()
        self._headers_due: OrderedDict[Connection, float] = OrderedDict()
        self._lingering: OrderedDict[Connection, float] = OrderedDict()
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None
        self.stopping = False

    def __call__(self) -> Connection:
        return Connection(self)

    def __len__(self) -> int:
        """Return the number of admitted connections."""
        return len(self._open)

    def connection(self, http: asyncio.Protocol) -> Connection | None:
        """Return the connection that an HTTP protocol serves, None once it is gone."""
        return self._by_http.get(http)

    def http(self, connection: Connection) -> asyncio.Protocol | None:
        """Return the HTTP protocol of an admitted connection, None of any other."""
        return self._open.get(connection)

    def admit(self, connection: Connection) -> None:
        """Take a new connection, or refuse it with a 503."""
        address = connection.address
        if self._per_address[address] >= self._limits.max_per_address and address not in self._limits.proxies:
            log.warning('connection refused status=503 address=%s reason="too many from it"', address)
            self._refuse(connection)
            return
        if len(self._open) >= self._limits.max_connections and not self._make_room():
            log.warning('connection refused status=503 address=%s reason="all are being answered"', address)
            self._refuse(connection)
            return
        http = self._make_http()
        self._open[connection] = http
        self._by_http[http] = connection
        self._per_address[address] += 1
        self._quiet[connection] = None
        self._expect_headers(connection)

    def heard(self, connection: Connection) -> None:
        """Note that a connection has sent something."""
        if connection.phase is not Phase.READING:
            connection.begun = True
        if connection in self._quiet:
            self._quiet.move_to_end(connection)
            if connection.begun and connection not in self._headers_due:
                self._expect_headers(connection)

    def headers_complete(self, connection: Connection) -> None:
        """Drop the deadline for a request's headers."""
        self._headers_due.pop(connection, None)

    def hurry(self, connection: Connection) -> None:
        """Make a request's headers due now: they are here already, or never will be."""
        if connection in self._headers_due:
            self._headers_due[connection] = self._loop.time()
            self._headers_due.move_to_end(connection, last=False)

    def hold(self, connection: Connection) -> None:
        """Take a connection out of those that can make room."""
        self._quiet.pop(connection, None)

    def release(self, connection: Connection) -> None:
        """Let a connection make room again; a request begun meanwhile is due like any other."""
        if connection in self._open:
            self._quiet[connection] = None
            if connection.begun:
                self._expect_headers(connection)

    def forget(self, connection: Connection) -> None:
        """Strike a connection off all lists, however often it is called."""
        self._lingering.pop(connection, None)
        http = self._open.pop(connection, None)
        if http is None:
            return
        del self._by_http[http]
        self._quiet.pop(connection, None)
        self._headers_due.pop(connection, None)
        self._per_address[connection.address] -= 1
        if not self._per_address[connection.address]:
            del self._per_address[connection.address]
        if self._empty is not None and not self._open:
            self._empty.set()

    async def drain(self, grace_s: float) -> None:
        """Let each connection finish the request it has begun, and no other; return when all are gone or time is up."""
        self.stopping = True
        self._empty = asyncio.Event()
        for connection in list(self._lingering):
            self._cut(connection)
        for connection in list(self._open):
            if connection.handshake is not None:
                connection.cut()
            elif connection.phase is Phase.WAITING and not connection.begun and connection.transport is not None:
                connection.transport.close()
        try:
            async with asyncio.timeout(grace_s):
                if self._open:
                    await self._empty.wait()
        except TimeoutError:
            log.warning('connections cut count=%d reason="not done when the receiver stopped"', len(self._open))

    def cut_all(self) -> None:
        """Abort what is left and stop the timer."""
        for connection in [*self._open, *self._lingering]:
            self._cut(connection)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _make_room(self) -> bool:
        """Throw out the connection that has sent nothing for longest; return False if all are being answered."""
        victim = next(iter(self._quiet), None)
        if victim is None:
            return False
        log.warning('connection closed address=%s reason="made room, silent for longest"', victim.address)
        self._cut(victim)
        return True

    def _cut(self, connection: Connection) -> None:
        self.forget(connection)
        connection.cut()

    def _refuse(self, connection: Connection) -> None:
        """Answer 503 and close so that the client gets to read it: half-close, drain, then close."""
        self._rejected.note(connection.address, "", BUSY.status, Refusal.MANY_CONNECTIONS)
        transport = connection.transport
        speaks = transport is not None and transport.can_write_eof()
        if len(self._lingering) >= self._limits.max_lingering or not (speaks or connection.handshake):
            connection.end(BUSY.encode())
            return
        if transport is not None:
            transport.write(BUSY.encode())
            transport.write_eof()
        self._lingering[connection] = self._loop.time() + self._limits.linger_s
        self._arm()

    def _expect_headers(self, connection: Connection) -> None:
        self._headers_due[connection] = self._loop.time() + self._limits.header_deadline_s
        self._arm()

    def _arm(self) -> None:
        if self._sweeper is None:
            shortest = min(self._limits.header_deadline_s, self._limits.linger_s)
            self._sweeper = self._loop.call_later(shortest / SWEEPS_PER_DEADLINE, self._sweep)

    def _sweep(self) -> None:
        """End what is overdue, and come again while anything is due."""
        now = self._loop.time()
        while (due := next(iter(self._headers_due.items()), None)) and due[1] <= now:
            del self._headers_due[due[0]]
            log.warning('connection closed status=408 address=%s reason="headers late"', due[0].address)
            if due[0].begun:  # else it was a mere probe of the port
                self._rejected.note(due[0].address, "", HEADERS_LATE.status, Refusal.HEADERS_LATE)
            due[0].end(HEADERS_LATE.encode())
        while (due := next(iter(self._lingering.items()), None)) and due[1] <= now:
            self._cut(due[0])
        self._sweeper = None
        if self._headers_due or self._lingering:
            self._arm()
