"""Text from other machines, made safe to stand in a terminal, a log line or a table cell."""

import unicodedata

UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Control, format, surrogate, private use, line and paragraph separators."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
COMBINING_RUN = 2
"""Combining marks kept on one character: Vietnamese needs two; a tower of thousands stalls terminals."""

MAX_NAME = 64


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


def name_problem(name: str) -> str | None:
    """Return what is wrong with `name` as a monitor's name, or None if it will do."""
    if not name or name.isspace():
        return "a name needs at least one visible character"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, this one has {len(name)}"
    if any(unicodedata.category(char) in UNSAFE_CATEGORIES for char in name):
        return "a name holds no control, format or separator characters"
    return None
