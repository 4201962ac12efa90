"""What the writer remembers of a monitor between two of its reports, and how a report moves it on.

Pure: values in, values out. The writer stages the results of a batch and keeps them once it is committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from store.codec import extend_course
from store.interval import NO_TREND, Trend, extend_gaps
from store.models import AgentInfo, Monitor, Report, Status
from store.policy import Breach, Policy, Settings
from store.rates import least_elapsed_s, rate
from store.senders import Run, extend_runs, two_machines
from store.thresholds import Track, assess, breaches, relimited

HEARD = frozenset({Status.UP, Status.DEGRADED})
"""Between these two the limits decide."""


@dataclass(frozen=True, slots=True)
class Live:
    """A monitor with what only the writer needs; its `cpu_course` stands undecoded in `course`.

    `heard_s` is when the last report came on the clock that counts the receiver's listening seconds, `steady_s` on one
    that nobody sets and that never stops; None if none came since the receiver started. `restamped` means that the
    last report, of a run before, was given another time, so that the time since is not known. `mount_ids` are the
    interned mounts of the last report, `tracks` the limits that are broken or about to be, `runs` who sent lately,
    `trend` the gaps that may show another interval. `unsaid` means that it is down as one of all, which is told as one
    event.
    """

    monitor: Monitor
    course: bytes = b""
    gaps: tuple[float, ...] = ()
    heard_s: float | None = None
    steady_s: float | None = None
    restamped: bool = False
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


def elapsed_s(live: Live, at: int, steady_s: float) -> float | None:
    """Return the seconds between the last report and one that is stored under `at`, None if nothing tells."""
    last = live.monitor.last_report_at
    if last is None or live.restamped:
        return None
    # The stamps tell it only where no clock does: they leap with the time of day.
    return (at - last) / 1000 if live.steady_s is None else round(steady_s - live.steady_s, 3)


def advance(
    live: Live,
    report: Report,
    at: int,
    heard_s: float,
    address: str,
    seq: int,
    steady_s: float | None = None,
    agent: AgentInfo | None = None,
) -> Live:
    """Return what is known of a monitor after a report that is stored under `at`.

    `heard_s` is when it came on the listening clock, `steady_s` on the steady one, if that is another. `agent` sent it.
    """
    before = live.monitor
    gaps, trend = _extend_gaps(live, heard_s)
    steady_s = heard_s if steady_s is None else steady_s
    since_s = elapsed_s(live, at, steady_s)
    tracks = assess(live.tracks, report, before.policy, at, _joined_s(before, since_s))
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
        agent=agent,
        interval_s=learn_interval(gaps),
        report=report,
        network_rx_rate=_rate(before, since_s, "rx", report),
        network_tx_rate=_rate(before, since_s, "tx", report),
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
        steady_s=steady_s,
        restamped=False,
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


def _joined_s(before: Monitor, since_s: float | None) -> float | None:
    """Return the seconds between two reports if what held at both can be taken to have held all the while."""
    if since_s is None or since_s > before.policy.late_s(before.interval_s):
        return None
    return since_s


def _rate(before: Monitor, since_s: float | None, way: str, report: Report) -> float | None:
    """Return bytes a second between two reports; right after another report, the rate that it had."""
    old, new = (getattr(each, f"network_{way}_bytes", None) for each in (before.report, report))
    if old is None or new is None or new < old or since_s is None:
        return None
    if since_s < least_elapsed_s(before.interval_s):
        last: float | None = getattr(before, f"network_{way}_rate")
        return last
    return rate(old, new, since_s, before.interval_s)
