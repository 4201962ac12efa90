"""What is asked of a server: how long it may be silent and which readings are too high.

Settings are what people typed, by key: `late_after`, `down_after` (seconds), `cpu.warn`, `cpu.crit`, `cpu.for` and
so on for every metric, `disk./var.warn` for one mount, `disk./var.ignore`. A server's own settings go before the
defaults for all, those before what the configuration file says, and that before what is built in. A policy is what
results for one server.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from store.durations import duration, parse_duration
from store.errors import ChangeRefusedError
from store.text import safe_text

Setting = float | Literal["off"]
Settings = Mapping[str, Setting]
"""Settings that were made; what is not in it has its default."""

Changes = Mapping[str, Setting | None]
"""Settings to make; None returns to the default."""

METRICS = ("cpu", "iowait", "memory", "swap", "load")
"""What has one value a report; usages are percent, load is that of one minute."""

DISK = "disk"
LATE, DOWN = "late_after", "down_after"
DEADLINES = (LATE, DOWN)
WARN, CRIT, FOR, IGNORE = "warn", "crit", "for", "ignore"
LIMITS = (WARN, CRIT, FOR)

BUILT_IN: Settings = {
    LATE: 90.0,
    **{f"{metric}.{limit}": value for metric in ("cpu", "memory") for limit, value in ((WARN, 80.0), (CRIT, 90.0))},
    "iowait.warn": 20.0,
    "iowait.crit": 40.0,
    "swap.warn": 60.0,
    "swap.crit": 80.0,
    "load.warn": "off",
    "load.crit": "off",
    **{f"{metric}.{FOR}": 300.0 for metric in METRICS},
    "disk.warn": 80.0,
    "disk.crit": 90.0,
    "disk.for": 0.0,
}
"""`down_after` is not in it: unless set, it follows from the learned interval."""

LATE_INTERVALS = 1.5
DOWN_AFTER_S = 300.0
DOWN_INTERVALS = 3.0
"""From when on silence is late, and down: in seconds, and in learned intervals, whichever is longer."""

MAX_DEADLINE_S = 366 * 86400.0
MAX_FOR_S = 86400.0
MAX_LOAD = 1e6
MAX_MOUNT = 1024
"""Characters, as in a report."""

MAX_SETTINGS = 2_000
"""Of one server: three for each of more mounts than a report may hold would not be."""


class Level(StrEnum):
    """How bad a reading is."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Limits:
    """From which values on a reading is too high (None: never), once it has been so for `for_s` seconds."""

    warn: float | None
    crit: float | None
    for_s: float

    def level(self, value: float | None) -> Level | None:
        """Return how bad a value is by itself, however long it has lasted; None if it is not."""
        if value is None:
            return None
        if self.crit is not None and value >= self.crit:
            return Level.CRITICAL
        return Level.WARNING if self.warn is not None and value >= self.warn else None


@dataclass(frozen=True, slots=True)
class Breach:
    """A reading that is too high: which, how bad, the last value, the limit it broke, since when (ms)."""

    metric: str
    mount: str | None
    level: Level
    value: float
    limit: float
    since: int


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for all servers that have nothing of their own.

    `settings` are what people set, and go before `configured`, which the receiver's configuration file says.
    """

    settings: Settings = field(default_factory=dict)
    configured: Settings = field(default_factory=dict)

    @property
    def merged(self) -> Settings:
        """Both as one."""
        return {**self.configured, **self.settings}


NO_LIMITS = Limits(None, None, 0.0)


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one server; `down_after_s` None means that it follows from the learned interval.

    `mounts` has the mounts with limits of their own; `NO_LIMITS` for those that are ignored.
    """

    late_after_s: float
    down_after_s: float | None
    metrics: Mapping[str, Limits]
    disk: Limits
    mounts: Mapping[str, Limits] = field(default_factory=dict)

    def late_s(self, interval_s: float | None) -> float:
        """Return the silence in seconds after which a server that reports so often is late."""
        return max(self.late_after_s, LATE_INTERVALS * (interval_s or 0.0))

    def down_s(self, interval_s: float | None) -> float:
        """Return the silence in seconds after which it is down: what was set, else learned from its interval."""
        if self.down_after_s is not None:
            return self.down_after_s
        return max(DOWN_AFTER_S, DOWN_INTERVALS * (interval_s or 0.0))

    def limits(self, metric: str, mount: str | None = None) -> Limits:
        """Return the limits of a metric, or of a mount."""
        if metric == DISK:
            return self.disk if mount is None else self.mounts.get(mount, self.disk)
        return self.metrics[metric]

    def ignores(self, mount: str) -> bool:
        """Return whether a mount is to be left out of account; one whose limits are merely off is not."""
        return self.mounts.get(mount) is NO_LIMITS


def make_policy(defaults: Settings, own: Settings) -> Policy:
    """Return what holds for a server with these settings of its own."""
    late, down = (_number(own.get(key, defaults.get(key, BUILT_IN.get(key)))) for key in DEADLINES)
    assert late is not None
    mounts = {mount for settings in (defaults, own) for mount in map(mount_of, settings) if mount is not None}
    return Policy(
        late_after_s=late,
        down_after_s=down,
        metrics={metric: _limits(metric, None, defaults, own) for metric in METRICS},
        disk=_limits(DISK, None, defaults, own),
        mounts={mount: _limits(DISK, mount, defaults, own) for mount in sorted(mounts)},
    )


def effective(key: str, defaults: Settings, own: Settings) -> Setting | None:
    """Return the value that holds for a key, None if there is none.

    What is said of a mount goes before what is said of all mounts, whoever says it.
    """
    mount = mount_of(key)
    general = key if mount is None else f"{DISK}.{key.rpartition('.')[2]}"
    for settings, name in ((own, key), (defaults, key), (own, general), (defaults, general), (BUILT_IN, general)):
        if name in settings:
            return settings[name]
    return None


def _limits(metric: str, mount: str | None, defaults: Settings, own: Settings) -> Limits:
    prefix = f"{metric}." if mount is None else f"{metric}.{mount}."
    if effective(prefix + IGNORE, defaults, own):
        return NO_LIMITS
    warn, crit, for_s = (_number(effective(prefix + limit, defaults, own)) for limit in LIMITS)
    return Limits(warn, crit, for_s or 0.0)


def _number(setting: Setting | None) -> float | None:
    return None if setting is None or setting == "off" else setting


def mount_of(key: str) -> str | None:
    """Return the mount that a key is about; None if it is about no single one."""
    mount, dot, _ = key.removeprefix(f"{DISK}.").rpartition(".")
    return mount if dot and key.startswith(f"{DISK}.") else None


@lru_cache(maxsize=4096)
def read_policy(defaults: str, own: str) -> Policy:
    """Return the policy of settings as the store keeps them; most servers share one."""
    return make_policy(json.loads(defaults), json.loads(own))


DEFAULT_POLICY = make_policy({}, {})


def parse_setting(text: str) -> dict[str, Setting | None]:
    """Return what `cpu.warn=70`, `down_after=15m`, `disk./var=ignore` or `load.crit=default` asks to set.

    A number, a time where the setting is one, `off` for a limit, or `default`. Raises `ChangeRefusedError` with a
    line that says what is wrong.
    """
    key, equals, value = text.rpartition("=")
    if not equals or not key:
        raise ChangeRefusedError(f"{safe_text(text)} is not KEY=VALUE")
    if key.startswith(f"{DISK}.") and value in ("ignore", "default") and not _is_key(key):
        return _whole_mount(key, value)
    _require_key(key)
    if value == "default":
        return {key: None}
    if value == "off" and key.endswith((f".{WARN}", f".{CRIT}")):
        return {key: "off"}
    return {key: _parse_value(key, value)}


def _whole_mount(key: str, value: str) -> dict[str, Setting | None]:
    unset: dict[str, Setting | None] = {f"{key}.{limit}": None for limit in (*LIMITS, IGNORE)}
    return unset if value == "default" else unset | {f"{key}.{IGNORE}": 1.0}


def _parse_value(key: str, text: str) -> float:
    if key in DEADLINES or key.endswith(f".{FOR}"):
        number = parse_duration(text)
        wanted = "a time like 90s, 15m or 2h"
    else:
        number, wanted = _parse_number(text), "a number or off"
    if number is None:
        raise ChangeRefusedError(f"{safe_text(key)} is {wanted}, or default")
    return number


def _parse_number(text: str) -> float | None:
    try:
        return float(text.strip().removesuffix("%")) if "_" not in text else None
    except ValueError:
        return None


def checked(beneath: Settings, own: Settings, changes: Changes) -> Settings:
    """Return settings after changes: a server's own over the defaults `beneath`, or defaults over what is configured.

    Raises `ChangeRefusedError` if a key is unknown, a value is out of bounds, or a warning would come after its
    critical limit.
    """
    for key, value in changes.items():
        _require_key(key)
        if value is not None:
            _require_bounds(key, value)
    after = {key: value for key, value in {**own, **changes}.items() if value is not None}
    if len(after) > MAX_SETTINGS:
        raise ChangeRefusedError(f"more than {MAX_SETTINGS} settings are too many")
    policy = make_policy(beneath, after)
    for limits, name in [*((policy.metrics[m], m) for m in METRICS), (policy.disk, DISK), *_named(policy.mounts)]:
        if limits.warn is not None and limits.crit is not None and limits.warn > limits.crit:
            raise ChangeRefusedError(
                f"{name} would be critical from {limits.crit:g}, before the warning from {limits.warn:g}"
            )
    return after


def _named(mounts: Mapping[str, Limits]) -> list[tuple[Limits, str]]:
    return [(limits, f"{DISK}.{safe_text(mount)}") for mount, limits in mounts.items()]


def _is_key(key: str) -> bool:
    name, _, limit = key.rpartition(".")
    if key in DEADLINES:
        return True
    if (mount := mount_of(key)) is not None:
        return 0 < len(mount) <= MAX_MOUNT and limit in (*LIMITS, IGNORE)
    return name in (*METRICS, DISK) and limit in LIMITS


def _require_key(key: str) -> None:
    if not _is_key(key):
        known = f"{', '.join(DEADLINES)}, and {', '.join((*METRICS, DISK))} with .warn, .crit or .for"
        raise ChangeRefusedError(f"{safe_text(key)} cannot be set; {known} can, and {DISK}./MOUNT.warn")


def _require_bounds(key: str, value: Setting) -> None:
    if value == "off":
        if not key.endswith((f".{WARN}", f".{CRIT}")):
            raise ChangeRefusedError(f"{safe_text(key)} cannot be off")
    elif key.endswith(f".{IGNORE}"):
        if value not in (0, 1):
            raise ChangeRefusedError(f"{safe_text(key)} is 1 or 0")
    elif key in DEADLINES:
        _require_within(key, value, MAX_DEADLINE_S, f"seconds ({duration(MAX_DEADLINE_S)})")
    elif key.endswith(f".{FOR}"):
        if not 0 <= value <= MAX_FOR_S:
            raise ChangeRefusedError(
                f"{safe_text(key)} is at least 0 and at most {MAX_FOR_S:.0f} seconds ({duration(MAX_FOR_S)})"
            )
    elif key.startswith("load."):
        _require_within(key, value, MAX_LOAD, "")
    else:
        _require_within(key, value, 100.0, "percent")


def _require_within(key: str, value: float, most: float, unit: str) -> None:
    if not 0 < value <= most:
        raise ChangeRefusedError(f"{safe_text(key)} is more than 0 and at most {most:.0f} {unit}".rstrip())
