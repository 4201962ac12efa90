"""How the console was left, in a small file of the user's, so that it comes up like that the next time.

What is remembered serves comfort alone: a file that cannot be read or written is logged, and nothing else happens.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from store.files import ensure_private_folder, replace_file
from store.text import safe_text

MOST_BYTES = 65_536
"""A larger file is not ours."""

MOST_CHARACTERS = 200
"""The longest text that is taken from a file: as long as a filter can be."""

MOST_NAMES = 100

log = logging.getLogger("agentmon.console")


@dataclass(frozen=True, slots=True)
class Remembered:
    """How the console was left; names of columns, groupings and themes may be unknown here by now.

    `columns` are all columns in their order, those that are not shown stand in `hidden` too; an empty `columns` is
    the default order. `theme` is None if none was chosen.
    """

    sort: str = "status"
    turned: bool = False
    filter: str = ""
    columns: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    group: str = ""
    theme: str | None = None


def _text(value: object) -> str:
    if not isinstance(value, str) or safe_text(value, MOST_CHARACTERS) != value:
        raise ValueError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise ValueError
    return tuple(_text(each) for each in value)


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


_READ: dict[str, Callable[[object], Any]] = {
    "sort": _text,
    "turned": _flag,
    "filter": _text,
    "columns": _names,
    "hidden": _names,
    "group": _text,
    "theme": _text_or_none,
}


def decode(text: str) -> tuple[Remembered, list[str]]:
    """Return what a file's text says, and which of its fields are not as they should be: those keep their defaults.

    Raises ValueError if the text is no JSON object. Fields that are not known are passed over.
    """
    try:
        said = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(said, dict):
        raise ValueError("no JSON object")
    good: dict[str, Any] = {}
    wrong = []
    for name in (field.name for field in fields(Remembered) if field.name in said):
        try:
            good[name] = _READ[name](said[name])
        except ValueError:
            wrong.append(name)
    return Remembered(**good), wrong


def encode(remembered: Remembered) -> str:
    """Return the text that `decode` reads."""
    return json.dumps(asdict(remembered), indent=1) + "\n"


class Memory:
    """What is remembered, read once and written again when it has changed; of two consoles the last one wins."""

    def __init__(self, path: Path | None) -> None:
        """Read the file at `path`; None remembers nothing beyond this run."""
        self._path = path
        self.value = Remembered() if path is None else _read(path)
        self._written = self.value

    def remember(self, **changed: Any) -> None:
        """Change fields of `value`; the file follows with the next `flush`."""
        self.value = replace(self.value, **changed)

    def flush(self) -> None:
        """Write the file if anything has changed since; what fails is logged and not tried again until then."""
        if self._path is None or self.value == self._written:
            return
        self._written = self.value
        try:
            ensure_private_folder(self._path.parent)
            replace_file(self._path, encode(self.value))
        except OSError as error:
            log.warning("what the console remembers cannot be written to %s: %s", self._path, error.strerror)


def _read(path: Path) -> Remembered:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError("too large")
        remembered, wrong = decode(content.decode("utf-8"))
    except FileNotFoundError:
        return Remembered()
    except OSError as error:
        log.warning("what the console remembers cannot be read from %s: %s", path, error.strerror)
        return Remembered()
    except ValueError:
        log.warning("%s is passed over: it is not what the console remembers", path)
        return Remembered()
    if wrong:
        log.warning("%s of %s passed over: not what the console writes", ", ".join(wrong), path)
    return remembered
