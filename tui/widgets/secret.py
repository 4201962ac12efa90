"""Agent keys and the commands that hold them, as they may be shown: masked, or in lines that a shell takes.

A terminal's own selection cannot know that two rows of a screen are one command, so a long command is broken as
a shell would have it: in the last column, with a backslash, so that nothing before or after it is selected along.
"""

from store.models import InstallLine

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


def shown_line(line: InstallLine, agent_key: str, *, revealed: bool) -> str:
    """Return an install line as it may be shown, with dots in place of the key unless it is revealed."""
    return line.command if revealed else line.before + mask(agent_key) + line.after


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


def shell_lines(command: str, width: int, *, powershell: bool = False) -> list[str]:
    """Return a shell command of one line as lines of at most `width` characters that mean the same to a shell.

    All but the last are exactly `width` long and end in a backslash; without those and the ends of lines, they are
    the command. Only where a quoted '...' stands in the way, a line is filled up between words or ends early, and the
    line that holds one which is longer than a line is longer than `width`. PowerShell goes on after a backtick, and
    nowhere but between words.
    """
    lines: list[str] = []
    spaces, anywhere = _breaks(command)
    mark = "\\"
    if powershell:
        anywhere, mark = spaces, "`"
    start = 0
    while len(command) - start > width > 1:
        end = start + width - 1
        cut = _last(anywhere, end, end) or _last(spaces, start + 1, end) or _last(anywhere, start + 1, end)
        cut = cut or next((each for each in anywhere if each > end), None)
        if cut is None:
            break
        lines.append(command[start:cut].ljust(width - 1 if cut in spaces else 0) + mark)
        start = cut
    return [*lines, command[start:]]


def _last(cuts: list[int], first: int, last: int) -> int | None:
    """Return the last cut between two places, both included."""
    return max((cut for cut in cuts if first <= cut <= last), default=None)
