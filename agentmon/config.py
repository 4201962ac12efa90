"""The configuration file: found, read and checked as a whole, each mistake told with its line."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from agentmon.config_items import find, general, items
from agentmon.config_text import name_of
from agentmon.folders import expanded, is_there
from agentmon.toml_lines import Path, leaves, lines_of, place_of
from store.errors import AgentmonError
from store.text import safe_text

if TYPE_CHECKING:
    from store.policy import Setting

MAX_BYTES = 1_000_000
"""A larger file is no configuration of ours."""

MOST_SHOWN = 12
"""How many names are told where another was meant."""


class ConfigRefusedError(AgentmonError):
    """The configuration file cannot be read, or says what cannot be; the message tells the line."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a file says: checked values by path in the units that the program uses, as they were `said`, their lines."""

    path: File | None
    found: bool = False
    said: Mapping[Path, Any] = field(default_factory=dict)
    values: Mapping[Path, Any] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)

    def value(self, *path: str) -> Any:
        """Return what holds for a setting, said or built in; None if that is nothing."""
        if path in self.values:
            return self.values[path]
        item = find(path)
        assert item is not None, path
        return None if item.default is None else item.kind.read(item.default)

    def for_command(self, command: str) -> dict[str, Any]:
        """Return what the file says for the options of a command, by the names of their parameters."""
        return {
            parameter: (not self.values[item.path]) if item.inverted else self.values[item.path]
            for item in items()
            for name, parameter in item.feeds
            if name == command and item.path in self.values
        }

    @property
    def limits(self) -> "dict[str, Setting]":
        """What the file says of thresholds, as `store.policy` has them."""
        return {
            ".".join(path[1:]): float(value) if isinstance(value, bool) else value
            for path, value in self.values.items()
            if path[0] == "thresholds"
        }

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The keys that the file gives to actions."""
        return {path[1]: value for path, value in self.values.items() if path[0] == "keys"}


def load(path: File | None, *, named: bool) -> Config:
    """Read a file and check all of it; one that was not `named` need not exist. Raises `ConfigRefusedError`."""
    text = None if path is None else _text(path, named)
    if path is None or text is None:
        return Config(path)
    tree = _tree(path, text)
    lines = lines_of(text)
    said = sorted(leaves(tree), key=lambda leaf: lines.get(leaf[0], 0))
    try:
        values = {leaf: _checked(leaf, value) for leaf, value in said if value != {} or not _is_table(leaf)}
        config = Config(path, True, dict(said), values, lines)
        _check_together(config)
    except _WrongError as wrong:
        raise ConfigRefusedError(f"{_shown(path)} line {lines.get(wrong.path, 1)}: {wrong.text}") from None
    return config


def load_database(path: File, *, named: bool) -> File | None:
    """Return the database that a file names, None if it names none, without a look at the rest of it."""
    text = _text(path, named)
    if text is None or (said := _tree(path, text).get("database")) is None:
        return None
    try:
        return expanded(File(_checked(("database",), said)))
    except _WrongError as wrong:
        raise ConfigRefusedError(f"{_shown(path)} line {lines_of(text)[wrong.path]}: {wrong.text}") from None


class _WrongError(Exception):
    """What is wrong with a path of the file."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(text)
        self.path, self.text = path, text


def _text(path: File, named: bool) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        if not named and not is_there(path):  # also in a home that is no folder, or another user's
            return None
        raise ConfigRefusedError(f"cannot read {_shown(path)}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigRefusedError(f"{_shown(path)} is larger than a configuration file can be")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigRefusedError(f"{_shown(path)} line {line}: this is no UTF-8 text") from error


def _tree(path: File, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, what = place_of(error, text)
        raise ConfigRefusedError(f"{_shown(path)} line {line}: this is no TOML: {what}") from error


def _shown(path: File) -> str:
    return safe_text(str(path), 1_000)


def _checked(path: Path, value: Any) -> Any:
    item = find(path)
    if item is None:
        raise _unknown(path)
    try:
        return item.kind.read(value)
    except ValueError as error:
        raise _WrongError(path, f"{name_of(path)} {error if str(error) else f'is {item.kind.wanted}'}") from None


def _is_table(path: Path) -> bool:
    one_mount = path[:2] == ("thresholds", "disk") and len(path) == 3
    return one_mount or any(len(item.path) > len(path) and item.path[: len(path)] == path for item in items())


def _unknown(path: Path) -> _WrongError:
    """Return that there is no such setting or table, and what there is."""
    if path[:2] == ("thresholds", "disk") and len(path) == 3:
        return _WrongError(path, f'there is no setting {name_of(path)}; a mount has a table, [thresholds.disk."/var"]')
    if _is_table(path):
        return _WrongError(path, f"{name_of(path)} is a table: [{name_of(path)}]")
    depth = next(i for i in range(1, len(path) + 1) if i == len(path) or not _is_table(path[:i]))
    wrong, table = path[:depth], path[: depth - 1]
    if find(wrong):
        return _WrongError(wrong, f"{name_of(wrong)} is no table")
    known = [item.path for item in items() if item.path[: depth - 1] == general(wrong)[:-1]]
    beside = list(dict.fromkeys(each[depth - 1] for each in known))
    text = f"there is no {'setting' if wrong == path else 'table'} {name_of(wrong)}"
    if close := difflib.get_close_matches(wrong[-1], beside, 1):
        return _WrongError(wrong, f"{text}; did you mean {name_of((*table, close[0]))}?")
    others = "agentmon config show lists them" if len(beside) > MOST_SHOWN else f"there is {', '.join(beside)}"
    return _WrongError(wrong, f"{text}; {others}")


def _check_together(config: Config) -> None:
    """Check what single values cannot tell: retention, limits and keys among themselves."""
    _check_retention(config)
    _check_limits(config)
    _check_keys(config)


def _check_retention(config: Config) -> None:
    from store.tiers import Retention

    names = [item.path for item in items() if item.path[0] == "retention"]
    try:
        Retention(*(round(config.value(*name) * 1000) for name in names))
    except ValueError as error:
        said = [name for name in names if name in config.values]
        raise _WrongError(max(said, key=_line(config)), f"retention: {error}") from None


def _check_limits(config: Config) -> None:
    from store.errors import ChangeRefusedError
    from store.policy import checked

    try:
        checked({}, {}, config.limits)
    except ChangeRefusedError as error:
        # The message begins with the metric or mount.
        about = [path for path in config.values if str(error).startswith(f"{safe_text('.'.join(path[1:-1]))} ")]
        limits = [path for path in config.values if path[0] == "thresholds"]
        raise _WrongError(max(about or limits, key=_line(config)), f"thresholds: {error}") from None


def _check_keys(config: Config) -> None:
    from tui.keymap import clash, untypable

    if found := clash(config.keys):
        name, other, key, room = found
        text = f"keys.{name} cannot be {key}, the key of {other} (screen {room.value})"
        raise _WrongError(("keys", name), text)
    if name := untypable(config.keys) or "":
        raise _WrongError(("keys", name), f'keys.{name} needs a key that types nothing, such as "f2": one types there')


def _line(config: Config) -> Any:
    return lambda path: config.lines.get(path, 0)
