"""The receiver's HTTP answers, encoded once and sent any number of times, with aiohttp or on a bare socket."""

import json
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

JSON = "application/json"
PLAIN_TEXT = "text/plain; charset=utf-8"

RETRY_STORE_S = 10
"""When to come again while the store takes no writes: a third of most agents' patience, a sixth of an interval."""

RETRY_BUSY_S = 2
"""When to come again after too many connections: those of a crowd that reports in the same second last less."""


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


class Answer:
    """One HTTP/1.1 answer: `body` with its status and `headers` (whole lines without their ends).

    One that `closes` ends the connection after it, whatever the client wishes.
    """

    def __init__(self, status: int, body: bytes, *headers: str, content_type: str = JSON, closes: bool = False) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.closes = closes
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            *headers,
        ]
        self._head = "".join(f"{line}\r\n" for line in lines).encode()
        self._staying: EncodedResponse | None = None
        self._closing: EncodedResponse | None = None

    def encode(self, *, close: bool = True, with_body: bool = True) -> bytes:
        """Return the answer as it goes over the wire, dated now."""
        date = _date_line(int(time.time()))
        end = b"Connection: close\r\n\r\n" if close else b"\r\n"
        return b"".join((self._head, date, end, self.body if with_body else b""))

    def response(self, *, close: bool) -> "EncodedResponse":
        """Return the answer as aiohttp wants it, the same object each time."""
        if close or self.closes:
            if self._closing is None:
                self._closing = EncodedResponse(self, close=True)
            return self._closing
        if self._staying is None:
            self._staying = EncodedResponse(self, close=False)
        return self._staying


class EncodedResponse(web.StreamResponse):
    """An aiohttp response that writes an encoded answer in one piece.

    It keeps nothing of the request, so one serves all: building a `web.Response` and its headers anew
    for each report costs a fifth of the receiver's time.
    """

    def __init__(self, answer: Answer, *, close: bool) -> None:
        super().__init__(status=answer.status)
        self._answer = answer
        self._close = close
        if close:
            self.force_close()
        else:
            self._keep_alive = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the whole answer; raise ConnectionResetError if nobody is there or reads."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        if request.protocol.writing_paused:
            transport.abort()
            raise ConnectionResetError
        with_body = request.method != hdrs.METH_HEAD
        transport.write(self._answer.encode(close=self._close, with_body=with_body))
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all has been sent."""


def error_answer(
    status: int, message: str, *headers: str, errors: dict[str, list[str]] | None = None, closes: bool = False
) -> Answer:
    """Return a JSON answer with `status`, `message` and, if given, `errors`."""
    body: dict[str, Any] = {"status": "error", "message": message}
    if errors is not None:
        body["errors"] = errors
    return Answer(status, json.dumps(body).encode(), *headers, closes=closes)


def invalid_report(message: str, errors: dict[str, list[str]]) -> Answer:
    """Return the 422 for a body that is no valid report."""
    return error_answer(422, message, errors=errors)


def too_many(message: str, wait_s: int) -> Answer:
    """Return a 429 that names the seconds to wait."""
    return error_answer(429, message, f"Retry-After: {wait_s}")


OK = Answer(200, b'{"status": "ok"}')
HEALTHY = Answer(200, b'{"status": "ok"}')
BROKEN_HTTP = error_answer(400, "Malformed HTTP request", closes=True)
UNKNOWN_KEY = error_answer(404, "Agent key not found")
NOT_FOUND = error_answer(404, "Not found")
POST_ONLY = error_answer(405, "Method not allowed, reports are sent with POST", "Allow: POST")
GET_ONLY = error_answer(405, "Method not allowed", "Allow: GET, HEAD")
HEADERS_LATE = error_answer(408, "The request did not arrive in time", closes=True)
BODY_LATE = error_answer(408, "The report did not arrive in time", closes=True)
TOO_LARGE = error_answer(413, "The report is larger than 256 KiB", closes=True)
ENCODED = error_answer(415, "Content-Encoding is not supported, send the report as it is")
FAILED = error_answer(500, "The receiver failed on this request", closes=True)
UNAVAILABLE = error_answer(503, "The store takes no reports now, try again later", f"Retry-After: {RETRY_STORE_S}")
BUSY = error_answer(503, "Too many connections, try again later", f"Retry-After: {RETRY_BUSY_S}", closes=True)
