"""Monitors and events as lines for people, and monitors as the objects of `monitor list` and `show`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from itertools import groupby
from typing import Any

from rich.cells import cell_len, set_cell_size

from agentmon.output import MAX_LINE, in_zone, monitor_fields, settings_fields
from store.agents import is_old
from store.events import Event
from store.models import AgentInfo, Monitor, Status
from store.policy import DEADLINES, IGNORE, Breach, Setting
from store.text import safe_text
from store.when import zoned
from store.wording import KIND_WORDS, agent_words, reading_words, sentence, update_words, value_words

STATUS_LINE_CELLS = 80
"""A tmux status bar and a login message have no second line."""

LEAST_NAME_CELLS = 20
"""With less room than this no names are begun."""

NAME_CELLS = 24
"""The least room for names in a table."""

BREACHES_SHOWN = 5

_TIMES = ("since", "last_report_at", "created_at", "paused_until", "rotated_at", "shared_at")
"""What of a monitor's summary is a time."""

_TROUBLE = (Status.DOWN, Status.LATE, Status.DEGRADED)
"""The worst first."""

_COUNTED = (Status.UP, Status.PENDING, Status.PAUSED, *reversed(_TROUBLE))


def monitor_summary(monitor: Monitor, now: int) -> dict[str, Any]:
    """Return a monitor with its settings, without its key."""
    return {**monitor_fields(monitor, now), **settings_fields(monitor)}


def silence(monitor: Monitor, now: int) -> str:
    """Return how long a monitor has been silent, in words."""
    if monitor.last_report_at is None:
        return "no report yet"
    seconds = max(0, now - monitor.last_report_at) // 1000
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"reported {seconds // size}{unit} ago"
    return f"reported {seconds}s ago"


def column_cells(texts: Iterable[str], least: int) -> int:
    """Return how wide a column is in which all of these find room: at least `least` cells."""
    return max([least, *(cell_len(safe_text(text, MAX_LINE)) for text in texts)])


def padded(text: str, cells: int) -> str:
    """Return a text, safe to print, filled up to so many cells of a terminal; a longer one stays whole."""
    shown = safe_text(text, MAX_LINE)
    return shown + " " * (cells - cell_len(shown))


def monitor_table(monitors: Sequence[Monitor], now: int, *, agents: bool = False) -> list[str]:
    """Return the lines of `status`, and with a column for the `agents` those of `monitor list`."""
    cells = column_cells((monitor.name for monitor in monitors), NAME_CELLS)
    shown = [_agent_cell(monitor.agent) if agents else "" for monitor in monitors]
    agent_cells = column_cells(shown, 0)
    return [
        _monitor_line(monitor, now, cells, agent.ljust(agent_cells))
        for monitor, agent in zip(monitors, shown, strict=True)
    ]


def _agent_cell(agent: AgentInfo | None) -> str:
    """Return an agent in few words: "0.2.0 sh", "0.1.0 sh old"."""
    if agent is None:
        return "-"
    return f"{agent.version} {agent.kind}{' old' if is_old(agent) else ''}"


def _monitor_line(monitor: Monitor, now: int, name_cells: int, agent: str) -> str:
    parts = [f"{monitor.status:<8}", padded(monitor.name, name_cells), f"{silence(monitor, now):<18}"]
    if agent:
        parts.append(agent)
    if report := monitor.report:
        heeded = (mount for mount in report.disk_usage if not monitor.policy.ignores(mount.mount))
        fullest = max(heeded, key=lambda mount: mount.usage, default=None)
        parts.append(f"cpu {report.cpu_usage:.0f}%  mem {report.memory_usage:.0f}%")
        if fullest:
            parts.append(f"{fullest.mount} {fullest.usage:.0f}%")
    if monitor.status is Status.DEGRADED and monitor.breaches:
        parts.append(breach_words(monitor.breaches))
    if monitor.tags:
        parts.append(" ".join(f"#{tag}" for tag in monitor.tags))
    return "  ".join(parts).rstrip()


def breach_words(breaches: Sequence[Breach]) -> str:
    """Return what is too high: "critical: CPU 93%, disk /var 97%; warning: swap 61%"."""
    groups = []
    for level, group in groupby(breaches[:BREACHES_SHOWN], key=lambda breach: breach.level):
        groups.append(f"{level}: {', '.join(_reading(breach) for breach in group)}")
    more = len(breaches) - BREACHES_SHOWN
    return "; ".join(groups) + (f" and {more} more" if more > 0 else "")


def _reading(breach: Breach) -> str:
    return f"{reading_words(breach.metric, breach.mount)} {value_words(breach.metric, breach.value)}"


def status_line(monitors: Sequence[Monitor], *, trouble: str | None = None) -> str:
    """Return how all are in at most `STATUS_LINE_CELLS`: "48 up, 1 late, 2 down: db-3, web-9".

    The names are those of the worst status, which is counted last. With `trouble`, a word or two on why nothing new is
    stored, it says how they were.
    """
    counts = Counter(monitor.status for monitor in monitors)
    counted = ", ".join(f"{counts[status]} {status}" for status in _COUNTED if counts[status]) or "no monitors"
    if trouble:
        line = f"{trouble} ({counted} when last stored)" if monitors else f"{trouble} ({counted})"
        return line if len(line) <= STATUS_LINE_CELLS else f"{line[: STATUS_LINE_CELLS - 1]}…"
    worst = next((status for status in _TROUBLE if counts[status]), None)
    room = STATUS_LINE_CELLS - cell_len(f"{counted}: ")
    if worst is None or room < LEAST_NAME_CELLS:
        return counted
    # tmux takes "#[red]" or "#H" in what a command prints for its own.
    names = [safe_text(each.name).replace("#", "\uff03") for each in monitors if each.status is worst]
    return f"{counted}: {_names_within(names, room)}"


def _names_within(names: Sequence[str], cells: int) -> str:
    """Return as many names as there is room for, at least the beginning of one, and how many are left out."""
    for shown in range(min(len(names), cells), 0, -1):
        more = f" and {len(names) - shown} more" if shown < len(names) else ""
        text = ", ".join(names[:shown]) + more
        if cell_len(text) <= cells:
            return text
    return set_cell_size(names[0], cells - len(more) - 1).rstrip() + "…" + more


def event_line(event: Event, name_cells: int, zone: tzinfo | None) -> str:
    """Return one line of `events`, with so many cells for the monitor's name."""
    who = padded(event.monitor or "-", name_cells)
    return f"{zoned(event.at, zone)}  {who}  {KIND_WORDS[event.kind]:<16}  {sentence(event)}"


def monitor_lines(monitor: Monitor, now: int, zone: tzinfo | None) -> list[str]:
    """Return what `monitor show` prints: a name and a value a line, mounts last."""
    summary = monitor_summary(monitor, now)
    mounts = summary.pop("disk_usage") or []
    del summary["settings"], summary["breaches"]
    summary["agent"] = monitor.agent and _agent_line(monitor.agent)
    summary["tags"] = " ".join(monitor.tags) or None
    for name in _TIMES:
        summary[name] = summary[name] and in_zone(summary[name], zone)
    lines = [f"{name:<18}  {_shown(value)}" for name, value in summary.items()]
    for key in sorted(monitor.settings.keys() - DEADLINES):
        lines.append(f"{key:<18}  {_setting_words(key, monitor.settings[key])}")
    for breach in monitor.breaches:
        limit = value_words(breach.metric, breach.limit)
        lines.append(f"{breach.level:<18}  {_reading(breach)}, limit {limit}, since {zoned(breach.since, zone)}")
    for mount in mounts:
        sizes = " ".join(f"{name} {mount[name]}" for name in ("size", "used", "avail") if mount[name])
        lines.append(f"{padded('disk ' + mount['mount'], 18)}  {mount['usage']}%  {sizes}".rstrip())
    return lines


def _agent_line(agent: AgentInfo) -> str:
    return agent_words(agent) + (f": {update_words(agent)}" if is_old(agent) else "")


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _setting_words(key: str, value: Setting) -> str:
    if key.endswith(f".{IGNORE}"):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}"
