"""TLS in front of the gate: a connection is counted and timed from its first moment, not from the end of a handshake.

asyncio's own TLS server tells a protocol of a connection when the handshake is over; whoever never ends one would
hold a socket that nobody counts. So connections are accepted here.
"""

import asyncio
import contextlib
import logging
import socket
import ssl

from server.gate import Connection, Gate
from server.receiver_answers import PLAIN_TEXT, Answer
from server.receiver_log import LOGGER_NAME
from server.rejected import RejectionLog
from server.tls import Certificate
from store.rejections import Refusal

GOODBYE_S = 2.0
"""How long to wait for the other side's goodbye, which most clients never say."""

EXHAUSTED_S = 1.0
"""How long to wait when the system has no files left for another connection."""

USE_HTTPS = Answer(400, b"This port speaks https, not http.\n", content_type=PLAIN_TEXT, closes=True)

log = logging.getLogger(LOGGER_NAME)


class Doorkeeper:
    """Accepts the connections of a listening socket and hands them on to `gate`, over TLS with `certificate`.

    A handshake may take `handshake_s` seconds; those that fail are counted in `rejected`. `close` closes the socket.
    """

    def __init__(
        self, listener: socket.socket, gate: Gate, certificate: Certificate, handshake_s: float, rejected: RejectionLog
    ) -> None:
        self._listener = listener
        self._gate = gate
        self._certificate = certificate
        self._handshake_s = handshake_s
        self._rejected = rejected
        self._loop = asyncio.get_running_loop()
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept no more."""
        self._accepting.cancel()

    async def _accept(self) -> None:
        self._listener.setblocking(False)
        with self._listener:
            while True:
                try:
                    sock, peer = await self._loop.sock_accept(self._listener)
                except ConnectionError:  # gone before it was taken
                    continue
                except OSError as error:
                    log.warning('no connection accepted reason="%s"', error.strerror)
                    await asyncio.sleep(EXHAUSTED_S)
                    continue
                self._receive(sock, str(peer[0]))

    def _receive(self, sock: socket.socket, address: str) -> None:
        """Have the gate look at a new connection, and begin its handshake."""
        connection = self._gate()

        def is_over(_: asyncio.Task[None]) -> None:
            if connection.transport is None:  # else the socket is the transport's
                connection.connection_lost(None)
                sock.close()

        connection.handshake = self._loop.create_task(self._shake(sock, connection))
        connection.handshake.add_done_callback(is_over)
        connection.arrive(address)

    async def _shake(self, sock: socket.socket, connection: Connection) -> None:
        """Go through a handshake; when it is over, the connection hears of its transport."""
        with contextlib.suppress(OSError), sock.dup() as twin:  # gone, too slow, or no file left
            try:
                await self._loop.connect_accepted_socket(
                    lambda: connection,
                    sock,
                    ssl=self._certificate.identity.context,
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
