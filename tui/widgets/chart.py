"""One chart of a server's history, as a widget that renders lines and sends only those that changed."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from store.policy import NO_LIMITS, Limits
from store.policy import Level as Severity
from store.series import Spread
from tui import draw, look
from tui.chart import Scale, Tick, cell_of, time_ticks
from tui.chart_cells import Cell, Layer, layer, plot_row, presence_row, presences
from tui.chart_metrics import Metric, Picture, Trace, merged

GUTTER = 7
"""Cells of the vertical axis' labels, the last one being the axis itself."""

CURSOR_MARK = "▲"
LIMIT_MARK = "▸"
LEAST_COLUMNS, LEAST_ROWS = 10, 2
AROUND_PLOT = 4
"""Lines that are not the plot: the legend above, and the axis, its labels and the row of gaps below."""


def axis_line(ticks: Sequence[Tick], columns: int) -> str:
    """Return the time axis with its marks."""
    marks = {tick.column for tick in ticks}
    return "".join("┬" if column in marks else "─" for column in range(columns))


def label_line(ticks: Sequence[Tick], columns: int) -> str:
    """Return the labels of the time axis."""
    line = ""
    for tick in ticks:
        line = line.ljust(tick.start) + tick.label
    return line.ljust(columns)


def gutter(label: str | None, limit: tuple[str, Severity] | None = None) -> list[Cell]:
    """Return what stands left of a line of the plot: its label, or the limit that is there."""
    if limit is not None:
        word, severity = limit
        style = look.current.level[draw.SEVERITY_LEVEL[severity]]
        return [((label or word).rjust(GUTTER - 1), look.current.dim), (LIMIT_MARK, style)]
    return [((label or "").rjust(GUTTER - 1), look.current.dim), ("│" if label is None else "┤", look.current.axis)]


def legend(metric: Metric, values: Sequence[tuple[int, Trace, Spread | None]], width: int) -> list[Cell]:
    """Return the title and each trace with its value, and its least and greatest as far as there is room for those."""
    title = draw.fit(metric.kind.value, 9)
    texts = [(number, f"━ {trace.label} ", _shown(metric, value)) for number, trace, value in values]
    room = width - len(title) - sum(cell_len(label + value) + 2 for _, label, value in texts)
    cells: list[Cell] = [(title, "bold")]
    for (number, label, shown), (_, _, value) in zip(texts, values, strict=True):
        cells += [(label, look.current.lines[number]), (shown, "bold")]
        bounds = ""
        if value is not None and value.min < value.max:
            bounds = f" {_shown(metric, Spread(value.min, 0, 0))}\N{EN DASH}{_shown(metric, Spread(value.max, 0, 0))}"
        if 0 < len(bounds) <= room:
            room -= len(bounds)
            cells.append((bounds, look.current.dim))
        cells.append(("  ", ""))
    return cells


def _shown(metric: Metric, value: Spread | None) -> str:
    return draw.NONE if value is None else metric.shown(value.avg)


def _strip(cells: Iterable[Cell]) -> Strip:
    grouped = ((style, "".join(text for text, _ in run)) for style, run in groupby(cells, key=lambda cell: cell[1]))
    return Strip([Segment(text, Style.parse(style)) for style, text in grouped])


class Chart(Widget):
    """A legend with values, the plot, its axes, and the row of gaps.

    `place` is the cursor's time in ms, None for none: then the legend tells the newest values.
    """

    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; min-height: 6; }
    """
    ALLOW_SELECT = False

    def __init__(self, metric: Metric) -> None:
        """Start empty."""
        super().__init__()
        self.metric = metric
        self._picture: Picture | None = None
        self._place: int | None = None
        self._limits = NO_LIMITS
        self._traces: list[tuple[int, Trace]] = []
        self._lines: list[Strip] = []
        self._scale: Scale | None = None
        self._spots: dict[int, int] = {}

    @property
    def columns(self) -> int:
        """How many columns the plot has."""
        return max(self.size.width - GUTTER, LEAST_COLUMNS)

    @property
    def rows(self) -> int:
        """How many lines the plot has."""
        return max(self.size.height - AROUND_PLOT, LEAST_ROWS)

    def show(self, picture: Picture, metric: Metric, place: int | None, limits: Limits = NO_LIMITS) -> None:
        """Draw a picture with the cursor at a time, and limits at the axis."""
        self._picture, self.metric, self._place, self._limits = picture, metric, place, limits
        self._draw()

    def on_resize(self) -> None:
        """Draw in the new size."""
        self._draw()

    def restyle(self) -> None:
        """Draw everything in another look."""
        self._draw()

    def move(self, place: int | None) -> None:
        """Put the cursor at another time; only the lines that it leaves and enters are drawn, and the legend.

        A bar through the whole plot would cost ten times the bytes: a terminal is sent all that stands left of it.
        """
        before, self._place = self._spots, place
        if self._picture is None or not self._lines:
            return
        self._lines[0], self._spots = self._legend(), self._marked()
        self.refresh(*(Region(0, y, self.size.width, 1) for y in {0, *before, *self._spots}))

    def _draw(self) -> None:
        """Make all lines anew, and send those that are others than before."""
        if self._picture is None or not self.size.width:
            return
        before, spots = self._lines, self._spots
        self._lines = self._made(self._picture)
        self._spots = self._marked()
        if len(before) != len(self._lines):
            self.refresh()
            return
        changed = {y for y, (old, new) in enumerate(zip(before, self._lines, strict=True)) if old != new}
        changed |= {y for y in spots.keys() | self._spots.keys() if spots.get(y) != self._spots.get(y)}
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _made(self, picture: Picture) -> list[Strip]:
        columns, rows, points = self.columns, self.rows, picture.series.points
        self._traces = [
            (number, trace)
            for number, trace in enumerate(self.metric.traces)
            if any(trace.value(point) is not None for point in points)
        ]
        peaks = [spread.max for point in points for _, trace in self._traces if (spread := trace.value(point))]
        self._scale = scale = self.metric.scale(max(peaks, default=0.0), rows)
        layers = [
            layer(picture, trace, scale, columns, rows) if (number, trace) in self._traces else Layer()
            for number, trace in enumerate(self.metric.traces)
        ]
        labels, limits = scale.ticks(rows), scale.limits(self._limits, rows)
        lines = [self._legend()]
        for row in range(rows):
            plot = plot_row(layers, row, columns, rows, grid=row in labels)
            lines.append(_strip(gutter(labels.get(row), limits.get(row)) + plot))
        return lines + self._below(picture, columns)

    def _below(self, picture: Picture, columns: int) -> list[Strip]:
        ticks = time_ticks(picture.since, picture.until, columns)
        missing = presence_row(presences(picture, columns))
        indent = " " * GUTTER
        return [
            _strip([(" " * (GUTTER - 1) + "└" + axis_line(ticks, columns), look.current.axis)]),
            _strip([(indent + label_line(ticks, columns), look.current.dim)]),
            _strip([(indent + missing, look.current.dim)]),
        ]

    def _marked(self) -> dict[int, int]:
        """Return where the cursor is: a column by line, those of the values under it and that of the axis."""
        if self._place is None or self._picture is None or self._scale is None:
            return {}
        column = GUTTER + cell_of(self._place, self._picture.since, self._picture.until, self.columns)
        points = self._picture.under(self._place, self.columns)
        values = [spread.avg for _, trace in self._traces if (spread := merged(points, trace)) is not None]
        lines = [1 + self._scale.row(value, self.rows) for value in values]
        return dict.fromkeys([*lines, 1 + self.rows], column)

    def _legend(self) -> Strip:
        picture = self._picture
        if picture is None:
            return Strip([])
        if not self._traces:
            names = ", ".join(trace.label for trace in self.metric.traces)
            return _strip([(draw.fit(self.metric.kind.value, 9), "bold"), (f"no values of {names}", look.current.dim)])
        points = picture.under(self._place, self.columns)
        values = [(number, trace, merged(points, trace)) for number, trace in self._traces]
        return _strip(legend(self.metric, values, self.size.width))

    def render_line(self, y: int) -> Strip:
        """Return a line, with the cursor in it."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[y].adjust_cell_length(width)
        x = self._spots.get(y)
        # A terminal that has become narrower is drawn once before its charts hear of it.
        if x is not None and x < width:
            left, middle, right = line.divide([x, x + 1, width])
            text = CURSOR_MARK if y == 1 + self.rows else middle.text
            line = Strip.join([left, Strip([Segment(text, Style.parse(look.current.chart_cursor))]), right])
        return line.apply_style(self.rich_style)
