"""What the writer remembers of a monitor between two of its reports, and how a report moves it on.

Pure: values in, values out. The writer stages the results of a batch and keeps them once it is committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from store.codec import extend_course
from store.interval import NO_TREND, Trend, extend_gaps
from store.models import Monitor, Report, Status
from store.policy import Breach, Policy, Settings
from store.senders import Run, extend_runs, two_machines
from store.thresholds import Track, assess, breaches, relimited

HEARD = frozenset({Status.UP, Status.DEGRADED})
"""Between these two the limits decide."""

CLOCK_SLACK_S = 1.0
"""How much the listening clock may run ahead of the stamps before these are not believed."""


@dataclass(frozen=True, slots=True)
class Live:
    """A monitor with what only the writer needs; its `cpu_course` stands undecoded in `course`.

    `heard_s` is when the last report came on the clock that counts the receiver's listening seconds, None if
    none came since the receiver started. `mount_ids` are the interned mounts of the last report, `tracks` the limits
    that are broken or about to be, `runs` who sent lately, `trend` the gaps that may show another interval. `unsaid`
    means that it is down as one of all, which is told as one event.
    """

    monitor: Monitor
    course: bytes = b""
    gaps: tuple[float, ...] = ()
    heard_s: float | None = None
    host_id: int | None = None
    mount_ids: Mapping[str, int] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    runs: tuple[Run, ...] = ()
    trend: Trend = NO_TREND
    unsaid: bool = False


def learn_interval(gaps: tuple[float, ...]) -> float | None:
    """Return the usual time between reports in seconds, None until reports came in an order that shows it."""
    return median(gaps) if gaps else None


def stamp(live: Live, received_at: int) -> int:
    """Return the time to store a report under: when it came, but always later than the one before."""
    last = live.monitor.last_report_at
    return received_at if last is None else max(received_at, last + 1)


def advance(live: Live, report: Report, at: int, heard_s: float, address: str, seq: int) -> Live:
    """Return what is known of a monitor after a report that is stored under `at`."""
    before = live.monitor
    gaps, trend = _extend_gaps(live, heard_s)
    elapsed_s = _elapsed_s(live, at, heard_s)
    tracks = assess(live.tracks, report, before.policy, at, _joined_s(before, elapsed_s))
    broken = breaches(tracks, before.policy) if tracks else ()
    runs = extend_runs(live.runs, report.hostname, address, heard_s, not counted_on(before.report, report))
    status = status_by_report(before.status, broken)
    monitor = replace(
        before,
        status=status,
        status_since=before.status_since if status is before.status else at,
        seq=seq,
        last_report_at=at,
        address=address,
        interval_s=learn_interval(gaps),
        report=report,
        network_rx_rate=_rate(before, elapsed_s, "network_rx_bytes", report),
        network_tx_rate=_rate(before, elapsed_s, "network_tx_bytes", report),
        breaches=broken,
        shared_at=at if runs is not live.runs and two_machines(runs) else before.shared_at,
    )
    course = extend_course(live.course, report.cpu_usage)
    return replace(
        live,
        monitor=monitor,
        course=course,
        gaps=gaps,
        trend=trend,
        heard_s=heard_s,
        tracks=tracks,
        runs=runs,
        unsaid=False,
    )


def with_settings(live: Live, settings: Settings, policy: Policy, at: int) -> Live:
    """Return a monitor that has other settings from `at` (ms) on, its last report judged by their limits."""
    before = live.monitor
    monitor = replace(before, settings=settings, policy=policy)
    if before.report is None:
        return replace(live, monitor=monitor)
    tracks = assess(relimited(live.tracks, before.policy, policy), before.report, policy, at, 0.0)
    broken = breaches(tracks, policy)
    status = status_by_report(before.status, broken) if before.status in HEARD else before.status
    return with_status(replace(live, tracks=tracks, monitor=replace(monitor, breaches=broken)), status, at)


def with_status(live: Live, status: Status, now: int) -> Live:
    """Return a monitor that has a status, since `now` (ms) if it had another before."""
    monitor = live.monitor
    if monitor.status is status:
        return live
    return replace(live, monitor=replace(monitor, status=status, status_since=now))


def status_by_report(before: Status, broken: tuple[Breach, ...]) -> Status:
    """Return a monitor's status once it has reported: silence is over, a pause is not."""
    if before is Status.PAUSED:
        return Status.PAUSED
    return Status.DEGRADED if broken else Status.UP


def counted_on(before: Report | None, report: Report) -> bool:
    """Return whether a report's network counters are higher than those before, as those of one machine that runs on."""
    if before is None:
        return False
    old, new = (before.network_rx_bytes, before.network_tx_bytes), (report.network_rx_bytes, report.network_tx_bytes)
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a is not None and b is not None]
    return bool(pairs) and all(b > a for a, b in pairs)


def _extend_gaps(live: Live, heard_s: float) -> tuple[tuple[float, ...], Trend]:
    # A gap in which the receiver itself was off says nothing of the agent's interval.
    if live.heard_s is None:
        return live.gaps, live.trend
    gap_s = round(heard_s - live.heard_s, 3)
    return extend_gaps(live.gaps, live.trend, gap_s, live.monitor.interval_s, live.monitor.policy)


def _elapsed_s(live: Live, at: int, heard_s: float) -> float:
    by_stamp = (at - (live.monitor.last_report_at or 0)) / 1000
    by_ear = by_stamp if live.heard_s is None else heard_s - live.heard_s
    # A clock that was set back leaves stamps a millisecond apart, which would make every rate soar.
    return by_ear if by_ear - by_stamp > CLOCK_SLACK_S else by_stamp


def _joined_s(before: Monitor, elapsed_s: float) -> float | None:
    """Return the seconds between two reports if what held at both can be taken to have held all the while."""
    if before.last_report_at is None or elapsed_s > before.policy.late_s(before.interval_s):
        return None
    return elapsed_s


def _rate(before: Monitor, elapsed_s: float, counter: str, report: Report) -> float | None:
    old = getattr(before.report, counter, None)
    new = getattr(report, counter)
    if old is None or new is None or new < old:
        return None
    rate: float = (new - old) / elapsed_s
    return rate
