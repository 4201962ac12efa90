"""Which events interrupt a person, and how: pure, from what happened in a second to toasts and the bell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from store.events import Event, EventKind
from store.policy import Level
from store.wording import sentence
from tui.action import AS_BUILT, Keys
from tui.draw import safe
from tui.keymap import shown_key

Severity = Literal["error", "warning", "information"]

MOST = 3
"""Toasts at once: more would hide what they tell of."""

NAMED = 3
"""Servers that a toast about many names."""

_GROUPS: dict[tuple[EventKind, Severity], str] = {
    (EventKind.SILENCE, "error"): "all servers have fallen silent",
    (EventKind.DOWN, "error"): "{} servers are down",
    (EventKind.DEGRADED, "error"): "{} readings are critical",
    (EventKind.SHARED_KEY, "warning"): "{} keys are each used by two machines",
    (EventKind.DEGRADED, "warning"): "{} readings are too high",
    (EventKind.REPORTS_AGAIN, "information"): "reports arrive again",
    (EventKind.UP, "information"): "{} servers are up again",
    (EventKind.RECOVERED, "information"): "{} readings are back within their limits",
}
"""What is said of many events of a kind; the worst stands first."""


@dataclass(frozen=True, slots=True)
class Toast:
    """What a toast says, safe to be drawn, and in which colour."""

    text: str
    severity: Severity


def severity(event: Event) -> Severity | None:
    """Return how bad an event is; `information` is the end of something bad, None what was neither."""
    if event.kind in (EventKind.DOWN, EventKind.SILENCE):
        return "error"
    if event.kind is EventKind.DEGRADED:
        return "error" if event.detail["level"] == Level.CRITICAL else "warning"
    if event.kind is EventKind.SHARED_KEY:
        return "warning"
    if event.kind is EventKind.UP:
        return "information" if event.detail["was"] != "pending" else None
    return "information" if event.kind in (EventKind.RECOVERED, EventKind.REPORTS_AGAIN) else None


def is_incident(event: Event) -> bool:
    """Return whether an event rings the bell: down, silence of all, critical."""
    return severity(event) == "error"


def toasts(events: Sequence[Event], keys: Keys = AS_BUILT) -> list[Toast]:
    """Return the toasts of a second's events, oldest first: each its own if they are few, else one for each kind."""
    told = [(event, how) for event in events if (how := severity(event)) is not None]
    if len(told) <= MOST:
        return [_single(event, how) for event, how in told]
    groups = [[event for event, its in told if (event.kind, its) == (kind, how)] for kind, how in _GROUPS]
    found = [(events, how) for events, (_, how) in zip(groups, _GROUPS, strict=True) if events]
    if len(found) <= MOST:
        return [_of_many(events, how) for events, how in found]
    rest = sum(len(events) for events, _ in found[MOST - 1 :])
    more = Toast(f"{rest} other events: {shown_key('all_events', keys)} shows them", found[MOST - 1][1])
    return [*(_of_many(events, how) for events, how in found[: MOST - 1]), more]


def _single(event: Event, how: Severity) -> Toast:
    who = f"{safe(event.monitor, 64)}: " if event.monitor is not None else ""
    return Toast(who + safe(sentence(event), 400), how)


def _of_many(events: Sequence[Event], how: Severity) -> Toast:
    """Return the toast of events of one kind."""
    if len(events) == 1:
        return _single(events[0], how)
    text = _GROUPS[events[0].kind, how].format(len(events))
    names = list(dict.fromkeys(safe(event.monitor, 64) for event in events if event.monitor is not None))
    if not names:
        return Toast(text, how)
    return Toast(f"{text}: {', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''}", how)
