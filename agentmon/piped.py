"""What is handed to a command on its standard input, where no process list shows it."""

import sys

MOST = 65_536
"""Characters; more than any URL or key has."""


def piped_text() -> str:
    """Return what was piped in, or the line typed at a terminal, without blanks and a byte-order mark around it."""
    text = sys.stdin.readline() if sys.stdin.isatty() else sys.stdin.read(MOST)
    return text.removeprefix("\ufeff").strip()
