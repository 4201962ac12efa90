"""Which readings are too high for too long: pure functions from a report and what was before to what is now.

Each limit of each reading is a switch of its own. It turns on once the reading has been at or above the limit for as
long as the policy asks, and off once the reading has been below the limit, by a margin, for just as long: at a steady
reading nothing ever turns twice. Time counts from report to report, so it needs no clock and outlives a restart.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, replace

from store.events import Event, EventKind
from store.models import Monitor, Report
from store.policy import DISK, Breach, Level, Limits, Policy

MARGIN = 5.0
"""Percentage points below its limit where a reading counts as recovered."""

DISK_MARGIN = 2.0
"""The same for mounts, which neither jump nor come down by themselves."""

MARGIN_OF_LIMIT = 0.1
"""The most that a margin is of its limit: a small limit must be left some room, and load has no percentage points."""

_READINGS = {
    "cpu": "cpu_usage",
    "iowait": "cpu_iowait",
    "memory": "memory_usage",
    "swap": "swap_usage",
    "load": "load_1m",
}


@dataclass(frozen=True, slots=True)
class Track:
    """A switch that is on, or on its way to the other side: for `held_s` seconds, beginning at `turned_at` (ms).

    `since` is when the reading that turned it on was first beyond the limit, `value` the reading last seen.
    """

    metric: str
    mount: str | None
    level: Level
    on: bool
    held_s: float
    turned_at: int
    since: int
    value: float


Name = tuple[str, str | None, Level]


def assess(
    tracks: Sequence[Track], report: Report, policy: Policy, at: int, elapsed_s: float | None
) -> tuple[Track, ...]:
    """Return the switches after a report; only those that are on or about to turn.

    `elapsed_s` are the seconds since the report before; None if that was too long ago to join the two.
    """
    before = {(track.metric, track.mount, track.level): track for track in tracks}
    after = []
    for metric, mount, value in readings(report):
        limits = policy.limits(metric, mount)
        for level, limit in ((Level.WARNING, limits.warn), (Level.CRITICAL, limits.crit)):
            name = (metric, mount, level)
            if limit is None or (value < limit and name not in before):
                continue
            track = _step(before.get(name), name, value, limit, limits.for_s, at, elapsed_s)
            if track.on or track.held_s >= 0:
                after.append(track)
    return tuple(after)


def readings(report: Report) -> Iterator[tuple[str, str | None, float]]:
    """Yield metric, mount and value of all that a report says and a limit can be set for."""
    for metric, field in _READINGS.items():
        value = getattr(report, field)
        if value is not None:
            yield metric, None, value
    for usage in report.disk_usage:
        yield DISK, usage.mount, usage.usage


def margin(metric: str, limit: float) -> float:
    """Return how far below a limit a reading must come to count as recovered."""
    widest = limit * MARGIN_OF_LIMIT
    if metric == "load":
        return widest
    return min(DISK_MARGIN if metric == DISK else MARGIN, widest)


def relimited(tracks: Sequence[Track], before: Policy, policy: Policy) -> tuple[Track, ...]:
    """Return the switches under another policy: off at once where a limit was moved above the reading.

    Margin and time on the way back are for readings that waver, not for people who change their mind.
    """
    return tuple(track for track in tracks if not track.on or _still_on(track, before, policy))


def _still_on(track: Track, before: Policy, policy: Policy) -> bool:
    old, new = (_limit(each.limits(track.metric, track.mount), track.level) for each in (before, policy))
    return old == new or (new is not None and track.value >= new)


_SETTLED = -1.0
"""`held_s` of a switch that is not about to turn."""


def _step(
    track: Track | None, name: Name, value: float, limit: float, for_s: float, at: int, elapsed_s: float | None
) -> Track:
    if track is None:
        track = Track(*name, on=False, held_s=_SETTLED, turned_at=at, since=at, value=value)
    beyond = value >= (limit - margin(name[0], limit) if track.on else limit)
    if beyond is track.on:
        return replace(track, held_s=_SETTLED, value=value)
    if track.held_s < 0 or elapsed_s is None:
        track = replace(track, held_s=0.0, turned_at=at)
    else:
        track = replace(track, held_s=track.held_s + elapsed_s)
    if track.held_s < for_s:
        return replace(track, value=value)
    since = track.turned_at if beyond else track.since
    return replace(track, on=beyond, held_s=_SETTLED, since=since, value=value)


def breaches(tracks: Sequence[Track], policy: Policy) -> tuple[Breach, ...]:
    """Return the limits that are broken, the worst of each reading, critical ones first."""
    worst: dict[tuple[str, str | None], Breach] = {}
    for track in tracks:
        limit = _limit(policy.limits(track.metric, track.mount), track.level)
        if track.on and limit is not None:
            name = (track.metric, track.mount)
            since = min(track.since, worst[name].since) if name in worst else track.since
            worst[name] = Breach(track.metric, track.mount, track.level, track.value, limit, since)
    return tuple(sorted(worst.values(), key=lambda breach: breach.level is not Level.CRITICAL))


def _limit(limits: Limits, level: Level) -> float | None:
    return limits.crit if level is Level.CRITICAL else limits.warn


def threshold_events(monitor: Monitor, before: Sequence[Breach], at: int, report: Report) -> Iterator[Event]:
    """Yield what to say of `monitor` after `before`: what has become bad or worse, and what is over."""
    old = {(breach.metric, breach.mount): breach for breach in before}
    for breach in monitor.breaches:
        was = old.pop((breach.metric, breach.mount), None)
        if was is None or (was.level is Level.WARNING and breach.level is Level.CRITICAL):
            yield _event(EventKind.DEGRADED, at, monitor, breach, breach.value)
    now = {(metric, mount): value for metric, mount, value in readings(report)}
    for name, breach in old.items():
        yield _event(EventKind.RECOVERED, at, monitor, breach, now.get(name))


def _event(kind: EventKind, at: int, monitor: Monitor, breach: Breach, value: float | None) -> Event:
    said = asdict(breach) | {"value": value, "for_s": max(0, at - breach.since) / 1000}
    return Event.of(kind, at, monitor, **said)


def encode_tracks(tracks: Sequence[Track]) -> str:
    """Return tracks as JSON."""
    return json.dumps([astuple(track) for track in tracks], separators=(",", ":")) if tracks else "[]"


def decode_tracks(text: str) -> tuple[Track, ...]:
    """Return the tracks that `encode_tracks` wrote."""
    if text == "[]":
        return ()
    return tuple(Track(metric, mount, Level(level), *rest) for metric, mount, level, *rest in json.loads(text))
