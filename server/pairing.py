"""Which of the alerts a channel gets, so that each begin it was told has one end: pure functions.

The truth is what the channel was told (`store.incidents`). It gets a begin that is news to it, and an end of what it
believes to last. What ended without an event that was told, since the monitor was paused then, ends by its state.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from server.alerts import Alert, AlertKind, alert_of
from store.events import Event, EventKind
from store.incidents import Incident, reading_subject
from store.live import Live
from store.models import Status
from store.policy import Level
from store.thresholds import readings

DOWN, SILENCE = "down", "silence"

_SUBJECTS = {
    AlertKind.DOWN: DOWN,
    AlertKind.UP: DOWN,
    AlertKind.STILL_DOWN: DOWN,
    AlertKind.SILENCE: SILENCE,
    AlertKind.REPORTS_AGAIN: SILENCE,
    AlertKind.STILL_SILENT: SILENCE,
}

Name = tuple[int | None, str | None]


def present(alerts: Iterable[Alert], lives: Mapping[int, Live]) -> list[Alert]:
    """Return the alerts of monitors that still exist, by the names that they have now, and those of no single one."""
    return [
        alert if alert.monitor_id is None else replace(alert, monitor=lives[alert.monitor_id].monitor.name)
        for alert in alerts
        if alert.monitor_id is None or alert.monitor_id in lives
    ]


def pair(
    alerts: Iterable[Alert], level: Level, told: Sequence[Incident], lives: Mapping[int, Live], now: int
) -> tuple[list[Alert], tuple[Incident, ...]]:
    """Return what a channel of a level gets of alerts at `now` (ms), and what it then believes to last."""
    lasting: dict[Name, Incident] = {(each.monitor_id, each.subject): each for each in told}
    taken = []
    for alert in present(alerts, lives):
        name = (alert.monitor_id, _subject(alert))
        if alert.over:
            if (incident := lasting.pop(name, None)) is not None:
                taken.append(replace(alert, level=incident.level))
        elif _takes(level, alert) and not _is_paused(alert, lives) and _is_news(alert, lasting.get(name)):
            taken.append(alert)
            _begin(alert, name, lasting)
    for incident, alert in ended(lasting.values(), lives, now):
        taken.append(alert)
        del lasting[incident.monitor_id, incident.subject]
    return taken, tuple(lasting.values())


def ended(told: Iterable[Incident], lives: Mapping[int, Live], now: int) -> tuple[tuple[Incident, Alert], ...]:
    """Return what is over by the state of its monitor, with the alert that says so. Of a paused one nothing is."""
    found = []
    for incident in told:
        live = None if incident.monitor_id is None else lives.get(incident.monitor_id)
        if live is not None and not _lasts(incident, live) and (alert := alert_of(_end(incident, live, now))):
            found.append((incident, replace(alert, level=incident.level)))
    return tuple(found)


def _subject(alert: Alert) -> str | None:
    if alert.kind in (AlertKind.DEGRADED, AlertKind.RECOVERED):
        return reading_subject(alert.detail["metric"], alert.detail["mount"])
    return _SUBJECTS.get(alert.kind)


def _takes(level: Level, alert: Alert) -> bool:
    return level is Level.WARNING or alert.level is Level.CRITICAL


def _is_paused(alert: Alert, lives: Mapping[int, Live]) -> bool:
    return alert.monitor_id is not None and lives[alert.monitor_id].monitor.status is Status.PAUSED


def _is_news(alert: Alert, told: Incident | None) -> bool:
    if alert.kind is AlertKind.STILL_SILENT:  # its end is an event, which may be past for who was not told of it
        return told is not None
    if alert.kind in (AlertKind.SHARED_KEY, AlertKind.STILL_DOWN) or told is None:
        return True
    return told.level is Level.WARNING and alert.level is Level.CRITICAL


def _begin(alert: Alert, name: Name, lasting: dict[Name, Incident]) -> None:
    """Remember what an alert begins or makes worse; a reminder begins it for a channel that is newer than it."""
    monitor_id, subject = name
    if subject is not None and (name not in lasting or alert.kind is AlertKind.DEGRADED):
        lasting[name] = Incident(monitor_id, subject, alert.level, alert.detail)


def _lasts(incident: Incident, live: Live) -> bool:
    monitor = live.monitor
    if monitor.status is Status.PAUSED:
        return True
    if incident.subject == DOWN:
        return monitor.status is Status.DOWN
    return any(reading_subject(each.metric, each.mount) == incident.subject for each in monitor.breaches)


def _end(incident: Incident, live: Live, now: int) -> Event:
    """Return the event of an end that was not noticed when it came, so that nobody knows how long it lasted."""
    if incident.subject == DOWN:
        return Event.of(EventKind.UP, now, live.monitor, was=Status.DOWN.value, for_s=None)
    said = {**incident.detail, "value": _value(incident.subject, live), "for_s": None}
    return Event.of(EventKind.RECOVERED, now, live.monitor, **said)


def _value(subject: str, live: Live) -> float | None:
    report = live.monitor.report
    values: Iterator[float] = iter(())
    if report is not None:
        values = (value for metric, mount, value in readings(report) if reading_subject(metric, mount) == subject)
    return next(values, None)
