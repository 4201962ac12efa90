"""Monitors as lines for people, and as the objects of `monitor list` and `show`."""

from typing import Any

from agentmon.output import iso_time, monitor_fields, settings_fields
from store.events import Event
from store.models import Monitor
from store.wording import KIND_WORDS, sentence


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


def monitor_line(monitor: Monitor, now: int) -> str:
    """Return one line of `monitor list` and `status`."""
    parts = [f"{monitor.status:<8}", f"{monitor.name:<24}", f"{silence(monitor, now):<18}"]
    if report := monitor.report:
        fullest = max(report.disk_usage, key=lambda mount: mount.usage, default=None)
        parts.append(f"cpu {report.cpu_usage:.0f}%  mem {report.memory_usage:.0f}%")
        if fullest:
            parts.append(f"{fullest.mount} {fullest.usage:.0f}%")
    return "  ".join(parts).rstrip()


def event_line(event: Event) -> str:
    """Return one line of `events`."""
    return f"{iso_time(event.at)}  {event.monitor or '-':<24}  {KIND_WORDS[event.kind]:<16}  {sentence(event)}"


def monitor_lines(monitor: Monitor, now: int) -> list[str]:
    """Return what `monitor show` prints: a name and a value a line, mounts last."""
    summary = monitor_summary(monitor, now)
    mounts = summary.pop("disk_usage") or []
    lines = [f"{name:<18}  {'-' if value is None else value}" for name, value in summary.items()]
    for mount in mounts:
        sizes = " ".join(f"{name} {mount[name]}" for name in ("size", "used", "avail") if mount[name])
        lines.append(f"{'disk ' + mount['mount']:<18}  {mount['usage']}%  {sizes}".rstrip())
    return lines
