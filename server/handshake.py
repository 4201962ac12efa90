"""Connections are accepted here, and TLS stands in front of the gate.

An event loop's own server tells a protocol of a TLS connection when the handshake is over; whoever never ends one
would hold a socket that nobody counts. And when no file is left for another connection, uvloop's drops it without a
word, or spins.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

from server.gate import Connection, Gate
from server.limits import address_group
from server.receiver_answers import PLAIN_TEXT, Answer
from server.receiver_log import LOGGER_NAME
from server.rejected import RejectionLog
from server.tls import Certificate
from store.rejections import Refusal

GOODBYE_S = 2.0
"""How long to wait for the other side's goodbye, which most clients never say."""

EXHAUSTED_S = 0.5
"""How long to wait when the system has no files left for another connection."""

AT_ONCE = 8
TURN_S = 0.25
"""So many handshakes of one address begin at once, and the next when one is over or has had this long.

Each costs most of a millisecond, before anything is known of who asks: thousands of one address, begun as they
come, would hold up all others. Stalled ones do not keep their place, since agents may share an address.
"""

ACCEPTED_AT_ONCE = 16

USE_HTTPS = Answer(400, b"This port speaks https, not http.\n", content_type=PLAIN_TEXT, closes=True)

log = logging.getLogger(LOGGER_NAME)


class Turns:
    """Whose handshake begins next: first come first served within an address, but no address waits for another."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn and keep it for `TURN_S` seconds at most."""
        queue = self._queues.setdefault(address_group(address), asyncio.Semaphore(AT_ONCE))
        await queue.acquire()
        kept = [queue]

        def pass_on() -> None:
            if kept:
                kept.pop().release()

        timer = asyncio.get_running_loop().call_later(TURN_S, pass_on)
        try:
            yield
        finally:
            timer.cancel()
            pass_on()


class Doorkeeper:
    """Accepts the connections of a listening socket and hands them on to `gate`, over TLS with a `certificate`.

    A handshake may take `handshake_s` seconds from its turn on; those that fail are counted in `rejected`.
    `close` closes the socket too.
    """

    def __init__(
        self,
        listener: socket.socket,
        gate: Gate,
        certificate: Certificate | None,
        handshake_s: float,
        rejected: RejectionLog,
    ) -> None:
        self._listener = listener
        self._gate = gate
        self._certificate = certificate
        self._handshake_s = handshake_s
        self._rejected = rejected
        self._turns = Turns()
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._listen()

    async def close(self) -> None:
        """Accept no more; return once the gate knows of all that were accepted."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        await asyncio.gather(*self._arriving)

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Take connections that wait, so many that a crowd is soon seen by the gate, and others get their turn."""
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, peer = self._listener.accept()
            except BlockingIOError:  # that was all
                return
            except ConnectionError:  # gone before it was taken
                continue
            except OSError as error:
                log.warning('no connection accepted reason="%s"', error.strerror)
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(EXHAUSTED_S, self._listen)
                return
            if self._certificate is None:
                arriving = self._loop.create_task(self._hand_over(sock))
                self._arriving.add(arriving)
                arriving.add_done_callback(self._arriving.discard)
            else:
                self._receive(sock, str(peer[0]), self._certificate)

    async def _hand_over(self, sock: socket.socket) -> None:
        """Let a plain connection arrive at the gate."""
        try:
            await self._loop.connect_accepted_socket(self._gate, sock)
        except OSError:  # gone already
            sock.close()

    def _receive(self, sock: socket.socket, address: str, certificate: Certificate) -> None:
        """Have the gate look at a new connection, and begin its handshake."""
        connection = self._gate()

        def is_over(_: asyncio.Task[None]) -> None:
            if connection.transport is None:  # else the socket is the transport's
                connection.connection_lost(None)
                sock.close()

        connection.handshake = self._loop.create_task(self._shake(sock, connection, certificate))
        connection.handshake.add_done_callback(is_over)
        connection.arrive(address)

    async def _shake(self, sock: socket.socket, connection: Connection, certificate: Certificate) -> None:
        """Go through a handshake; when it is over, the connection hears of its transport."""
        async with self._turns.turn(connection.address):
            with contextlib.suppress(OSError), sock.dup() as twin:  # gone, too slow, or no file left
                try:
                    await self._loop.connect_accepted_socket(
                        lambda: connection,
                        sock,
                        ssl=certificate.identity.context,
                        ssl_handshake_timeout=self._handshake_s,
                        ssl_shutdown_timeout=GOODBYE_S,
                    )
                except ssl.SSLError as error:
                    self._tell(connection, error, twin)

    def _tell(self, connection: Connection, error: ssl.SSLError, twin: socket.socket) -> None:
        """Count a handshake that failed; whoever speaks HTTP reads why, on the twin of a socket closed already."""
        reason = Refusal.TLS
        if error.reason == "HTTP_REQUEST":
            reason = Refusal.PLAIN_HTTP
            with contextlib.suppress(OSError):
                twin.send(USE_HTTPS.encode())
        self._rejected.note(connection.address, "", USE_HTTPS.status, reason)
        words = (error.reason or "unknown").lower().replace("_", " ")
        log.info(
            'connection refused address=%s reason="%s: %s"',
            connection.address,
            reason.value,
            words,
            extra={"kind": reason.value},
        )
