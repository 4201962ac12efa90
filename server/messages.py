"""Alerts in words: one message for all that is told together. Pure functions; the result is plain JSON."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from server.alerts import Alert, AlertKind
from store.durations import duration
from store.policy import Level
from store.text import safe_text
from store.wording import reading_words, recovery, value_words

MAX_LINES = 20
MAX_LINE = 240
MAX_TITLE = 120
MAX_PHRASES = 3
MAX_EVENTS = 100
"""What a message holds at most, some 30 kB: chat services refuse long ones, and commands want to know all."""

TITLE = "agentmon: "


def make_content(alerts: Sequence[Alert], zone: tzinfo | None = None) -> dict[str, Any]:
    """Return a message about alerts, oldest first; times are told in `zone`, None for that of the machine.

    `state` is "problem", or "over" if nothing of it lasts; `count` says how many events there were if not all are
    in `events`.
    """
    latest = list({_matter(alert): alert for alert in alerts}.values())
    return {
        "title": safe_text(TITLE + _headline(latest), MAX_TITLE),
        "body": "\n".join([*_lines(alerts), _times(alerts, zone)]),
        "level": (Level.CRITICAL if any(a.level is Level.CRITICAL for a in alerts) else Level.WARNING).value,
        "state": "over" if all(alert.over for alert in latest) else "problem",
        "count": len(alerts),
        "events": [_event(alert) for alert in alerts[:MAX_EVENTS]],
    }


def make_test(host: str, channel: str) -> dict[str, Any]:
    """Return a message that shows whether a channel works; `host` is the machine that agentmon runs on."""
    return {
        "title": TITLE + "test",
        "body": f"Alerts of agentmon on {safe_text(host)} arrive here, through its channel {safe_text(channel)}.",
        "level": Level.WARNING.value,
        "state": "test",
        "count": 0,
        "events": [],
    }


def _matter(alert: Alert) -> tuple[object, ...]:
    """Return what an alert is about: a later one about the same has overtaken it."""
    if alert.kind in (AlertKind.DEGRADED, AlertKind.RECOVERED):
        return alert.monitor_id, alert.detail["metric"], alert.detail["mount"]
    return alert.monitor_id, alert.kind is AlertKind.SHARED_KEY


def _headline(latest: Sequence[Alert]) -> str:
    by_kind: dict[AlertKind, list[Alert]] = defaultdict(list)
    for alert in latest:
        by_kind[alert.kind].append(alert)
    phrases = [_phrase(kind, by_kind[kind]) for kind in _ORDER if by_kind[kind]]
    return ", ".join(phrases[:MAX_PHRASES]) + (", and more" if len(phrases) > MAX_PHRASES else "")


def _phrase(kind: AlertKind, alerts: Sequence[Alert]) -> str:
    if len(alerts) == 1:
        return _ONE[kind](safe_text(alerts[0].monitor or ""), alerts[0].detail)
    monitors = {alert.monitor_id for alert in alerts}
    if len(monitors) == 1 and kind in _READINGS:
        return f"{safe_text(alerts[0].monitor or '')}: {len(alerts)} {_READINGS[kind]}"
    return _MANY[kind].format(len(monitors))


def _degraded(name: str, detail: Mapping[str, Any]) -> str:
    metric = detail["metric"]
    return f"{name}: {reading_words(metric, detail['mount'])} {value_words(metric, detail['value'])}"


def _up(name: str, detail: Mapping[str, Any]) -> str:
    for_s = detail["for_s"]
    return f"{name} is up again" if for_s is None else f"{name} is up again after {duration(for_s)}"


_ONE: dict[AlertKind, Callable[[str, Mapping[str, Any]], str]] = {
    AlertKind.SILENCE: lambda _, detail: "no reports from anyone",
    AlertKind.STILL_SILENT: lambda _, detail: f"still no reports from anyone, for {duration(detail['for_s'])}",
    AlertKind.DOWN: lambda name, _: f"{name} is down",
    AlertKind.STILL_DOWN: lambda name, detail: f"{name} is still down, for {duration(detail['for_s'])}",
    AlertKind.SHARED_KEY: lambda name, _: f"two machines use the key of {name}",
    AlertKind.DEGRADED: _degraded,
    AlertKind.REPORTS_AGAIN: lambda _, detail: f"reports arrive again after {duration(detail['for_s'])}",
    AlertKind.UP: _up,
    AlertKind.RECOVERED: lambda name, detail: f"{name}: {recovery(detail)}",
}
_ORDER = tuple(_ONE)
_READINGS = {AlertKind.DEGRADED: "readings are too high", AlertKind.RECOVERED: "readings are fine again"}
_MANY = {
    AlertKind.DOWN: "{} servers are down",
    AlertKind.STILL_DOWN: "{} servers are still down",
    AlertKind.SHARED_KEY: "{} keys are used by two machines each",
    AlertKind.DEGRADED: "{} servers are degraded",
    AlertKind.UP: "{} servers are up again",
    AlertKind.RECOVERED: "{} servers have recovered",
}


def _lines(alerts: Sequence[Alert]) -> list[str]:
    """Return the body's lines, the worst first, since not all may fit."""
    ordered = sorted(alerts, key=lambda alert: (alert.over, alert.level is not Level.CRITICAL))
    lines = [safe_text(_line(alert), MAX_LINE) for alert in ordered]
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more"]


def _line(alert: Alert) -> str:
    return alert.text if alert.monitor is None else f"{safe_text(alert.monitor)}: {alert.text}"


def _times(alerts: Sequence[Alert], zone: tzinfo | None) -> str:
    first, last = (
        datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
        for at in (min(alert.at for alert in alerts), max(alert.at for alert in alerts))
    )
    said = first.isoformat(" ", "seconds")
    return said if last.isoformat(" ", "seconds") == said else f"{said} to {last.isoformat(' ', 'seconds')}"


def _event(alert: Alert) -> dict[str, Any]:
    detail = dict(alert.detail)
    if "since" in detail:
        detail["since"] = _iso(detail["since"])
    return detail | {"at": _iso(alert.at), "kind": alert.kind.value, "monitor": alert.monitor, "text": alert.text}


def _iso(at: int) -> str:
    """Return UTC milliseconds as all of agentmon's output has them."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
