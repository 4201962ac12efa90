"""aiohttp's protocol as the receiver uses it: what goes wrong is told without quoting anybody."""

import logging

from aiohttp import web

from server import receiver_answers as answers
from server.limits import plain_address
from server.receiver_log import LOGGER_NAME
from server.rejected import RejectionLog
from store.rejections import Refusal

log = logging.getLogger(LOGGER_NAME)


class HttpProtocol(web.RequestHandler):
    """aiohttp's protocol, but its errors neither quote what came in nor log tracebacks of it.

    `rejected` is told of requests that are no HTTP.
    """

    __slots__ = ("rejected",)

    rejected: RejectionLog

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that could not be read, or on which the receiver itself failed."""
        if status == answers.BROKEN_HTTP.status:
            address = plain_address(str(request.remote))
            log.info('request refused status=400 address=%s reason="%s"', address, Refusal.MALFORMED.value)
            self.rejected.note(address, "", 400, Refusal.MALFORMED)
            return answers.BROKEN_HTTP.response(close=True)
        log.error("request failed status=500 at=%s", _origin(exc))
        return answers.FAILED.response(close=True)

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """Log that a connection broke in an unforeseen way."""
        exc = kwargs.get("exc_info")
        log.error("connection failed at=%s", _origin(exc if isinstance(exc, BaseException) else None))


def _origin(exc: BaseException | None) -> str:
    """Return where an exception was raised and its type, which tells a developer enough and quotes nothing."""
    if exc is None:
        return "unknown"
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else "unknown"
    return f"{place} error={type(exc).__name__}"
