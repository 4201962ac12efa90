"""A chart as cells: lines of braille over tinted bands, and a row that tells why data is missing. Pure functions.

A band is filled in steps of an eighth of a cell, so it stays calm; the line over it is braille, 2 by 4 dots a cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from store.series import Spread
from tui import look
from tui.chart import DOTS_HIGH, DOTS_WIDE, Scale, cell_of
from tui.chart_metrics import Picture, Presence, Trace

GRID = "┈"
SHADE = "░"
EIGHTH = 8
_BLOCKS = " ▁▂▃▄▅▆▇█"
_DOTS = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""The bits of a braille cell, from its lowest dots up."""

PRESENCE_MARK = {Presence.OFF: "▒", Presence.SILENT: "╌"}
"""How times without data are marked under the axis; what was before the server was monitored is left blank."""

Cell = tuple[str, str]
"""A character and its style."""


@dataclass(slots=True)
class Layer:
    """One trace as drawn: dots of its line by (row, column), and its band in eighths of cells by column."""

    dots: dict[tuple[int, int], int] = field(default_factory=dict)
    band: dict[int, tuple[float, float]] = field(default_factory=dict)

    def share(self, row: int, column: int, rows: int) -> tuple[float, float]:
        """Return from where to where, in eighths, the band fills a cell; from 0 to 0 if it does not."""
        low, high = self.band.get(column, (0.0, 0.0))
        bottom = (rows - 1 - row) * EIGHTH
        return min(max(low - bottom, 0), EIGHTH), min(max(high - bottom, 0), EIGHTH)


Mark = tuple[int, Spread]
"""The middle of a point's time, and its values."""


def marks(picture: Picture, trace: Trace) -> list[Mark]:
    """Return the values of a trace."""
    half = picture.series.step_ms // 2
    return [(point.at + half, spread) for point in picture.series.points if (spread := trace.value(point)) is not None]


def stretches(found: Sequence[Mark], gap_ms: int) -> Iterator[list[Mark]]:
    """Yield the runs of values that belong together: no two neighbours further apart than `gap_ms`."""
    run: list[Mark] = []
    for mark in found:
        if run and mark[0] - run[-1][0] > gap_ms:
            yield run
            run = []
        run.append(mark)
    if run:
        yield run


def layer(picture: Picture, trace: Trace, scale: Scale, columns: int, rows: int) -> Layer:
    """Return one trace as drawn in so many columns and rows."""
    drawn = Layer()
    wide = columns * DOTS_WIDE
    for run in stretches(marks(picture, trace), picture.series.gap_ms):
        places = [cell_of(at, picture.since, picture.until, wide) for at, _ in run]
        _trace_line(drawn, places, [scale.dot(spread.avg, rows) for _, spread in run], rows)
        # Raw reports that stand alone in their points have no band; where several share one, it is told.
        if trace.banded and any(spread.min < spread.max for _, spread in run):
            lows = [_eighths(spread.min, scale, rows) for _, spread in run]
            highs = [_eighths(spread.max, scale, rows) for _, spread in run]
            _trace_band(drawn, places, lows, highs)
    return drawn


def _eighths(value: float, scale: Scale, rows: int) -> float:
    return min(max(value / scale.top, 0.0), 1.0) * rows * EIGHTH


def _trace_line(drawn: Layer, places: Sequence[int], heights: Sequence[int], rows: int) -> None:
    last = heights[0]
    for place, next_place, height, next_height in _pairs(places, heights):
        for x in range(place, next_place + 1):
            y = round(_between(x, place, next_place, height, next_height))
            for dot in range(min(last, y), max(last, y) + 1):
                cell = (rows - 1 - dot // DOTS_HIGH, x // DOTS_WIDE)
                drawn.dots[cell] = drawn.dots.get(cell, 0) | _DOTS[dot % DOTS_HIGH][x % DOTS_WIDE]
            last = y


def _trace_band(drawn: Layer, places: Sequence[int], lows: Sequence[float], highs: Sequence[float]) -> None:
    bounds = zip(_pairs(places, lows), _pairs(places, highs), strict=True)
    for (place, next_place, low, next_low), (_, _, high, next_high) in bounds:
        for x in range(place, next_place + 1):
            least = _between(x, place, next_place, low, next_low)
            most = _between(x, place, next_place, high, next_high)
            before = drawn.band.get(x // DOTS_WIDE, (least, most))
            drawn.band[x // DOTS_WIDE] = min(before[0], least), max(before[1], most)


def _pairs(places: Sequence[int], values: Sequence[float]) -> Iterator[tuple[int, int, float, float]]:
    """Yield neighbours; a lonely value is its own neighbour."""
    following = slice(1, None) if len(places) > 1 else slice(None)
    yield from zip(places, places[following], values, values[following], strict=False)


def _between(x: int, left: int, right: int, value: float, next_value: float) -> float:
    # At one place the later value counts.
    return next_value if right == left else value + (next_value - value) * (x - left) / (right - left)


def cell(layers: Sequence[Layer], row: int, column: int, rows: int) -> Cell | None:
    """Return what stands in a cell of the plot, None if nothing does."""
    tint, edge = _tint(layers, row, column, rows)
    dots, style = 0, ""
    for number, each in enumerate(layers):
        if bits := each.dots.get((row, column)):
            dots, style = dots | bits, style or look.current.lines[number]
    if dots:
        return chr(0x2800 + dots), f"{style} on {tint}" if tint else style
    return edge


def _tint(layers: Sequence[Layer], row: int, column: int, rows: int) -> tuple[str, Cell | None]:
    """Return the ground that a band gives a line in a cell, and what the band draws there without one."""
    for number, each in enumerate(layers):
        low, high = each.share(row, column, rows)
        if not look.current.bands:
            if high - low >= EIGHTH / 2:
                return "", (SHADE, f"{look.current.lines[number]} not bold dim")
            continue
        style = look.current.bands[number]
        if high - low >= EIGHTH / 2:
            return style, _edge(low, high, style)
        if high > low and (low == 0 or high == EIGHTH):
            return "", _edge(low, high, style)
    return "", None


def _edge(low: float, high: float, style: str) -> Cell:
    if low < 0.5 and high > EIGHTH - 0.5:
        return " ", f"on {style}"
    if low == 0:
        return _BLOCKS[max(round(high), 1)], style
    if high == EIGHTH:
        return _BLOCKS[min(max(round(low), 1), EIGHTH - 1)], f"{style} reverse"
    return " ", f"on {style}"


def plot_row(layers: Sequence[Layer], row: int, columns: int, rows: int, *, grid: bool) -> list[Cell]:
    """Return one line of the plot; where nothing stands it is blank, or the grid."""
    empty = (GRID, look.current.grid) if grid else (" ", "")
    return [cell(layers, row, column, rows) or empty for column in range(columns)]


def presences(picture: Picture, columns: int) -> list[Presence]:
    """Return for each column why it lacks data; those that have it, or lack it for less than half, count as having it.

    A gap shorter than that is marked in the one column that holds its middle, so that none goes unseen.
    """
    found = [Presence.DATA] * columns
    width = (picture.until - picture.since) / columns
    for start, end in picture.gaps():
        middle = cell_of((start + end) / 2, picture.since, picture.until, columns)
        first, last = (cell_of(at, picture.since, picture.until, columns) for at in (start, end))
        for column in range(first, last + 1):
            left, right = picture.times_of(column, columns)
            here = max(left, start), min(right, end)
            if column == middle or here[1] - here[0] >= width / 2:
                found[column] = picture.presence((here[0] + here[1]) / 2)
    return found


def presence_row(found: Sequence[Presence]) -> str:
    """Return the row under the axis: each time without data by its mark, and in words where there is room."""
    row = ""
    while len(row) < len(found):
        kind = found[len(row)]
        length = next((n for n, each in enumerate(found[len(row) :]) if each is not kind), len(found) - len(row))
        mark = PRESENCE_MARK.get(kind, " ")
        word = f" {kind.value} " if kind.value and len(kind.value) + 4 <= length else ""
        row += word.center(length, mark) if word else mark * length
    return row
