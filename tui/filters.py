"""The filter language of the fleet: what one types to see some servers alone. Pure.

Words stand side by side and must all be true: plain text, `status:down,late`, `tag:web`, `cpu>80`, `disk:/var>=90`;
`!` before a word turns it round, double quotes keep spaces and take what they hold as plain text.
"""

import operator
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from store.agents import is_old
from store.durations import parse_duration
from store.models import Monitor, Status
from tui.widgets.fleet_order import soonest_full

Test = Callable[[Monitor, int], bool]
"""Whether a monitor is wanted at a time (ms)."""

HELP = (
    ("web debian", "in name, status, host, OS, address or tags"),
    ("status:down,late", "one of them; also tag: name: host: os: agent:"),
    ("cpu>80 load>=4", "mem swap iowait disk rx tx age full, < <= ="),
    ("disk:/var>80 rx>1M age>5m", "a mount; bytes a second; a time in s m h d"),
    ('!tag:lab "two words"', "! inverts a word; quotes keep spaces"),
)
"""The language by examples and what they mean."""


class FilterError(ValueError):
    """A word that means nothing; its text says what would, in a few words."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed, in `text`.

    `hint` says how a word goes on that is not finished; it filters nothing yet. `moving` is true if time alone
    changes what matches.
    """

    text: str = ""
    tests: tuple[Test, ...] = ()
    hint: str = ""
    moving: bool = False

    def matches(self, monitor: Monitor, now: int) -> bool:
        """Return whether a monitor is wanted at `now` (ms)."""
        return all(test(monitor, now) for test in self.tests)

    def select(self, monitors: Iterable[Monitor], now: int) -> list[Monitor]:
        """Return those that are wanted at `now` (ms)."""
        return [monitor for monitor in monitors if self.matches(monitor, now)]


class _UnfinishedError(Exception):
    """A word of which more is to come; its text says what."""


_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_NAMED = re.compile(r"([a-z]+):(.*)", re.IGNORECASE)
_MOVING = re.compile(r"(age|full)[<>=]", re.IGNORECASE)
_COMPARED = re.compile(r"([a-z]+)(?::(.*[^<>=]))?(>=|<=|>|<|=)([^<>=]*)", re.IGNORECASE)


def parse(text: str) -> Filter:
    """Return the filter that a text means; raises `FilterError` on the first word that means nothing."""
    tests: list[Test] = []
    hint, moving = "", False
    for word in _WORD.findall(text):
        bare = word.removeprefix("!")
        try:
            test = _test_of(bare)
        except _UnfinishedError as unfinished:
            hint = str(unfinished)
            continue
        tests.append(partial(_is_not, test) if bare != word else test)
        moving = moving or _MOVING.match(bare) is not None
    return Filter(text, tuple(tests), hint, moving)


def _is_not(test: Test, monitor: Monitor, now: int) -> bool:
    return not test(monitor, now)


def _test_of(word: str) -> Test:
    if not word:
        raise _UnfinishedError("! turns a word round")
    plain = word.replace('"', "")
    # What begins with a quote is text, whatever it looks like.
    if not word.startswith('"') and (compared := _COMPARED.fullmatch(plain)):
        return _comparison(compared[1].casefold(), compared[2], compared[3], compared[4])
    if not word.startswith('"') and (named := _NAMED.fullmatch(plain)):
        return _choice(named[1].casefold(), named[2])
    return partial(_has_text, _folded(plain))


def _folded(text: str) -> str:
    """Return a text as it is compared: without regard to capitals and to how an accent is encoded."""
    return unicodedata.normalize("NFC", text.casefold())


def _has_text(word: str, monitor: Monitor, _now: int) -> bool:
    """Return whether a word stands in what is known of a monitor.

    One with a dot or colon may stand in the address too; without them, each digit would match somewhere in it.
    """
    report = monitor.report
    facts = (monitor.name, monitor.status.value, report and report.hostname, report and report.os, *monitor.tags)
    if any(word in _folded(fact) for fact in facts if fact):
        return True
    return ("." in word or ":" in word) and word in (monitor.address or "").casefold()


# Words like status:down: a name, and what it may be.


def _choice(name: str, wanted: str) -> Test:
    choices = [part for part in _folded(wanted).split(",") if part]
    if name in ("status", "is"):
        return partial(_has_status, _statuses(name, choices))
    if name == "tag":
        return partial(_has_tag, frozenset(_some(choices, "tag: a tag, or several with commas")))
    if name == "agent":
        return partial(_has_agent, _some(choices, "agent: old, or a version, kind or system"))
    if name in _TEXTS:
        return partial(_says, _TEXTS[name], _some(choices, f"{name}: a part of it"))
    if name == "disk":
        raise _UnfinishedError("disk:/mount>80")
    raise FilterError(f"there is no {name}: to look for")


def _some(choices: list[str], hint: str) -> list[str]:
    if not choices:
        raise _UnfinishedError(hint)
    return choices


def _statuses(name: str, choices: list[str]) -> frozenset[Status]:
    """Return the statuses that begin like one of the choices: one need not type them to the end."""
    words = " ".join(status.value for status in Status)
    found: set[Status] = set()
    for choice in _some(choices, f"{name}: {words}"):
        meant = {status for status in Status if status.value.startswith(choice)}
        if not meant:
            raise FilterError(f"no status {choice}: {words}")
        found |= meant
    return frozenset(found)


def _has_status(statuses: frozenset[Status], monitor: Monitor, _now: int) -> bool:
    return monitor.status in statuses


def _has_tag(tags: frozenset[str], monitor: Monitor, _now: int) -> bool:
    return any(_folded(tag) in tags for tag in monitor.tags)


def _has_agent(parts: list[str], monitor: Monitor, _now: int) -> bool:
    """Return whether what is known of a monitor's agent begins like one of the parts: "old", "0.1", "sh", "freebsd"."""
    agent = monitor.agent
    if agent is None:
        return False
    facts = (agent.version, agent.kind, agent.system, "old" if is_old(agent) else "")
    return any(_folded(fact).startswith(part) for fact in facts for part in parts)


_TEXTS: dict[str, Callable[[Monitor], str | None]] = {
    "name": lambda monitor: monitor.name,
    "host": lambda monitor: monitor.report.hostname if monitor.report else None,
    "os": lambda monitor: monitor.report.os if monitor.report else None,
}


def _says(of: Callable[[Monitor], str | None], parts: list[str], monitor: Monitor, _now: int) -> bool:
    text = _folded(of(monitor) or "")
    return any(part in text for part in parts)


# Words like cpu>80: a reading, how it is compared, and with what.


def _number(typed: str) -> float | None:
    return float(typed) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", typed, re.ASCII) else None


def _percent(typed: str) -> float | None:
    return _number(typed.removesuffix("%"))


def _bytes(typed: str) -> float | None:
    """Return bytes, in powers of 1024 like the table's: "500K", "1.5M"."""
    match = re.fullmatch(r"([\d.]+)([kmgt]?)(?:i?b)?(?:/s)?", typed, re.IGNORECASE | re.ASCII)
    number = _number(match[1]) if match else None
    return None if match is None or number is None else number * 1024.0 ** " kmgt".index(match[2].lower() or " ")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What can be compared: its values on a monitor at a time (ms), how one types one, and an example."""

    values: Callable[[Monitor, int], Iterable[float | None]]
    typed: Callable[[str], float | None]
    example: str


def _of_report(field: str, typed: Callable[[str], float | None], example: str) -> _Reading:
    return _Reading(lambda monitor, _: (getattr(monitor.report, field, None),), typed, example)


def _mounts(monitor: Monitor, _now: int) -> list[float]:
    disks = monitor.report.disk_usage if monitor.report else ()
    return [disk.usage for disk in disks if not monitor.policy.ignores(disk.mount)]


def _age(monitor: Monitor, now: int) -> tuple[float | None]:
    return (None if monitor.last_report_at is None else (now - monitor.last_report_at) / 1000,)


def _full(monitor: Monitor, now: int) -> tuple[float | None]:
    soonest = soonest_full(monitor)
    return (None if soonest is None else (soonest - now) / 1000,)


_PERCENT_EXAMPLE = "a percentage, like 80"
_RATE_EXAMPLE = "bytes a second, like 1M"

_READINGS = {
    "cpu": _of_report("cpu_usage", _percent, _PERCENT_EXAMPLE),
    "iowait": _of_report("cpu_iowait", _percent, _PERCENT_EXAMPLE),
    "mem": _of_report("memory_usage", _percent, _PERCENT_EXAMPLE),
    "swap": _of_report("swap_usage", _percent, _PERCENT_EXAMPLE),
    "disk": _Reading(_mounts, _percent, _PERCENT_EXAMPLE),
    "load": _of_report("load_1m", _number, "a number, like 4"),
    "rx": _Reading(lambda monitor, _: (monitor.network_rx_rate,), _bytes, _RATE_EXAMPLE),
    "tx": _Reading(lambda monitor, _: (monitor.network_tx_rate,), _bytes, _RATE_EXAMPLE),
    "age": _Reading(_age, parse_duration, "a time, like 5m"),
    "full": _Reading(_full, parse_duration, "a time, like 7d"),
}
_READINGS["memory"] = _READINGS["mem"]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}


def _comparison(name: str, mount: str | None, sign: str, typed: str) -> Test:
    reading = _READINGS.get(name)
    if reading is None or (mount is not None and name != "disk"):
        raise FilterError(f"{name} cannot be compared" if reading is None else f"only disk: takes a mount, not {name}:")
    if not typed:
        raise _UnfinishedError(f"{name}{sign} {reading.example}")
    limit = reading.typed(typed)
    if limit is None:
        raise FilterError(f"{name}{sign} takes {reading.example}")
    values = reading.values if mount is None else partial(_one_mount, mount)
    return partial(_compares, values, _COMPARE[sign], limit)


def _one_mount(mount: str, monitor: Monitor, _now: int) -> list[float]:
    """Return the usage of a mount that was named, be it ignored elsewhere or not."""
    return [disk.usage for disk in (monitor.report.disk_usage if monitor.report else ()) if disk.mount == mount]


def _compares(
    values: Callable[[Monitor, int], Iterable[float | None]],
    holds: Callable[[float, float], bool],
    limit: float,
    monitor: Monitor,
    now: int,
) -> bool:
    return any(holds(value, limit) for value in values(monitor, now) if value is not None)
