"""Log lines: to stderr when headless, to a private file beside the database when the console has the terminal."""

import contextlib
import logging
import logging.handlers
import queue
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from agentmon.exits import signals_for_this_thread
from agentmon.output import iso_time
from store.files import create_database_file, require_replaceable
from store.keys import without_keys
from store.text import safe_text

MAX_LINE = 2_000
MAX_BYTES = 1_000_000
KEPT_FILES = 2
MAX_WAITING = 1_000
"""Lines that wait for a reader who has stalled; later ones are dropped."""


class LineFormatter(logging.Formatter):
    """`TIME LEVEL LOGGER MESSAGE`, one line whatever the message holds; tracebacks follow indented.

    Nothing that is logged holds a key but perhaps what an unforeseen error says of itself, so keys are masked here.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        head = f"{iso_time(int(record.created * 1000))} {record.levelname.lower()} {record.name} "
        line = head + safe_text(without_keys(record.getMessage()), MAX_LINE)
        if record.exc_info:
            trace = without_keys(self.formatException(record.exc_info)).splitlines()
            line += "".join(f"\n  {safe_text(part, MAX_LINE)}" for part in trace)
        return line


class PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotating log whose files are regular ones of mode 0600."""

    def _open(self) -> TextIOWrapper:
        require_replaceable(Path(self.baseFilename))  # root would write through another's link, or wait at a FIFO
        create_database_file(Path(self.baseFilename))
        return super()._open()


class UnhurriedHandler(logging.handlers.QueueHandler):
    """Lets a thread of its own write the lines, so that a terminal or pipe that nobody reads holds up nobody else."""

    def __init__(self, target: logging.Handler) -> None:
        """Write with `target` from now on."""
        self._lines: queue.Queue[Any] = queue.Queue(MAX_WAITING)
        super().__init__(self._lines)
        target.setFormatter(LineFormatter())
        with signals_for_this_thread():
            logging.handlers.QueueListener(self._lines, target).start()

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Leave the record as it is: it stays in this process."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a record, or drop it when too many wait."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(record)

    def written(self, timeout_s: float) -> bool:
        """Wait until all lines are written; returns whether they are."""
        with self._lines.all_tasks_done:
            return self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, timeout_s)


def log_to_stderr() -> UnhurriedHandler:
    """Send log lines to stderr, for a receiver without a console.

    Before the process ends, wait for `written`; if that fails, a thread hangs in writing and only `os._exit` ends it.
    """
    handler = UnhurriedHandler(logging.StreamHandler(sys.stderr))
    _use(handler)
    return handler


def log_to_file(database: Path) -> Path:
    """Send log lines to a file beside the database and return its path; raises OSError if it cannot be made."""
    path = database.with_name(database.name + ".log")
    _use(PrivateRotatingFile(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8"))
    return path


def log_crash(database: Path, what: str, error: BaseException) -> Path:
    """Write an error with its traceback to the log file and return that; if there is none yet, one is made.

    Raises OSError if it cannot be made.
    """
    files = [Path(each.baseFilename) for each in logging.getLogger().handlers if isinstance(each, PrivateRotatingFile)]
    path = files[0] if files else log_to_file(database.with_name(f"{database.name}.console"))
    logging.getLogger("agentmon").critical(what, exc_info=error)
    return path


def _use(handler: logging.Handler) -> None:
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
