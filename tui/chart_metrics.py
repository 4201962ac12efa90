"""What the charts of a server show: metrics, their traces, ranges, and the values under a cursor. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from store.series import MountSpread, Point, Series, Spread
from store.tiers import DAY_MS, HOUR_MS
from tui import draw
from tui.chart import Scale, cell_of, covered, percent_scale, plain_scale, rate_scale


@dataclass(frozen=True, slots=True)
class Range:
    """How far a chart looks back, the key that asks for it, and how often its live end is read again."""

    key: str
    label: str
    span_ms: int
    every_s: int


RANGES = (
    Range("1", "1h", HOUR_MS, 10),
    Range("2", "6h", 6 * HOUR_MS, 30),
    Range("3", "24h", DAY_MS, 60),
    Range("4", "7d", 7 * DAY_MS, 300),
    Range("5", "30d", 30 * DAY_MS, 600),
    Range("6", "400d", 400 * DAY_MS, 600),
)


class Kind(StrEnum):
    """What a chart is about; its value is its title."""

    CPU = "CPU"
    MEMORY = "Memory"
    NETWORK = "Network"
    LOAD = "Load"
    DISK = "Disk"


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of a chart: how it is called, where its values stand in a point, and whether it has a band."""

    label: str
    value: Callable[[Point], Spread | None]
    banded: bool = True


@dataclass(frozen=True, slots=True)
class Metric:
    """A chart: its traces (the first one drawn on top), its scale, and how a value is written.

    `limited` is what the limits of its first trace are called in a policy, None if it has none.
    """

    kind: Kind
    key: str
    traces: tuple[Trace, ...]
    scale: Callable[[float, int], Scale]
    shown: Callable[[float], str]
    limited: str | None = None


def _number(name: str) -> Callable[[Point], Spread | None]:
    return lambda point: point.numbers.get(name)


def _flat(rate: float | None) -> Spread | None:
    return None if rate is None else Spread(rate, rate, rate)


def _percent(value: float) -> str:
    return f"{value:.1f}%"


def _per_second(value: float) -> str:
    return draw.rate(value) + "/s"


METRICS = (
    Metric(
        Kind.CPU,
        "c",
        (Trace("usage", _number("cpu_usage")), Trace("iowait", _number("cpu_iowait"))),
        percent_scale,
        _percent,
        "cpu",
    ),
    Metric(
        Kind.MEMORY,
        "m",
        (Trace("memory", _number("memory_usage")), Trace("swap", _number("swap_usage"))),
        percent_scale,
        _percent,
        "memory",
    ),
    Metric(
        Kind.NETWORK,
        "n",
        # Bytes are stored as sums, so a rate has no least and greatest value.
        (
            Trace("in", lambda point: _flat(point.rx_rate), banded=False),
            Trace("out", lambda point: _flat(point.tx_rate), banded=False),
        ),
        rate_scale,
        _per_second,
    ),
    Metric(
        Kind.LOAD,
        "l",
        (
            Trace("1m", _number("load_1m")),
            Trace("5m", _number("load_5m"), banded=False),
            Trace("15m", _number("load_15m"), banded=False),
        ),
        plain_scale,
        draw.load,
        "load",
    ),
)
"""All charts but those of mounts, which depend on the server: see `disk_metric`."""

DISK_KEY = "d"


def mount_at(point: Point, mount: str) -> MountSpread | None:
    """Return what a point says of a mount."""
    return next((each for each in point.mounts if each.mount == mount), None)


def disk_metric(mount: str | None) -> Metric:
    """Return the chart of one mount's usage; without a mount it is empty."""

    def usage(point: Point) -> Spread | None:
        found = mount_at(point, mount) if mount is not None else None
        return found.usage if found else None

    traces = () if mount is None else (Trace(draw.safe(mount, 40), usage),)
    return Metric(Kind.DISK, DISK_KEY, traces, percent_scale, _percent, "disk")


def mounts_of(points: Sequence[Point], now_mounted: Iterable[tuple[str, float]]) -> list[str]:
    """Return the mounts to choose from: those of the last report, the fullest first, then those of earlier times."""
    mounted = [mount for mount, _ in sorted(now_mounted, key=lambda pair: (-round(pair[1]), pair[0]))]
    known = set(mounted)
    gone = {each.mount for point in points for each in point.mounts} - known
    return mounted + sorted(gone)


class Presence(StrEnum):
    """Why there are values at a time, or why not; the value is how that is said."""

    DATA = ""
    SILENT = "no reports"
    OFF = "receiver was off"
    BEFORE = "not monitored yet"
    LATER = "not yet"


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the charts of one server draw from: its history of a period, and when its receiver ran.

    `now` ends what can be known: between it and `until` nothing is missing. `created_at` begins it.
    """

    since: int
    until: int
    now: int
    created_at: int
    series: Series
    runs: tuple[tuple[int, int], ...]

    def gaps(self) -> list[tuple[int, int]]:
        """Return the times (from, to) without data."""
        series, ends = self.series, [self.since]
        gaps = []
        for point in series.points:
            if point.at - ends[-1] > series.gap_ms - series.step_ms:
                gaps.append((ends[-1], point.at))
            ends.append(point.at + series.step_ms)
        last = min(self.now, self.until)
        if last - ends[-1] > series.gap_ms - series.step_ms:
            gaps.append((ends[-1], last))
        return gaps

    def presence(self, at: float) -> Presence:
        """Return why there is no data at a time that lies in a gap."""
        if at > self.now:
            return Presence.LATER
        if at < self.created_at:
            return Presence.BEFORE
        return Presence.SILENT if covered(at, list(self.runs)) else Presence.OFF

    def points_at(self, since: float, until: float) -> Sequence[Point]:
        """Return the points within a time, or else the nearest if that is not beyond a gap."""
        points, step = self.series.points, self.series.step_ms
        first = bisect_left(points, since, key=lambda point: point.at + step)
        last = bisect_left(points, until, key=lambda point: point.at)
        found = [point for point in points[first:last] if point.at + step > since]
        if found or not points:
            return found
        before, after = points[max(last - 1, 0)], points[min(last, len(points) - 1)]
        if after.at - before.at > self.series.gap_ms:
            return []
        nearest = before if since - before.at < after.at - until else after
        # At either end there is but one, which may be far.
        return [nearest] if -self.series.gap_ms <= since - nearest.at <= self.series.gap_ms else []

    def times_of(self, column: int, columns: int) -> tuple[float, float]:
        """Return the time (from, to) that a column stands for."""
        width = (self.until - self.since) / columns
        return self.since + column * width, self.since + (column + 1) * width

    def under(self, place: int | None, columns: int) -> Sequence[Point]:
        """Return the points that a cursor at a time is on, in a chart of so many columns; without one, the newest."""
        if place is None:
            return self.series.points[-1:]
        return self.points_at(*self.times_of(cell_of(place, self.since, self.until, columns), columns))


def merged(points: Sequence[Point], trace: Trace) -> Spread | None:
    """Return a trace's average, least and greatest value over some points."""
    found = [(spread, point.count) for point in points if (spread := trace.value(point)) is not None]
    if not found:
        return None
    weight = sum(count for _, count in found)
    average = sum(spread.avg * count for spread, count in found) / weight
    return Spread(average, min(spread.min for spread, _ in found), max(spread.max for spread, _ in found))
