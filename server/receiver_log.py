"""The receiver's log lines: one line each, no input in them, and no flood of the same."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

LOGGER_NAME = "agentmon.receiver"
NOISY_LIBRARIES = ("aiohttp.server", "aiohttp.web", "aiohttp.internal", "asyncio")
"""Loggers that clients can make speak; a filter acts on its own logger only, so each gets one."""

LINES_PER_MINUTE = 10
_WINDOW_S = 60.0
_MAX_KINDS = 256


class FoldingFilter(logging.Filter):
    """Lets `limit` records of a kind pass each minute and counts the rest.

    A record's kind is its attribute `kind` or its unformatted message. The first record of a later minute
    says how many were left out. With `bare`, tracebacks go, since their last line may quote what a client sent.
    """

    def __init__(
        self,
        limit: int = LINES_PER_MINUTE,
        *,
        bare: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._limit = limit
        self._bare = bare
        self._clock = clock
        self._kinds: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record may pass, after what it has to say about earlier ones."""
        kind = str(getattr(record, "kind", record.msg)).partition("\n")[0]
        if self._bare:
            self._strip(record)
        now = self._clock()
        since, count = self._kinds.get(kind, (now, 0))
        if now - since >= _WINDOW_S:
            self._fold(record, count - self._limit)
            since, count = now, 0
        self._kinds[kind] = (since, count + 1)
        self._kinds.move_to_end(kind)
        if len(self._kinds) > _MAX_KINDS:
            self._kinds.popitem(last=False)
        return count < self._limit

    @staticmethod
    def _strip(record: logging.LogRecord) -> None:
        first_line = record.getMessage().partition("\n")[0].replace("%", "%%")
        error = record.exc_info[0] if record.exc_info else None
        record.msg, record.args = f"{first_line} ({error.__name__})" if error else first_line, ()
        record.exc_info = record.exc_text = record.stack_info = None

    @staticmethod
    def _fold(record: logging.LogRecord, left_out: int) -> None:
        if left_out > 0:
            record.msg = f"{record.msg} ({left_out} more like it were left out)"


def calm_logs() -> None:
    """Put folding filters on the receiver's logger and on the libraries', once per process."""
    for name in (LOGGER_NAME, *NOISY_LIBRARIES):
        logger = logging.getLogger(name)
        if not any(isinstance(each, FoldingFilter) for each in logger.filters):
            logger.addFilter(FoldingFilter(bare=name != LOGGER_NAME))
