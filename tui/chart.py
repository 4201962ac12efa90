"""Axes of a chart: scales that end on nice numbers, and local times at nice places. Pure functions."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

from rich.cells import cell_len

from store.policy import Level as Severity
from store.policy import Limits
from tui import draw

DOTS_HIGH, DOTS_WIDE = 4, 2
"""A cell of braille."""

ROWS_PER_TICK = 3
MOST_TICKS = 5
LABEL_GAP = 2
"""Cells that two labels of the time axis keep between them, at least."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A vertical axis from 0 to `top` with a tick at each multiple of `step`."""

    top: float
    step: float
    shown: Callable[[float], str]

    def dot(self, value: float, rows: int) -> int:
        """Return how many dots above the bottom a value stands in a chart of `rows` lines; beyond `top` is cut."""
        most = rows * DOTS_HIGH - 1
        return round(min(max(value / self.top, 0.0), 1.0) * most)

    def row(self, value: float, rows: int) -> int:
        """Return on which line a value stands, line 0 being the highest."""
        return rows - 1 - self.dot(value, rows) // DOTS_HIGH

    def ticks(self, rows: int) -> dict[int, str]:
        """Return the labels by line."""
        values = [self.step * number for number in range(round(self.top / self.step) + 1)]
        return {self.row(value, rows): self.shown(value) for value in values}

    def limits(self, limits: Limits, rows: int) -> dict[int, tuple[str, Severity]]:
        """Return what stands at the lines of the limits, and how bad it is to reach them.

        Those beyond the scale have none, nor those that share a line with the label of another value.
        """
        marks = ((limits.warn, "warn", Severity.WARNING), (limits.crit, "crit", Severity.CRITICAL))
        ticks = self.ticks(rows)
        return {
            row: (word, severity)
            for at, word, severity in marks
            if at is not None and 0 < at <= self.top
            if ticks.get(row := self.row(at, rows), self.shown(at)) == self.shown(at)
        }


def percent_scale(_peak: float, rows: int) -> Scale:
    """Return the scale of percentages: always 0 to 100, so that charts can be compared."""
    step = next(step for step in (20, 25, 50, 100) if 100 / step <= _most_ticks(rows))
    return Scale(100, step, lambda value: f"{value:.0f}%")


def plain_scale(peak: float, rows: int) -> Scale:
    """Return a scale for numbers without a limit that holds `peak`, in steps of 1, 2 or 5 times a power of ten."""
    step = _nice_step(peak, rows, base=10, least=0.1)
    return Scale(step * _steps(peak, step), step, lambda value: f"{value:g}" if value < 1000 else draw.load(value))


def rate_scale(peak: float, rows: int) -> Scale:
    """Return a scale for bytes per second that holds `peak`, with nice numbers of B, K, M and so on."""
    step = _nice_step(peak, rows, base=1024, least=1.0)
    return Scale(step * _steps(peak, step), step, _rate_label)


def _rate_label(value: float) -> str:
    return draw.rate(value).replace(".0", "") + "/s" if value else "0"


def _most_ticks(rows: int) -> int:
    return min(max(rows // ROWS_PER_TICK, 1), MOST_TICKS)


def _steps(peak: float, step: float) -> int:
    # Rounded first, since 0.3 / 0.1 is a little more than 3.
    return max(ceil(round(peak / step, 6)), 1)


def _nice_step(peak: float, rows: int, *, base: int, least: float) -> float:
    most = _most_ticks(rows)
    if peak <= least * most:
        return least
    candidates = (1, 2, 5) if base == 10 else (1, 2, 5, 10, 20, 50, 100, 200, 500)
    # From one power below, since a float's logarithm may fall on either side.
    power = floor(log10(peak / most) / log10(base)) - 1
    while True:
        for candidate in candidates:
            step = candidate * float(base) ** power
            if _steps(peak, step) <= most:
                return step
        power += 1


_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS_S = (
    *(minutes * _MINUTE for minutes in (1, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 5, 7, 14)),
)
_MONTHS = (1, 2, 3, 6, 12)
_WIDEST_LABEL = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis: the column it stands for, its label, and the column where that begins."""

    column: int
    label: str
    start: int


def time_ticks(since: int, until: int, columns: int) -> list[Tick]:
    """Return the marks of a period (ms) in this machine's zone; labels never touch and never leave the axis."""
    width_s = (until - since) / 1000
    if columns < _WIDEST_LABEL or width_s <= 0:
        return []
    ticks: list[Tick] = []
    free = 0
    for at, label in _moments(since / 1000, until / 1000, width_s * (_WIDEST_LABEL + LABEL_GAP) / columns):
        column = int((at - since / 1000) / width_s * columns)
        cells = cell_len(label)
        start = column - cells // 2
        if start >= free and start + cells <= columns:
            ticks.append(Tick(column, label, start))
            free = start + cells + LABEL_GAP
    return ticks


def _moments(since: float, until: float, least_s: float) -> Iterator[tuple[float, str]]:
    step = next((step for step in _STEPS_S if step >= least_s), None)
    days = 0 if step is None else step // _DAY
    at = datetime.fromtimestamp(since).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step is None:
        yield from _months(at, until, least_s)
    elif days:
        # Counted from a fixed day, so that the marks stay where they are as the period moves on.
        at -= timedelta(days=at.toordinal() % days)
        while at.timestamp() < until:
            yield at.timestamp(), _day(at)
            at += timedelta(days=days)
    else:
        while at.timestamp() < until:
            # A time of day that a change of the clocks leaves out is no mark.
            if at.timestamp() >= since and datetime.fromtimestamp(at.timestamp()) == at:
                yield at.timestamp(), _day(at) if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"
            at += timedelta(seconds=step)


def _months(at: datetime, until: float, least_s: float) -> Iterator[tuple[float, str]]:
    months = next((months for months in _MONTHS if months * 28 * _DAY >= least_s), _MONTHS[-1])
    number = at.year * 12 + at.month - 1
    number -= number % months
    while (at := at.replace(year=number // 12, month=number % 12 + 1, day=1)).timestamp() < until:
        yield at.timestamp(), f"{at:%Y}" if at.month == 1 else f"{at:%b}"
        number += months


def _day(at: datetime) -> str:
    return f"{at:%d} {at:%b}"


def cell_of(at: float, since: int, until: int, cells: int) -> int:
    """Return in which of `cells` equal parts of a period a time lies, cut to the first and the last."""
    return min(max(int((at - since) * cells // (until - since)), 0), cells - 1)


def covered(at: float, runs: list[tuple[int, int]]) -> bool:
    """Return whether a time lies in one of some periods, which are ordered and do not overlap."""
    place = bisect_right(runs, at, key=lambda run: run[0]) - 1
    return place >= 0 and at <= runs[place][1]
