"""What the limits screen shows and understands: pure functions on settings and what is typed to change them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from store.durations import duration
from store.errors import ChangeRefusedError
from store.models import Monitor, Report
from store.policy import (
    DEADLINES,
    DISK,
    DOWN_AFTER_S,
    DOWN_INTERVALS,
    FOR,
    IGNORE,
    LATE,
    LATE_INTERVALS,
    LIMITS,
    METRICS,
    Changes,
    Limits,
    Setting,
    Settings,
    checked,
    effective,
    make_policy,
    mount_of,
    parse_setting,
)
from store.text import safe_text
from store.wording import METRIC_WORDS, value_words
from tui import draw

READINGS: dict[str, Callable[[Report], float | None]] = {
    "cpu": lambda report: report.cpu_usage,
    "iowait": lambda report: report.cpu_iowait,
    "memory": lambda report: report.memory_usage,
    "swap": lambda report: report.swap_usage,
    "load": lambda report: report.load_1m,
}


class Source(StrEnum):
    """Where a value comes from."""

    OWN = "own"
    DEFAULT = "default"
    CONFIG = "config"
    DISK = "as disk"
    BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a line: how it is shown, how it would be typed, and where it comes from."""

    shown: str
    typed: str
    source: Source


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a deadline with one value, or a metric or mount with warning, critical and for how long.

    `now` is the present reading and `level` how bad it is; on the defaults, `now` counts who has values of their own.
    """

    name: str
    label: str
    values: tuple[Value, ...]
    now: str = ""
    level: draw.Level = "none"
    ignored: bool = False

    @property
    def mount(self) -> str | None:
        """The mount that the line is about, None if it is about no single one."""
        return mount_of(f"{self.name}.{FOR}")

    @property
    def keys(self) -> list[str]:
        """The settings that belong to the line."""
        if self.name in DEADLINES:
            return [self.name]
        return [f"{self.name}.{limit}" for limit in ((*LIMITS, IGNORE) if self.mount is not None else LIMITS)]

    @property
    def sources(self) -> str:
        """Where the values come from, in words."""
        return ", ".join(dict.fromkeys(value.source.value for value in self.values))

    @property
    def typed(self) -> str:
        """What one would type to have the line as it is."""
        return " ".join(value.typed for value in self.values)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose settings they are: a server's, or the defaults of all if `monitor` is None.

    `defaults` are what people set, `configured` what the receiver's configuration file says.
    """

    defaults: Settings
    monitor: Monitor | None = None
    configured: Settings = field(default_factory=dict)

    @property
    def own(self) -> Settings:
        """What the server has of its own."""
        return self.monitor.settings if self.monitor else {}

    @property
    def edited(self) -> Settings:
        """The settings that a change would change."""
        return self.own if self.monitor else self.defaults

    @property
    def beneath(self) -> Settings:
        """What holds where `edited` says nothing."""
        return {**self.configured, **self.defaults} if self.monitor else self.configured

    def value(self, key: str) -> Setting | None:
        """Return the value that holds for a key."""
        return effective(key, self.beneath, self.edited)

    def source(self, key: str) -> Source:
        """Return where the value of a key comes from."""
        if key in self.own:
            return Source.OWN
        if key in self.defaults:
            return Source.DEFAULT
        if key in self.configured:
            return Source.CONFIG
        return Source.BUILT_IN if mount_of(key) is None else Source.DISK

    def after(self, changes: Changes) -> "Scope":
        """Return the scope once changes are made; raises `ChangeRefusedError` if they cannot be."""
        settings = checked(self.beneath, self.edited, changes)
        if self.monitor is None:
            return replace(self, defaults=settings)
        return replace(self, monitor=replace(self.monitor, settings=settings))


def rows(scope: Scope, fleet: Collection[Monitor] = ()) -> list[Row]:
    """Return all lines of a scope; on the defaults, `fleet` is asked who has values of their own."""
    found = [_deadline(scope, key) for key in DEADLINES]
    found += [_limits_row(scope, metric, METRIC_WORDS[metric]) for metric in METRICS]
    found.append(_limits_row(scope, DISK, "disk"))
    found += [_limits_row(scope, f"{DISK}.{mount}", f"  {draw.safe(mount, 1024)}") for mount in _mounts(scope)]
    return [_with_reading(scope.monitor, row) if scope.monitor else _with_count(fleet, row) for row in found]


def _mounts(scope: Scope) -> list[str]:
    reported = (
        [usage.mount for usage in scope.monitor.report.disk_usage] if scope.monitor and scope.monitor.report else []
    )
    named = {mount for key in (*scope.own, *scope.defaults, *scope.configured) if (mount := mount_of(key)) is not None}
    return [*reported, *sorted(named.difference(reported))]


def short(seconds: float) -> str:
    """Return a span of time as one word that can be typed: "90s", "5m", "2h"."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{plain(seconds / size)}{unit}"
    return f"{plain(seconds)}s"


def plain(number: float) -> str:
    """Return a number as one types it, without an exponent."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _deadline(scope: Scope, key: str) -> Row:
    setting, source = scope.value(key), scope.source(key)
    interval_s = scope.monitor.interval_s if scope.monitor else None
    factor = LATE_INTERVALS if key == LATE else DOWN_INTERVALS
    least = DOWN_AFTER_S if setting is None else float(setting)
    shown = short(least)
    if key == LATE or setting is None:
        # What follows from the interval holds where it is longer.
        if scope.monitor is None:
            shown += f", or {factor:g} intervals"
        elif interval_s and factor * interval_s > least:
            shown += f", or {factor:g} intervals: {duration(factor * interval_s)}"
    label = "late after" if key == LATE else "down after"
    return Row(key, label, (Value(shown, "default" if setting is None else short(float(setting)), source),))


def _limits_row(scope: Scope, name: str, label: str) -> Row:
    ignore = f"{name}.{IGNORE}"
    if mount_of(ignore) is not None and scope.value(ignore):
        return Row(name, label, (Value("ignored", "ignore", scope.source(ignore)),), ignored=True)
    return Row(name, label, tuple(_limit(scope, name, limit) for limit in LIMITS))


def _limit(scope: Scope, name: str, limit: str) -> Value:
    key = f"{name}.{limit}"
    setting, source = scope.value(key), scope.source(key)
    if setting is None or setting == "off":
        return Value("off", "off", source)
    if limit == FOR:
        return Value(duration(setting) if setting else "at once", short(setting), source)
    return Value(plain(setting) if name == "load" else f"{plain(setting)}%", plain(setting), source)


def _with_reading(monitor: Monitor, row: Row) -> Row:
    value, metric = _reading(monitor.report, row), row.name if row.mount is None else DISK
    if value is None:
        return replace(row, now="" if row.name in (*DEADLINES, DISK) else draw.NONE)
    level = draw.level(value, monitor.policy.limits(metric, row.mount))
    return replace(row, now=value_words(metric, value), level=level)


def _reading(report: Report | None, row: Row) -> float | None:
    if report is None:
        return None
    if row.mount is not None:
        return next((usage.usage for usage in report.disk_usage if usage.mount == row.mount), None)
    read = READINGS.get(row.name)
    return read(report) if read else None


def _with_count(fleet: Collection[Monitor], row: Row) -> Row:
    keys = set(row.keys)
    count = sum(1 for monitor in fleet if keys & monitor.settings.keys())
    return replace(row, now=str(count) if count else "")


def wanted(row: Row) -> str:
    """Return what can be typed for a line."""
    if row.name in DEADLINES:
        return "a time like 90s, 15m or 2h; default"
    values = "warning, critical, for how long" + (": 4 8 5m" if row.name == "load" else ": 80 90 5m")
    return f"{values}; off for no limit; default" + ("; ignore" if row.mount is not None else "")


def parse(scope: Scope, row: Row, text: str) -> Changes:
    """Return the settings that a typed line changes; raises `ChangeRefusedError` if it cannot be meant.

    Words that stand as they stood, and those left out at the end, change nothing.
    """
    words = text.split()
    if not words:
        raise ChangeRefusedError(wanted(row))
    if row.name in DEADLINES:
        return {} if words == [row.typed] else parse_setting(f"{row.name}={text.strip()}")
    if words == ["default"]:
        return reset(scope, row)
    if words == ["ignore"] and row.mount is not None:
        return {} if row.ignored else ignore_or_heed(scope, row)
    if len(words) > len(LIMITS):
        raise ChangeRefusedError("at most three: warning, critical, for how long")
    changes = dict(ignore_or_heed(scope, row)) if row.ignored else {}
    before = [""] * len(LIMITS) if row.ignored else [value.typed for value in row.values]
    for limit, word, old in zip(LIMITS, words, before, strict=False):
        if word.removesuffix("%") != old:
            changes |= parse_setting(f"{row.name}.{limit}={word}")
    return changes


def reset(scope: Scope, row: Row) -> Changes:
    """Return what takes a line back to its default; empty if it is there."""
    return dict.fromkeys((key for key in row.keys if key in scope.edited), None)


def ignore_or_heed(scope: Scope, row: Row) -> Changes:
    """Return what turns round whether a mount is ignored; empty for a line of no single mount."""
    if row.mount is None:
        return {}
    key = f"{row.name}.{IGNORE}"
    otherwise = bool(effective(key, scope.beneath, {}))
    return {key: None if otherwise is not row.ignored else float(not row.ignored)}


def meaning(scope: Scope, row: Row, text: str) -> str:
    """Return what a typed line would bring about, in words; raises `ChangeRefusedError` if that cannot be."""
    changes = parse(scope, row, text)
    if not changes:
        return "as it is now"
    after = scope.after(changes)
    if row.name in DEADLINES:
        return f"{row.label} {_deadline(after, row.name).values[0].shown}"
    if row.mount is not None and after.value(f"{row.name}.{IGNORE}"):
        return "ignored: raises no alert and has no colour"
    policy = make_policy(after.beneath, after.edited)
    metric = row.name if row.mount is None else DISK
    return limits_words(metric, policy.limits(metric, row.mount))


def limits_words(metric: str, limits: Limits) -> str:
    """Return limits in words: "warning from 70%, critical from 90%, once it lasts 5m"."""
    shown = (
        (word, limit) for word, limit in (("warning", limits.warn), ("critical", limits.crit)) if limit is not None
    )
    parts = [f"{word} from {plain(limit)}{'' if metric == 'load' else '%'}" for word, limit in shown]
    if not parts:
        return "no limit"
    return ", ".join([*parts, f"once it lasts {duration(limits.for_s)}" if limits.for_s else "at once"])


def summary(scope: Scope, fleet: Collection[Monitor]) -> str:
    """Return in one line what a scope's settings are good for."""
    if scope.monitor is not None:
        count = len(scope.own)
        values = "nothing of its own" if not count else "1 value of its own" if count == 1 else f"{count} of its own"
        return f"{values}; the rest as for all servers"
    others = sum(1 for monitor in fleet if monitor.settings)
    return f"{'1 server' if len(fleet) == 1 else f'{len(fleet)} servers'}, {others or 'none'} with values of its own"


def title_of(scope: Scope) -> str:
    """Return whose limits they are."""
    return f"Limits of {safe_text(scope.monitor.name, 64)}" if scope.monitor else "Defaults for all servers"


def describe(scope: Scope, row: Row) -> str:
    """Return a line in words: "CPU: warning from 80%, critical from 90%, once it lasts 5m"."""
    if row.name in DEADLINES:
        what = "silent longer than" if row.name == LATE else "silent for"
        longer = " (the longer)" if ", or" in row.values[0].shown else ""
        return f"{row.label.split()[0]} when {what} {row.values[0].shown}{longer}"
    label = "disk, every mount" if row.name == DISK else f"{DISK} {row.label.strip()}" if row.mount else row.label
    if row.ignored:
        return f"{label}: ignored, raises no alert and has no colour"
    policy = make_policy(scope.beneath, scope.edited)
    metric = row.name if row.mount is None else DISK
    return f"{label}: {limits_words(metric, policy.limits(metric, row.mount))}"
