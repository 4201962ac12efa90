"""What a server reads now and how that went during the last hour, as lines of text for the server screen."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text

from store.models import Monitor, Report, Status
from tui import draw
from tui.widgets.course import Course, Series, latest

_LABEL_CELLS = 9
_VALUE_CELLS = 6
_SPARK_MAX = 60
_BETWEEN = 4

_HEADROOM = 1.15
"""A course without a natural limit ends below the top of its line, so that it does not touch the one above."""

_COURSE_STYLE = "#437873"
"""Quieter than the values: the course is background to them."""

Point = tuple[float | None, ...]
"""The newest value of every series, in their order."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: what it is called, how its value is written, and from where on it is worrying (None: never)."""

    series: Series
    label: str
    shown: Callable[[float | None], str]
    steps: tuple[float, float] | None = None

    @property
    def is_usage(self) -> bool:
        """Whether its course is drawn against 0 to 100 percent rather than its own highest value."""
        return self.steps is not None


def _percent(value: float | None) -> str:
    return draw.percent(value, 1)


def _per_second(value: float | None) -> str:
    return draw.NONE if value is None else draw.rate(value) + "/s"


LEFT = (
    Reading(Series.CPU, "CPU", _percent, draw.USAGE_STEPS),
    Reading(Series.IOWAIT, "iowait", _percent, draw.IOWAIT_STEPS),
    Reading(Series.MEMORY, "memory", _percent, draw.USAGE_STEPS),
    Reading(Series.SWAP, "swap", _percent, draw.SWAP_STEPS),
)
RIGHT = (
    Reading(Series.RX, "net in", _per_second),
    Reading(Series.TX, "net out", _per_second),
    Reading(Series.LOAD_1, "load 1m", draw.load),
    Reading(Series.LOAD_5, "load 5m", draw.load),
    Reading(Series.LOAD_15, "load 15m", draw.load),
)


def memory_line(report: Report | None, width: int) -> Text:
    """Return how much memory is used of how much, in `width` cells."""
    if report is None:
        return Text(" " * width)
    used = report.memory_total_mb * report.memory_usage / 100
    amount = f"{draw.size_mb(used)} of {draw.size_mb(report.memory_total_mb)}"
    return Text(draw.fit(" " * (_LABEL_CELLS + _VALUE_CELLS + 2) + amount, width), style=draw.DIM_STYLE)


def _spark(reading: Reading, cells: list[float | None]) -> str:
    if reading.is_usage:
        return draw.spark(cells, len(cells))
    highest = max((cell for cell in cells if cell is not None), default=0.0)
    return draw.spark(cells, len(cells), high=highest * _HEADROOM or 1)


def reading_line(reading: Reading, value: float | None, cells: list[float | None], width: int, stale: bool) -> Text:
    """Return label, value and course of one reading in `width` cells; what is stale has no colour."""
    level = draw.level(value, reading.steps) if reading.steps and not stale else "none"
    style = draw.LEVEL_STYLE[level] if reading.steps or stale else ""
    course = draw.LEVEL_STYLE["none"] if stale else _COURSE_STYLE
    line = Text().append(draw.fit(reading.label, _LABEL_CELLS), draw.DIM_STYLE)
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
        return reading_line(reading, values[reading.series], past, half, stale)

    title = draw.fit(" " * _LABEL_CELLS + "now".rjust(_VALUE_CELLS) + "  last hour", half)
    heading = Text(title, style=draw.DIM_STYLE)
    left = [heading, *(line(reading) for reading in LEFT)]
    left.insert(1 + LEFT.index(_MEMORY) + 1, memory_line(monitor.report, half))
    right = [heading, *(line(reading) for reading in RIGHT)]
    gap = Text(" " * _BETWEEN)
    return Text("\n").join(Text.assemble(one, gap, other) for one, other in zip(left, right, strict=True))


_MEMORY = next(reading for reading in LEFT if reading.series is Series.MEMORY)
