"""What may be shown of where alerts go: URLs and commands without the secrets in them."""

import re
import shlex

from store.text import safe_text

_WORD = re.compile(r"[\w.+~-]{6,}")
"""Of a command: what is shorter is hardly a secret, and much else is called the same."""


def masked_url(private: str) -> str:
    """Return a URL with nothing but what Apprise shows of scheme, user and host: tokens stand in paths and queries."""
    scheme, _, rest = private.partition("://")
    authority, _, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return safe_text(f"{scheme}://{authority}{'/****' if path.strip('/') else ''}")


def masked_command(command: str) -> tuple[str, str]:
    """Return the name of the program that a command begins with, and the command as it may be shown."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    rest = [place for place, word in enumerate(words) if not re.match(r"\w+=", word)]
    if not rest or not re.fullmatch(r"[\w.+/~-]+", words[rest[0]]):
        return "command", "…"
    program = words[rest[0]]
    shown = safe_text(program, 100) + (" …" if len(words) > 1 else "")
    return program.rstrip("/").rpartition("/")[2] or "command", shown


def masked_complaint(said: str, command: str) -> str:
    """Return what a command said without the words it was given, one of which may be a secret: wget repeats its URL."""
    _, shown = masked_command(command)
    for word in sorted(set(_WORD.findall(command)), key=len, reverse=True):
        if word not in shown:
            said = said.replace(word, "****")
    return said
