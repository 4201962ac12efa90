"""Agent keys and the commands that hold them, as they may be shown: masked, or in lines that a shell takes.

A terminal's own selection cannot know that two rows of a screen are one command, so a long command is broken as
a shell would have it: with a backslash in the last column, nothing after it to be selected along.
"""

import shlex

from store.models import Credentials

DOT = "•"
PREFIX = "amk_"
FOREIGN_DOTS = 24
"""Dots for a key that agentmon did not generate: its length is nobody's business."""

HIDDEN = DOT * FOREIGN_DOTS
"""What stands for a key that has not even been asked for."""


def mask(agent_key: str) -> str:
    """Return what stands for a key that is not revealed; it tells nothing but the kind of the key."""
    if agent_key.startswith(PREFIX):
        return PREFIX + DOT * (len(agent_key) - len(PREFIX))
    return HIDDEN


def masked_install(credentials: Credentials) -> str:
    """Return the install command with dots in place of the key, however the shell had it quoted."""
    dots, key = mask(credentials.agent_key), credentials.agent_key
    return credentials.install.replace(shlex.quote(key), dots).replace(key, dots)


def _breaks(command: str) -> tuple[list[int], list[int]]:
    """Return where a shell command may be broken: after spaces between words, and anywhere but in '...'."""
    spaces: list[int] = []
    anywhere: list[int] = []
    quote, escaped = "", False
    for index, char in enumerate(command):
        if quote != "'" and not escaped:
            anywhere.append(index)
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == " ":
            spaces.append(index + 1)
    return spaces, anywhere


def shell_lines(command: str, width: int) -> list[str]:
    """Return a shell command of one line as lines of at most `width` characters that mean the same to a shell.

    All but the last are exactly `width` long and end in a backslash. Words are kept whole where they fit. Only a
    quoted '...' longer than a line cannot be broken; the line that holds it is longer than `width`.
    """
    lines: list[str] = []
    spaces, anywhere = _breaks(command)
    start = 0
    while len(command) - start > width > 1:
        cuts = [cut for cut in spaces if start < cut < start + width]
        cuts = cuts or [cut for cut in anywhere if start < cut < start + width]
        cuts = cuts or [cut for cut in anywhere if cut >= start + width][:1]
        if not cuts:
            break
        cut = max(cuts)
        between_words = command[cut - 1] == " " and cut in spaces
        lines.append(command[start:cut].ljust(width - 1 if between_words else 0) + "\\")
        start = cut
    return [*lines, command[start:]]
