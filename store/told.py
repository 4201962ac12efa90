"""Which events a change of a monitor is worth: pure, from what it was to what it is."""

from collections.abc import Iterator

from store.events import Event, EventKind
from store.live import Live
from store.models import Monitor, Report, Status
from store.senders import two_machines
from store.thresholds import threshold_events

SHARING_OVER_MS = 3_600_000
"""Once two machines were not noticed for an hour, the next time is worth another event."""


def told_by_report(before: Live, after: Live) -> Iterator[Event]:
    """Yield what happened to a monitor with the report that made it what it is `after`."""
    at = after.monitor.last_report_at
    assert at is not None
    yield from told_by_status(before, after, at)
    was, now = before.monitor, after.monitor
    if now.status is Status.PAUSED:
        return
    if now.shared_at == at and (was.shared_at is None or at - was.shared_at > SHARING_OVER_MS):
        yield from _shared(after, at)
    if was.report and now.report and _same_host(was, now) and rewound(was.report, now.report):
        silence_s = (at - (was.last_report_at or at)) / 1000
        yield Event.of(EventKind.REBOOTED, at, now, silence_s=silence_s)


def told_by_status(before: Live, after: Live, at: int, silence_s: float = 0.0) -> Iterator[Event]:
    """Yield what to say of a change of status and of broken limits; `silence_s` is for how long it has been silent.

    Whoever is paused is not spoken of: a pause ends what was wrong, its own end begins it anew.
    """
    was, now = before.monitor, after.monitor
    if now.status is Status.PAUSED:
        return
    is_down = now.status is Status.DOWN and not after.unsaid
    was_down = was.status is Status.DOWN and not before.unsaid
    if is_down and not was_down:
        yield Event.of(EventKind.DOWN, at, now, silence_s=round(silence_s, 3))
    elif (was_down and not is_down) or (was.status is Status.PENDING and now.status is not Status.PENDING):
        for_s = max(0, at - was.status_since) / 1000
        yield Event.of(EventKind.UP, at, now, was=was.status, for_s=for_s)
    known = () if was.status is Status.PAUSED else was.breaches
    if now.report is not None and known != now.breaches:
        yield from threshold_events(now, known, at, now.report)


def rewound(before: Report, report: Report) -> bool:
    """Return whether the network counters went back, all that both reports have: the machine has booted since."""
    old, new = (before.network_rx_bytes, before.network_tx_bytes), (report.network_rx_bytes, report.network_tx_bytes)
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a is not None and b is not None]
    return bool(pairs) and all(b < a for a, b in pairs)


def _same_host(was: Monitor, now: Monitor) -> bool:
    assert was.report is not None and now.report is not None
    return was.address == now.address and was.report.hostname == now.report.hostname


def _shared(after: Live, at: int) -> Iterator[Event]:
    if machines := two_machines(after.runs):
        names = [run.hostname for run in machines]
        addresses = [run.address for run in machines]
        yield Event.of(EventKind.SHARED_KEY, at, after.monitor, hostnames=names, addresses=addresses)
