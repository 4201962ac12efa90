"""A small receiver on loopback that keeps what it gets and answers as it is told."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

from tests.e2e.tap import pass_on

OK = b'{"status": "ok"}'


def trouble(message: str) -> bytes:
    """Return an error body as the report API words it."""
    return json.dumps({"status": "error", "message": message}).encode()


class Receiver(ThreadingHTTPServer):
    """Answers each POST with the next of `answers` (the last one stays), each GET with `script`.

    It is a proxy, too: `paths` are those that were asked for, or hosts to be connected with. Over TLS with a context.
    While `answering` is clear, calls wait; `most_waiting` says how many ever did at once.
    """

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answers: list[tuple[int, bytes, dict[str, str]]] = [(200, OK, {})]
        self.bodies: list[dict[str, object]] = []
        self.paths: list[str] = []
        self.user_agents: list[str] = []
        self.script = b""
        self.answering = Event()
        self.answering.set()
        self.most_waiting = self._waiting = 0
        self._count = Lock()

    def await_turn(self) -> None:
        """Wait as long as calls are to wait."""
        with self._count:
            self._waiting += 1
            self.most_waiting = max(self.most_waiting, self._waiting)
        self.answering.wait(30)
        with self._count:
            self._waiting -= 1

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def says(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer so from now on; underscores in header names stand for dashes."""
        self.answers = [(status, body, {name.replace("_", "-"): value for name, value in headers.items()})]


class Handler(BaseHTTPRequestHandler):
    """One call."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the report; answer as told."""
        self.server.paths.append(self.path)
        self.server.user_agents.append(self.headers["User-Agent"])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body.decode("utf-8")))
        self.server.await_turn()
        answers = self.server.answers
        self._reply(*(answers.pop(0) if len(answers) > 1 else answers[0]))

    def do_GET(self) -> None:
        """Serve the agent's script."""
        self.server.paths.append(self.path)
        self._reply(200, self.server.script, {})

    def do_CONNECT(self) -> None:
        """Pass on what comes, as a proxy."""
        self.server.paths.append(self.path)
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as onward:
            self.send_response(200)
            self.end_headers()
            Thread(target=pass_on, args=(onward, self.connection), daemon=True).start()
            pass_on(self.connection, onward)
        self.close_connection = True

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on a thread while the block lasts."""
    with Receiver(context) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
