"""Log lines: to stderr when headless, to a private file beside the database when the console has the terminal."""

import logging
import logging.handlers
import sys
from io import TextIOWrapper
from pathlib import Path

from agentmon.output import iso_time
from store.files import create_private_file
from store.text import safe_text

MAX_LINE = 2_000
MAX_BYTES = 1_000_000
KEPT_FILES = 2


class LineFormatter(logging.Formatter):
    """`TIME LEVEL LOGGER MESSAGE`, one line whatever the message holds; tracebacks follow indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        head = f"{iso_time(int(record.created * 1000))} {record.levelname.lower()} {record.name} "
        line = head + safe_text(record.getMessage(), MAX_LINE)
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line += "".join(f"\n  {safe_text(part, MAX_LINE)}" for part in trace)
        return line


class PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotating log whose files are made with mode 0600."""

    def _open(self) -> TextIOWrapper:
        create_private_file(Path(self.baseFilename))
        return super()._open()


def log_to_stderr() -> None:
    """Send log lines to stderr, for a receiver without a console."""
    _use(logging.StreamHandler(sys.stderr))


def log_to_file(database: Path) -> Path:
    """Send log lines to a file beside the database and return its path; raises OSError if it cannot be made."""
    path = database.with_name(database.name + ".log")
    _use(PrivateRotatingFile(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8"))
    return path


def _use(handler: logging.Handler) -> None:
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
