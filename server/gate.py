"""Who may hold a connection, and for how long: caps and deadlines around an HTTP protocol that has neither."""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass
from enum import Enum
from typing import cast

from server.idle import IdleConnections
from server.limits import plain_address
from server.receiver_answers import BROKEN_HTTP, BUSY, HEADERS_LATE
from server.receiver_log import LOGGER_NAME
from server.rejected import RejectionLog
from store.rejections import Refusal

PARSED_WITHIN_S = 1.0
"""What has arrived whole is parsed by then: a sweep must not come in between and call it late."""

SWEEPS_PER_DEADLINE = 4
MAX_DRAINED = 1 << 20
"""Bytes that a refused connection may still send before it is cut."""

log = logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Connections in all and per address, seconds for a request's headers, and how refused ones end.

    Of those refused, `max_lingering` at a time get `linger_s` seconds to read why, after their handshake if they
    speak TLS; the others are just closed. Connections of the `proxies`, which speak for many, count only in all;
    `max_per_address` then holds for the requests of whom a proxy names.
    """

    max_connections: int = 1000
    max_per_address: int = 300
    header_deadline_s: float = 10.0
    linger_s: float = 2.0
    max_lingering: int = 300
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
        self.served = False
        self.half_closed = False
        self.handshake: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it was answered and waits for its client's next request."""
        return self.served and not self.begun and self.phase is Phase.WAITING

    @property
    def is_last(self) -> bool:
        """Whether the request at hand is the last one that this connection will bring."""
        return self.half_closed or self._gate.stopping

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start HTTP if the gate admits this connection; one with a handshake behind it may have been admitted."""
        self.transport = cast(asyncio.Transport, transport)
        if self.handshake is None:
            peer = transport.get_extra_info("peername")
            self.address = plain_address(str(peer[0]) if peer else "unknown")
        self.handshake = None
        self._http = self._gate.http(self) or self._gate.admit(self)
        if self._http is not None:
            self._http.connection_made(transport)

    def arrive(self, address: str) -> None:
        """Ask the gate for admission before the TLS `handshake`; a refusal is put off until after it."""
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
        self.served = True
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
    for longest, the fronts of `_headers_due` and `_lingering` are due first. `_put_off` are refused once and in their
    handshake, after which they ask again.
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
        self._idle: IdleConnections[Connection] = IdleConnections()
        self._lingering: OrderedDict[Connection, float] = OrderedDict()
        self._put_off: set[Connection] = set()
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

    def admit(self, connection: Connection) -> asyncio.Protocol | None:
        """Take a new connection and return the HTTP protocol behind it, or refuse it with a 503 and return None."""
        self._put_off.discard(connection)
        self._headers_due.pop(connection, None)
        address = connection.address
        if problem := self._no_room(address):
            self._refuse(connection, problem)
            return None
        http = self._make_http()
        self._open[connection] = http
        self._by_http[http] = connection
        self._per_address[address] += 1
        self._quiet[connection] = None
        self._expect_headers(connection)
        return http

    def heard(self, connection: Connection) -> None:
        """Note that a connection has sent something."""
        if connection.phase is not Phase.READING:
            connection.begun = True
        if connection.begun:
            self._idle.discard(connection.address, connection)
        if connection in self._quiet:
            self._quiet.move_to_end(connection)
            if connection.begun and connection not in self._headers_due:
                self._expect_headers(connection)

    def headers_complete(self, connection: Connection) -> None:
        """Drop the deadline for a request's headers."""
        self._idle.discard(connection.address, connection)
        self._headers_due.pop(connection, None)

    def hurry(self, connection: Connection) -> None:
        """Make a request's headers due soon: they are here already, though perhaps not yet parsed, or never will be."""
        if connection in self._headers_due:
            self._headers_due[connection] = self._loop.time() + PARSED_WITHIN_S
            self._headers_due.move_to_end(connection, last=False)

    def hold(self, connection: Connection) -> None:
        """Take a connection out of those that can make room."""
        self._quiet.pop(connection, None)

    def release(self, connection: Connection) -> None:
        """Let a connection make room again; a request begun meanwhile is due like any other."""
        if connection not in self._open:
            return
        self._quiet[connection] = None
        if connection.begun:
            self._expect_headers(connection)
        if connection.is_idle:
            self._idle.add(connection.address, connection)
        else:
            self._idle.discard(connection.address, connection)

    def forget(self, connection: Connection) -> None:
        """Strike a connection off all lists, however often it is called."""
        self._lingering.pop(connection, None)
        self._put_off.discard(connection)
        self._headers_due.pop(connection, None)
        http = self._open.pop(connection, None)
        if http is None:
            return
        del self._by_http[http]
        self._quiet.pop(connection, None)
        self._idle.discard(connection.address, connection)
        self._per_address[connection.address] -= 1
        if not self._per_address[connection.address]:
            del self._per_address[connection.address]
        if self._empty is not None and not self._open:
            self._empty.set()

    async def drain(self, grace_s: float) -> None:
        """Let each connection finish the request it has begun, and no other; return when all are gone or time is up."""
        self.stopping = True
        self._empty = asyncio.Event()
        for connection in [*self._lingering, *self._put_off]:
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
        for connection in [*self._open, *self._lingering, *self._put_off]:
            self._cut(connection)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _no_room(self, address: str) -> str | None:
        """Make room for one more connection of an address; return in a few words why there is none.

        Its own idle ones come first. Whoever has begun a request makes room only when all connections are taken.
        """
        idle = self._idle.longest(address)
        if self._per_address[address] >= self._limits.max_per_address and address not in self._limits.proxies:
            if idle is None:
                return "too many from it"
            self._throw_out(idle, "idle for longest of its address")
        if len(self._open) < self._limits.max_connections:
            return None
        silent = next(iter(self._quiet), None)
        if silent is None:
            return "all are being answered"
        self._throw_out(silent if idle is None or silent.address == address else idle, "silent for longest")
        return None

    def _throw_out(self, victim: Connection, why: str) -> None:
        log.warning('connection closed address=%s reason="made room, %s"', victim.address, why)
        self._cut(victim)

    def _cut(self, connection: Connection) -> None:
        self.forget(connection)
        connection.cut()

    def _refuse(self, connection: Connection, problem: str) -> None:
        """Answer 503 so that the client gets to read it: leave the connection open for a while, drop what it sends.

        Before a handshake nothing can be said, and after it there may be room.
        """
        may_stay = len(self._lingering) + len(self._put_off) < self._limits.max_lingering
        if may_stay and connection.handshake is not None:
            self._put_off.add(connection)
            self._expect_headers(connection)
            return
        log.warning('connection refused status=503 address=%s reason="%s"', connection.address, problem)
        self._rejected.note(connection.address, "", BUSY.status, Refusal.MANY_CONNECTIONS)
        transport = connection.transport
        if transport is None or not may_stay:
            connection.end(BUSY.encode())
            return
        transport.write(BUSY.encode())
        if transport.can_write_eof():
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
