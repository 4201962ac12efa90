"""Every setting that the configuration file may have: what is read, checked, shown and written comes from here."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import click

from agentmon.config_kinds import Choice, Flag, KeyList, Kind, Limit, NetworkList, Number, Span, Text
from agentmon.config_text import name_of
from agentmon.options import FiniteRange, is_url
from agentmon.times import MAX_DURATION_S, Duration
from agentmon.toml_lines import Path

ANY_MOUNT = "*"
"""Stands for the mount in the paths of settings that each mount may have."""

EXAMPLE_MOUNT = "/var"

SECTIONS = {
    "serve": "How the receiver runs.",
    "retention": "How long history is kept.",
    "console": "The console, of `serve --tui` and of `tui`.",
    "tui": "Of `agentmon tui` alone.",
    "notifications": "When people are told; where to is said with `agentmon notify add`.",
    "thresholds": "What is too long or too high, for all servers. What is set in the console goes before it.",
    "keys": "The console's keys: a key, or a list of them.",
}
"""The tables of the file, in its order, and what is in them."""


@dataclass(frozen=True, slots=True)
class Item:
    """A setting: its path, its kind, its default as TOML has it (None: unset), what it does.

    `feeds` are the commands and the parameters that take it, `inverted` where those say the contrary; `example`
    stands for the default where there is none.
    """

    path: Path
    kind: Kind
    default: Any
    help: str
    feeds: tuple[tuple[str, str], ...] = ()
    inverted: bool = False
    example: Any = None

    @property
    def name(self) -> str:
        """How people write it: `console.theme`, `thresholds.disk."/var".warn`."""
        return name_of(self.path)


@cache
def items() -> tuple[Item, ...]:
    """Return all settings in the order of the file."""
    return (
        Item(
            ("database",),
            Text("an absolute path, or one that begins with ~", _is_path),
            None,
            "The database; without it, one in the user's data directory.",
            example="/var/lib/agentmon/agentmon.db",
        ),
        *_serve(),
        *_console(),
        *_notifications(),
        *_thresholds(),
        *_keys(),
    )


def find(path: Path) -> Item | None:
    """Return the setting of a path, None if there is none."""
    return next((item for item in items() if item.path == general(path)), None)


def general(path: Path) -> Path:
    """Return the path with any mount in the place of the one that it names."""
    return (*path[:2], ANY_MOUNT, path[3]) if len(path) == 4 and path[:2] == ("thresholds", "disk") else path


def _serve() -> Iterator[Item]:
    yield _option("serve", "host", "host", example="192.0.2.1", kind=Text("a host name or address", _is_word))
    yield _option("serve", "port", "port")
    yield _option(
        "serve",
        "public_url",
        "public_url",
        example="https://monitor.example.org",
        kind=Text("http://HOST:PORT or https://HOST:PORT", is_url),
    )
    for name, example in (("tls_cert", "/etc/agentmon/cert.pem"), ("tls_key", "/etc/agentmon/key.pem")):
        path = Text("an absolute path, or one that begins with ~", _is_path)
        yield _option("serve", name, name, kind=path, example=example)
    yield _option("serve", "self", "with_self")
    yield _option("serve", "max_report_rate", "max_report_rate")
    yield _option("serve", "max_per_address", "max_per_address")
    yield _option("serve", "trusted_proxy", "trusted_proxy", kind=NetworkList(), example=["127.0.0.1", "10.0.0.0/8"])
    yield _option("serve", "allow_network_filesystem", "allow_network_filesystem")
    yield _option("serve", "keep_serving", "keep_serving")
    for name in ("keep_raw", "keep_5m", "keep_1h"):
        yield _option("retention", name, name)


def _console() -> Iterator[Item]:
    both = ("serve", "tui")
    yield _option("console", "theme", "theme", commands=both)
    yield Item(
        ("console", "mouse"), Flag(), True, "Heed the mouse; without, the terminal selects text with it.",
        tuple((command, "no_mouse") for command in both), inverted=True,
    )  # fmt: skip
    yield _option("console", "bell", "bell", commands=both)
    yield _option("tui", "read_only", "read_only", commands=("tui",))


def _option(
    section: str,
    key: str,
    parameter: str,
    *,
    commands: tuple[str, ...] = ("serve",),
    kind: Kind | None = None,
    example: Any = None,
) -> Item:
    """Return the setting that feeds an option of commands; the option itself says what it takes."""
    from agentmon.serve import serve, tui

    command = {"serve": serve, "tui": tui}[commands[0]]
    option = next(each for each in command.params if each.name == parameter)
    assert isinstance(option, click.Option)
    default = False if option.is_flag else option.default if isinstance(option.default, str | int | float) else None
    feeds = tuple((name, parameter) for name in commands)
    return Item((section, key), kind or _kind_of(option), default, option.help or "", feeds, example=example)


def _kind_of(option: click.Option) -> Kind:
    match option.type:
        case Duration(zero=zero):
            return Span(MAX_DURATION_S, or_none=zero)
        case click.IntRange(min=int(least), max=int(most)):
            return Number(least, most, whole=True)
        case FiniteRange(min=least, max=most):
            return Number(least or 0.0, math.inf if most is None else most)
        case click.Choice(choices=words):
            return Choice(tuple(words))
        case _ if option.is_flag:
            return Flag()
    raise TypeError(f"no kind of setting is like --{option.name}")


def _notifications() -> Iterator[Item]:
    from server.alerts import HOLD_S

    yield _option("notifications", "remind_every", "remind_every")
    yield Item(
        ("notifications", "hold"),
        Span(3600.0, or_none=True),
        _span(HOLD_S),
        "Wait so long for others that fail too, and tell of all at once.",
    )


def _thresholds() -> Iterator[Item]:
    from store.policy import BUILT_IN, DEADLINES, DISK, FOR, IGNORE, LATE, LIMITS, MAX_DEADLINE_S, MAX_FOR_S, METRICS
    from store.policy import MAX_LOAD as MOST_LOAD

    said = {
        "warn": "Warning from here on; off: never.",
        "crit": "Critical from here on; off: never.",
        FOR: "Only once it lasts so long.",
    }

    def of(metric: str, limit: str) -> tuple[Kind, Any]:
        value = BUILT_IN[f"{metric}.{limit}"]
        if limit == FOR:
            return Span(MAX_FOR_S, or_none=True), _span(float(value))
        return (Limit(MOST_LOAD) if metric == "load" else Limit(100, " percent")), _plain(value)

    for key in DEADLINES:
        text = "Late after so long without a report, or 1.5 times its usual interval if that is longer."
        if key != LATE:
            text = "Down after so long; without it, 5 minutes or 3 usual intervals, the longer."
        default = _span(float(BUILT_IN[key])) if key in BUILT_IN else None
        yield Item(("thresholds", key), Span(MAX_DEADLINE_S), default, text, example="15m")
    for metric in (*METRICS, DISK):
        for limit in LIMITS:
            yield Item(("thresholds", metric, limit), *of(metric, limit), said[limit])
    for limit in LIMITS:
        kind, example = of(DISK, limit)
        yield Item(("thresholds", DISK, ANY_MOUNT, limit), kind, None, said[limit], example=example)
    text = "Raise no alert for this mount."
    yield Item(("thresholds", DISK, ANY_MOUNT, IGNORE), Flag(), None, text, example=True)


def _keys() -> Iterator[Item]:
    from tui.actions import ACTIONS

    seen = set()
    for action in ACTIONS:
        if action.id not in seen:
            seen.add(action.id)
            keys = list(action.keys)
            yield Item(("keys", action.id), KeyList(), keys[0] if len(keys) == 1 else keys, f"{action.help}.")


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _plain(value: float | str) -> float | int | str:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_path(text: str) -> bool:
    return text.startswith(("/", "~")) and text.isprintable()


def _is_word(text: str) -> bool:
    return bool(text) and text.isprintable() and not any(map(str.isspace, text))
