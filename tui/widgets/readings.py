"""What a server reads now and how that went during the last hour, as lines of text for the server screen."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text

from store.models import Monitor, Report, Status
from store.policy import NO_LIMITS, Limits
from tui import draw, look
from tui.widgets.course import Course, Series, latest

_LABEL_CELLS = 9
_VALUE_CELLS = 6
_SPARK_MAX = 60
_BETWEEN = 4

_HEADROOM = 1.15
"""A course without a natural limit ends below the top of its line, so that it does not touch the one above."""


Point = tuple[float | None, ...]
"""The newest value of every series, in their order."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: what it is called, how its value is written, the metric whose limits it has (None: no limits)."""

    series: Series
    label: str
    shown: Callable[[float | None], str]
    metric: str | None = None

    @property
    def is_usage(self) -> bool:
        """Whether its course is drawn against 0 to 100 percent rather than its own highest value."""
        return self.series in _USAGES


_USAGES = frozenset({Series.CPU, Series.IOWAIT, Series.MEMORY, Series.SWAP})


def _percent(value: float | None) -> str:
    return draw.percent(value, 1)


def _per_second(value: float | None) -> str:
    return draw.NONE if value is None else draw.rate(value) + "/s"


LEFT = (
    Reading(Series.CPU, "CPU", _percent, "cpu"),
    Reading(Series.IOWAIT, "iowait", _percent, "iowait"),
    Reading(Series.MEMORY, "memory", _percent, "memory"),
    Reading(Series.SWAP, "swap", _percent, "swap"),
)
RIGHT = (
    Reading(Series.RX, "net in", _per_second),
    Reading(Series.TX, "net out", _per_second),
    Reading(Series.LOAD_1, "load 1m", draw.load, "load"),
    Reading(Series.LOAD_5, "load 5m", draw.load),
    Reading(Series.LOAD_15, "load 15m", draw.load),
)


def memory_line(report: Report | None, width: int) -> Text:
    """Return how much memory is used of how much, in `width` cells."""
    if report is None:
        return Text(" " * width)
    used = report.memory_total_mb * report.memory_usage / 100
    amount = f"{draw.size_mb(used)} of {draw.size_mb(report.memory_total_mb)}"
    return Text(draw.fit(" " * (_LABEL_CELLS + _VALUE_CELLS + 2) + amount, width), style=look.current.dim)


def _spark(reading: Reading, cells: list[float | None]) -> str:
    if reading.is_usage:
        return draw.spark(cells, len(cells))
    highest = max((cell for cell in cells if cell is not None), default=0.0)
    return draw.spark(cells, len(cells), high=highest * _HEADROOM or 1)


def _style(value: float | None, limits: Limits, stale: bool) -> str:
    if stale or value is None:
        return look.current.level["none"]
    level = draw.level(value, limits)
    return "" if level == "none" else look.current.level[level]


def reading_line(reading: Reading, value: float | None, cells: list[float | None], width: int, style: str) -> Text:
    """Return label, value (in a style) and course of one reading in `width` cells."""
    course = style if style == look.current.level["none"] else look.current.calm
    line = Text().append(draw.fit(reading.label, _LABEL_CELLS), look.current.dim)
    line.append(reading.shown(value).rjust(_VALUE_CELLS), style)
    line.append("  " + _spark(reading, cells), course)
    line.append(" " * max(width - line.cell_len, 0))
    return line


def readings(monitor: Monitor, course: Course, now: int, width: int) -> Text:
    """Return the readings as six lines of at most `width` cells in two columns."""
    half = (width - _BETWEEN) // 2
    cells = min(max(half - _LABEL_CELLS - _VALUE_CELLS - 2, 0), _SPARK_MAX)
    values = latest(monitor.report, monitor.network_rx_rate, monitor.network_tx_rate)
    stale = monitor.status is Status.DOWN

    def line(reading: Reading) -> Text:
        past = course.cells(reading.series, now, cells, monitor.interval_s)
        value = values[reading.series]
        limits = monitor.policy.limits(reading.metric) if reading.metric else NO_LIMITS
        return reading_line(reading, value, past, half, _style(value, limits, stale))

    title = draw.fit(" " * _LABEL_CELLS + "now".rjust(_VALUE_CELLS) + "  last hour", half)
    heading = Text(title, style=look.current.dim)
    left = [heading, *(line(reading) for reading in LEFT)]
    left.insert(1 + LEFT.index(_MEMORY) + 1, memory_line(monitor.report, half))
    right = [heading, *(line(reading) for reading in RIGHT)]
    gap = Text(" " * _BETWEEN)
    return Text("\n").join(Text.assemble(one, gap, other) for one, other in zip(left, right, strict=True))


_MEMORY = next(reading for reading in LEFT if reading.series is Series.MEMORY)
