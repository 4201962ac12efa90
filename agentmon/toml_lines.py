"""On which line of a TOML file each key stands, which the standard library's parser does not tell."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
"""A key with its tables: `("console", "theme")`."""

_AT_LINE = re.compile(r"(.*) \(at line (\d+), column \d+\)", re.DOTALL)
_AT_END = " (at end of document)"


def lines_of(text: str) -> dict[Path, int]:
    """Return the first line, from 1, of every table and key of a text that is valid TOML.

    A statement goes from the start of a line to the end of the same or of a later one, so it is whole as soon as the
    parser takes it by itself.
    """
    found: dict[Path, int] = {}
    table: Path = ()
    statement, first = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement, first = (statement + line + "\n", first) if statement else (line + "\n", number)
        try:
            tree = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        is_header = statement.lstrip().startswith("[")
        for path in [_only_path(tree)] if is_header else [table + path for path, _ in leaves(tree)]:
            for length in range(1, len(path) + 1):
                found.setdefault(path[:length], first)
            table = path if is_header else table
        statement = ""
    return found


def _only_path(tree: Mapping[str, Any]) -> Path:
    path: Path = ()
    while tree:
        ((key, value),) = tree.items()
        path += (key,)
        tree = value[0] if isinstance(value, list) else value
    return path


def leaves(tree: Mapping[str, Any], table: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield all that is no table, by its path; of an empty table, the table itself."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*table, key))
        else:
            yield (*table, key), value


def place_of(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """Return the line of a mistake and what it is."""
    message = str(error)
    if match := _AT_LINE.fullmatch(message):
        return int(match[2]), match[1]
    return text.count("\n") + (not text.endswith("\n")), message.removesuffix(_AT_END)
