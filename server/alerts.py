"""Which events people are told of where they are, how badly, and when: pure functions.

What happens together is told together: the first alert is held for a moment, and longer while other servers that
fell silent with it are late and may follow.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from store.durations import duration
from store.events import Event, EventKind
from store.live import Live
from store.models import Monitor, Status
from store.policy import Level
from store.wording import sentence

HOLD_S = 5.0
HOLD_LIMIT_S = 90.0
"""Agents that report each minute fall silent, to the eye, within a minute; some slack goes on top."""

REMIND_EVERY_S = 6 * 3600.0
REMIND_TOGETHER_S = 600.0
"""Reminders that would be due so soon go along with the first, so that fifty servers do not send fifty."""

BACKOFF_S = (5.0, 300.0)
"""Between two attempts to deliver: the first pause, doubled up to the second."""


@dataclass(frozen=True, slots=True)
class NotifierOptions:
    """When people are told; `remind_every_s` 0 means never again, `every_s` is how often the notifier looks.

    `grace_s` is how long a delivery under way may take when the receiver ends: cut off, it would come again.
    """

    hold_s: float = HOLD_S
    hold_limit_s: float = HOLD_LIMIT_S
    remind_every_s: float = REMIND_EVERY_S
    backoff_s: tuple[float, float] = BACKOFF_S
    every_s: float = 1.0
    grace_s: float = 3.0


class AlertKind(StrEnum):
    """What an alert is about: an event's kind, or a reminder."""

    DOWN = "down"
    UP = "up"
    DEGRADED = "degraded"
    RECOVERED = "recovered"
    SILENCE = "silence"
    REPORTS_AGAIN = "reports_again"
    SHARED_KEY = "shared_key"
    STILL_DOWN = "still_down"
    STILL_SILENT = "still_silent"


ENDS = frozenset({AlertKind.UP, AlertKind.RECOVERED, AlertKind.REPORTS_AGAIN})
"""What tells that something is over; it is as important as what it ends."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell of: when (ms), of which server (None: of no single one), in words, how bad it is or was."""

    kind: AlertKind
    at: int
    monitor_id: int | None
    monitor: str | None
    text: str
    level: Level
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it tells that something is over."""
        return self.kind in ENDS


def alert_of(event: Event) -> Alert | None:
    """Return what to tell of an event, None if nothing."""
    if event.kind is EventKind.UP and event.detail["was"] != Status.DOWN:
        return None
    level = Level(event.detail.get("level", Level.CRITICAL))
    return Alert(AlertKind(event.kind), event.at, event.monitor_id, event.monitor, sentence(event), level, event.detail)


def is_time(alerts: Sequence[Alert], held_s: float, monitors: Iterable[Monitor], options: NotifierOptions) -> bool:
    """Return whether alerts that were held so long shall be told now."""
    if not alerts or held_s < options.hold_s:
        return False
    return held_s >= options.hold_limit_s or not _more_may_follow(alerts, monitors, options.hold_limit_s)


def _more_may_follow(alerts: Sequence[Alert], monitors: Iterable[Monitor], within_s: float) -> bool:
    fell_silent = [alert.at - alert.detail["silence_s"] * 1000 for alert in alerts if alert.kind is AlertKind.DOWN]
    if not fell_silent:
        return False
    first, last = min(fell_silent) - within_s * 1000, max(fell_silent) + within_s * 1000
    return any(
        monitor.status is Status.LATE and monitor.last_report_at is not None and first <= monitor.last_report_at <= last
        for monitor in monitors
    )


def reminders(
    lives: Iterable[Live], reminded_at: int, now: int, options: NotifierOptions
) -> tuple[tuple[Alert, ...], int]:
    """Return what to remind of now, and until when (ms) reminders are then sent.

    A server that is down is due whenever another `remind_every_s` of that is over; what is due soon comes along.
    `reminded_at` is the time that came back the last time, and comes back again if nothing is due.
    """
    every_ms = options.remind_every_s * 1000
    if every_ms <= 0:
        return (), reminded_at
    ahead_ms = round(min(REMIND_TOGETHER_S * 1000, every_ms / 10))
    if reminded_at > now + ahead_ms:  # the clock was ahead of its time
        return (), now
    matters = list(_matters(lives))
    if not any(_is_due(since, reminded_at, now, every_ms) for _, since in matters):
        return (), reminded_at
    until = now + ahead_ms
    due = [(monitor, since) for monitor, since in matters if _is_due(since, reminded_at, until, every_ms)]
    return tuple(_reminder(monitor, since, now) for monitor, since in due), until


def _matters(lives: Iterable[Live]) -> Iterator[tuple[Monitor | None, int]]:
    """Yield what is down (None for all as one) and since when (ms)."""
    down = [live for live in lives if live.monitor.status is Status.DOWN]
    if unsaid := [live.monitor.status_since for live in down if live.unsaid]:
        yield None, min(unsaid)
    for live in down:
        if not live.unsaid:
            yield live.monitor, live.monitor.status_since


def _is_due(since: int, reminded_at: int, now: int, every_ms: float) -> bool:
    done = max(reminded_at - since, 0) // every_ms
    return (now - since) // every_ms > done


def _reminder(monitor: Monitor | None, since: int, now: int) -> Alert:
    for_s = max(0, now - since) / 1000
    detail = {"since": since, "for_s": for_s}
    if monitor is None:
        text = f"still no reports from anyone, for {duration(for_s)}"
        return Alert(AlertKind.STILL_SILENT, now, None, None, text, Level.CRITICAL, detail)
    text = f"still down, for {duration(for_s)}"
    return Alert(AlertKind.STILL_DOWN, now, monitor.id, monitor.name, text, Level.CRITICAL, detail)


def backoff_s(failures: int, luck: float, options: NotifierOptions) -> float:
    """Return how long to wait after so many failures in a row; `luck` from 0 to 1 spreads those who wait alike."""
    first, most = options.backoff_s
    return float(min(first * 2.0 ** min(failures - 1, 30), most)) * (0.8 + 0.4 * luck)
