"""A wire tap: passes bytes between an agent and a receiver unchanged, and keeps what the agent sent."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

CHUNK = 65536


class Tap(socketserver.ThreadingTCPServer):
    """Listens on loopback for connections that it passes on to a port."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        """Tap the way to the receiver on `port`."""
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target = port
        self.sent: list[bytes] = []

    @property
    def url(self) -> str:
        """Where agents send to."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def reports(self) -> list[dict[str, Any]]:
        """Return the bodies that went by, one a connection."""
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.sent]


class _Connection(socketserver.BaseRequestHandler):
    server: Tap

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.target)) as receiver:
            back = threading.Thread(target=pass_on, args=(receiver, self.request), daemon=True)
            back.start()
            self.server.sent.append(pass_on(self.request, receiver))
            back.join()


def pass_on(source: socket.socket, target: socket.socket) -> bytes:
    """Pass what comes on until either side ends, and return it."""
    passed = bytearray()
    with suppress(OSError):  # one side has gone: there is nothing more to pass
        while data := source.recv(CHUNK):
            passed += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    return bytes(passed)


@contextmanager
def tapping(port: int) -> Iterator[Tap]:
    """Run a tap; `sent` is complete when it ends."""
    with Tap(port) as tap:
        thread = threading.Thread(target=tap.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield tap
        finally:
            tap.shutdown()
            thread.join()
