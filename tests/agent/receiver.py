"""A small receiver on loopback that keeps what it gets and answers as it is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

OK = b'{"status": "ok"}'


def trouble(message: str) -> bytes:
    """Return an error body as the report API words it."""
    return json.dumps({"status": "error", "message": message}).encode()


class Receiver(ThreadingHTTPServer):
    """Answers each POST with the next of `answers` (the last one stays), each GET with `script`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, bytes, dict[str, str]]] = [(200, OK, {})]
        self.bodies: list[dict[str, object]] = []
        self.paths: list[str] = []
        self.script = b""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer so from now on; underscores in header names stand for dashes."""
        self.answers = [(status, body, {name.replace("_", "-"): value for name, value in headers.items()})]


class Handler(BaseHTTPRequestHandler):
    """One call."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the report; answer as told."""
        self.server.paths.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body.decode("utf-8")))
        answers = self.server.answers
        self._reply(*(answers.pop(0) if len(answers) > 1 else answers[0]))

    def do_GET(self) -> None:
        """Serve the agent's script."""
        self.server.paths.append(self.path)
        self._reply(200, self.server.script, {})

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
def running() -> Iterator[Receiver]:
    """Run a receiver on a thread while the block lasts."""
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
