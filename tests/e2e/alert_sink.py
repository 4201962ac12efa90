"""A real HTTP endpoint that alerts are sent to, by Apprise's `json://`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class AlertSink:
    """What came, oldest first; `answer` is the HTTP status that each alert is answered with."""

    port: int = 0
    answer: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    @property
    def url(self) -> str:
        """Where to send alerts."""
        return f"json://127.0.0.1:{self.port}/hook"

    def titles(self) -> list[str]:
        """Return the titles of what was taken."""
        return [alert["title"] for alert in self.received]

    def take(self, body: bytes) -> int:
        """Keep an alert, or refuse it; returns the answer's status."""
        if self.answer == 200:
            self.received.append(json.loads(body))
        else:
            self.refused += 1
        return self.answer


@contextmanager
def alert_sink() -> Iterator[AlertSink]:
    """Run an endpoint on a free port of this machine."""
    sink = AlertSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take one alert."""
            status = sink.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
