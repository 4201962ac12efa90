"""What happened and what was refused, worth looking at: events of most kinds and rejections of several."""

from dataclasses import replace

from store.events import Event, EventKind
from store.rejections import DELETED, Refusal, Rejection
from tests.tui.standins import MINUTE, NOW

HOUR = 60 * MINUTE
DAY = 24 * HOUR

LIMITS = {"metric": "cpu", "mount": None, "since": NOW, "for_s": 300.0}


def an_event(
    kind: EventKind, ago_ms: int, monitor_id: int | None = 1, name: str | None = "web-1", **of: object
) -> Event:
    """Return an event that happened `ago_ms` before `NOW`."""
    return Event(kind, NOW - ago_ms, monitor_id, name if monitor_id else None, of)


def down(monitor_id: int = 6, name: str = "mail", ago_ms: int = 0) -> Event:
    """Return a server's going down."""
    return an_event(EventKind.DOWN, ago_ms, monitor_id, name, silence_s=300.0)


def up(monitor_id: int = 6, name: str = "mail", ago_ms: int = 0, was: str = "down") -> Event:
    """Return a server's coming up."""
    return an_event(EventKind.UP, ago_ms, monitor_id, name, was=was, for_s=720.0)


def degraded(level: str = "warning", monitor_id: int = 4, name: str = "db-primary", ago_ms: int = 0) -> Event:
    """Return a limit of a server's CPU being broken."""
    limit = 80.0 if level == "warning" else 90.0
    return an_event(EventKind.DEGRADED, ago_ms, monitor_id, name, **LIMITS, level=level, value=94.6, limit=limit)


def recovered(monitor_id: int = 4, name: str = "db-primary", ago_ms: int = 0) -> Event:
    """Return the end of that."""
    return an_event(EventKind.RECOVERED, ago_ms, monitor_id, name, **LIMITS, level="warning", value=41.2, limit=80.0)


def numbered(events: list[Event], first: int = 1) -> list[Event]:
    """Return events with ids in their order."""
    return [replace(event, id=number) for number, event in enumerate(events, first)]


def a_week() -> list[Event]:
    """Return what happened in a week to the servers of `small_fleet`, and to one that is gone; oldest first."""
    return numbered(
        [
            an_event(EventKind.RECEIVER_STARTED, 400 * DAY, None, off_s=None, killed=False),
            an_event(EventKind.CREATED, 6 * DAY),
            up(1, "web-1", 6 * DAY - MINUTE, was="pending"),
            an_event(EventKind.RENAMED, 5 * DAY, 2, "web-2", before="www"),
            an_event(EventKind.SET, 4 * DAY, 4, "db-primary", settings={"cpu.warn": 70.0, "disk./var.crit": None}),
            an_event(EventKind.KEY_ROTATED, 3 * DAY, 5, "backup"),
            an_event(EventKind.OLD_KEY_USED, 3 * DAY - HOUR, 5, "backup", address="192.0.2.7"),
            an_event(EventKind.NEW_KEY_USED, 3 * DAY - 2 * HOUR, 5, "backup", for_s=7200.0),
            down(77, "scratch", 2 * DAY),
            an_event(EventKind.DELETED, 2 * DAY - HOUR, 77, "scratch"),
            an_event(EventKind.SILENCE, 9 * HOUR, None, silence_s=380.0, monitors=10),
            an_event(EventKind.REPORTS_AGAIN, 8 * HOUR, None, for_s=3600.0),
            an_event(EventKind.REBOOTED, 7 * HOUR, 9, "win-srv", silence_s=95.0),
            an_event(EventKind.SHARED_KEY, 6 * HOUR, 3, "web-10", hostnames=["web-10", "web-11"], addresses=["a", "b"]),
            an_event(EventKind.PAUSED, 2 * HOUR, 8, "lab", for_s=None),
            degraded("warning", ago_ms=90 * MINUTE),
            recovered(ago_ms=80 * MINUTE),
            down(ago_ms=46 * MINUTE),
            degraded("critical", name="db-primary.internal.example.org", ago_ms=4 * MINUTE),
        ]
    )


def refused() -> list[Rejection]:
    """Return what was refused, the latest first."""
    return [
        Rejection("203.0.113.9", "9f86d081", Refusal.UNKNOWN_KEY, "", 404, 31, NOW - 30 * MINUTE, NOW - 12_000),
        Rejection(
            "2001:db8:85a3::8a2e:370:7334", "60303ae2", Refusal.UNKNOWN_KEY, "", 404, 1441, NOW - DAY, NOW - 40_000,
            "scratch", DELETED,
        ),
        Rejection(
            "192.0.2.44", "fd61a03a", Refusal.INVALID_REPORT, "disk_usage.0.mount", 422, 5, NOW - HOUR, NOW - 90_000,
            "web-2",
        ),
        Rejection("198.51.100.77", "", Refusal.MALFORMED, "", 400, 1, NOW - 2 * DAY, NOW - 2 * DAY),
    ]  # fmt: skip
