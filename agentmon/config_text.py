"""The configuration file as text: values as TOML writes them, and the commented file with every setting."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmon.config_items import Item

_BARE = re.compile(r"[A-Za-z0-9_-]+")

HEAD = """\
# The configuration of agentmon: `agentmon config show` tells what holds and where each value comes from.
#
# What stands here is built in, each setting behind a #: remove that and change the value. The command line and the
# environment go before this file. It is read when agentmon starts.
"""


def toml(value: Any) -> str:
    """Return a text, number, truth value or list of them as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        # JSON's strings are TOML's but for these: no pairs of surrogates, and DEL is a control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{value}"


def name_of(path: Sequence[str]) -> str:
    """Return a path as TOML writes it."""
    return ".".join(part if _BARE.fullmatch(part) else toml(part) for part in path)


def commented_file() -> str:
    """Return the file with every setting, its default and what it does, all commented out."""
    from agentmon.config_items import SECTIONS, items

    lines = [HEAD]
    table: tuple[str, ...] = ()
    for item in items():
        if item.path[:-1] != table:
            lines += _heading(item, SECTIONS if item.path[0] != (table or ("",))[0] else {})
            table = item.path[:-1]
        lines += _setting(item)
    return "\n".join(lines)


def _heading(item: "Item", notes: dict[str, str]) -> Iterator[str]:
    from agentmon.config_items import ANY_MOUNT, EXAMPLE_MOUNT

    table = tuple(EXAMPLE_MOUNT if part == ANY_MOUNT else part for part in item.path[:-1])
    if item.path[0] in notes:
        yield f"# {notes[item.path[0]]}"
    yield f"# [{name_of(table)}]" if ANY_MOUNT in item.path else f"[{name_of(table)}]"
    yield ""


def _setting(item: "Item") -> Iterator[str]:
    yield f"# {item.help}"
    yield f"# {item.path[-1]} = {toml(item.example if item.default is None else item.default)}"
    yield ""
