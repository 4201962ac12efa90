"""Text from other machines, made safe to stand in a terminal, a log line or a table cell."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count

UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Control, format, surrogate, private use, line and paragraph separators."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
COMBINING_RUN = 2
"""Combining marks kept on one character: Vietnamese needs two; a tower of thousands stalls terminals."""

MAX_NAME = 64

_BLANKS = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800\u3164\uffa0]+")
"""All of Unicode's category Zs, and what draws nothing though it is a symbol or letter: Braille and Hangul blanks."""


def safe_text(text: str, limit: int = 255) -> str:
    """Return `text` with every character that could steer a terminal replaced, at most `limit` characters.

    Each unsafe character becomes U+FFFD, runs of combining marks are cut to `COMBINING_RUN`, and text that is
    cut ends in an ellipsis. What is left has no effect but its glyphs.
    """
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > COMBINING_RUN:
            continue
        if len(out) == limit:
            out[-1] = "…"
            break
        out.append(REPLACEMENT if category in UNSAFE_CATEGORIES else char)
    return "".join(out)


def normal_name(name: str) -> str:
    """Return a name in the form in which it is stored and looked up, so that names that read the same are the same.

    That is Unicode's NFC with single spaces for blanks of all kinds, and none around.
    """
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", name)).strip(" ")


def distinct_names(names: Sequence[str]) -> dict[str, str]:
    """Return new names for those that are not in their normal form, none of which is among the others.

    The first of several that read the same gets that name, unless one has it already; the next ones are numbered.
    """
    taken = {name for name in names if normal_name(name) == name}
    renamed = {}
    for name in names:
        if (normal := normal_name(name)) != name:
            renamed[name] = next(each for each in _numbered(normal) if each not in taken)
            taken.add(renamed[name])
    return renamed


def _numbered(name: str) -> Iterator[str]:
    for n in count(1):
        suffix = f" ({n})" if n > 1 else ""
        yield name[: MAX_NAME - len(suffix)].rstrip() + suffix


def name_problem(name: str) -> str | None:
    """Return what is wrong with `name` as a monitor's name, or None if it will do in its normal form."""
    name = normal_name(name)
    if not name:
        return "a name needs at least one visible character"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, this one has {len(name)}"
    if any(unicodedata.category(char) in UNSAFE_CATEGORIES for char in name):
        return "a name holds no control, format or separator characters"
    return None
