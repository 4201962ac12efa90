"""Charts of one server's history, over ranges from an hour to 400 days, with a cursor that reads values out."""

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static

from store.errors import AgentmonError
from store.models import Monitor
from store.policy import NO_LIMITS, Limits
from tui.actions import Room, bindings
from tui.chart import DOTS_WIDE
from tui.chart_metrics import METRICS, RANGES, Kind, Metric, Picture, Range, disk_metric, mounts_of
from tui.draw import safe, same
from tui.feed import FleetChanged
from tui.screens.base import ConsoleScreen
from tui.widgets.chart import GUTTER, LEAST_COLUMNS, Chart
from tui.widgets.chart_head import choices, moment, mount_note, title
from tui.widgets.footer import ActionFooter

ALL_FROM = (140, 38)
"""Columns and rows of a terminal from which on all charts are shown at once."""

BETWEEN = 3
"""Cells between two charts side by side."""

STRIDE = 10
KINDS = (*(metric.kind for metric in METRICS), Kind.DISK)


def plot_columns(width: int, *, all_charts: bool) -> int:
    """Return how many columns a chart's plot has in a terminal of `width` cells."""
    inner = width - 2
    return max(((inner - BETWEEN) // 2 if all_charts else inner) - GUTTER, LEAST_COLUMNS)


def period(span: Range, end: int, columns: int, *, live: bool) -> tuple[int, int]:
    """Return the time (ms, from and to) of a range that ends at `end`.

    A live one ends at the next multiple of a column, so that what is drawn stands still until a column is full.
    """
    column_ms = max(span.span_ms // columns, 1)
    until = -(-end // column_ms) * column_ms if live else end
    return until - column_ms * columns, until


def moved(place: int | None, where: str, picture: Picture, columns: int) -> int | None:
    """Return the cursor's time after a move; None is behind the newest values, where none is shown."""
    column_ms = (picture.until - picture.since) / columns
    if where == "last":
        return None
    column = columns if place is None else int((place - picture.since) / column_ms)
    steps = {"earlier": -1, "later": 1, "much_earlier": -STRIDE, "much_later": STRIDE, "first": -columns}
    column = max(column + steps[where], 0)
    return None if column >= columns else round(picture.since + (column + 0.5) * column_ms)


class HistoryScreen(ConsoleScreen):
    """One chart at a time, or all in a large terminal; `until_ms` makes a past moment their right end."""

    room = Room.HISTORY
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.HISTORY)
    CSS_PATH = "history.tcss"

    def __init__(self, monitor_id: int, until_ms: int | None = None) -> None:
        """Prepare the history of the monitor with that id."""
        super().__init__()
        self._monitor_id = monitor_id
        self._until = until_ms
        self._monitor: Monitor | None = None
        self._range = RANGES[2]
        self._chosen: Kind | None = None
        self._mount: str | None = None
        self._place: int | None = None
        self._picture: Picture | None = None
        self._read_at: int | None = None
        self._problem = ""

    def subject(self) -> Monitor | None:
        """Return the monitor that is shown."""
        return self._monitor

    def compose(self) -> ComposeResult:
        """Lay the screen out; the charts take what the lines above leave."""
        for name in ("title", "choices", "moment", "problem"):
            yield Static(id=name, markup=False)
        with Container(id="charts"):
            for metric in (*METRICS, disk_metric(None)):
                yield Chart(metric)
        yield ActionFooter(self.room, self.console.read_only)

    def on_screen_suspend(self) -> None:
        """Be still while covered."""
        self.console.fleet_changed.unsubscribe(self)

    def on_screen_resume(self) -> None:
        """Follow the fleet, from what is known already."""
        self.console.fleet_changed.subscribe(self, self._fleet_changed)
        self._take()

    def on_resize(self) -> None:
        """Arrange the charts anew, and read as many points as fit them now."""
        self._read_at = None
        self._arrange()
        self._take()

    def _fleet_changed(self, _change: FleetChanged) -> None:
        self._take()

    def _take(self) -> None:
        """Read the history if it is time to."""
        monitor = self.console.feed.monitors.get(self._monitor_id)
        if monitor is None:
            self._leave()
            return
        self._monitor = monitor
        if self.size.width and self._is_due():
            self._read_at = self.console.now()
            self._read(monitor)
        self._head()

    def _leave(self) -> None:
        if self.is_active and self._monitor is not None:
            self.console.say(f"{self._monitor.name} was deleted")
        if self.is_active:
            self.app.pop_screen()

    def _is_due(self) -> bool:
        if self._read_at is None:
            return True
        elapsed = abs(self.console.now() - self._read_at)
        return elapsed >= self._range.every_s * 1000 and (self._until is None or bool(self._problem))

    @work(group="history", exclusive=True)
    async def _read(self, monitor: Monitor) -> None:
        now, columns = self.console.now(), self._columns
        since, until = period(self._range, self._until or now, columns, live=self._until is None)
        try:
            series = await self.console.reader.series(monitor, since, until, columns * DOTS_WIDE)
            runs = await self.console.reader.receiver_runs(since, until)
        except AgentmonError as error:
            self._problem = str(error)
        else:
            self._problem = ""
            self._picture = Picture(since, until, self._until or now, monitor.created_at, series, tuple(runs))
            self._settle()
        self._show()

    def _settle(self) -> None:
        """Keep mount and cursor within what was read."""
        picture, mounts = self._picture, self._mounts()
        if self._mount not in mounts:
            self._mount = mounts[0] if mounts else None
        if picture and self._place is not None and not picture.since <= self._place < picture.until:
            self._place = None

    @property
    def _can_show_all(self) -> bool:
        return self.size.width >= ALL_FROM[0] and self.size.height >= ALL_FROM[1]

    @property
    def _kind(self) -> Kind | None:
        """The chart that is shown, None for all."""
        return self._chosen or (None if self._can_show_all else KINDS[0])

    @property
    def _columns(self) -> int:
        return plot_columns(self.size.width, all_charts=self._kind is None)

    def _mounts(self) -> list[str]:
        report = self._monitor.report if self._monitor else None
        now_mounted = [(mount.mount, mount.usage) for mount in report.disk_usage] if report else []
        return mounts_of(self._picture.series.points if self._picture else (), now_mounted)

    def _metric(self, kind: Kind) -> Metric:
        return next((metric for metric in METRICS if metric.kind is kind), disk_metric(self._mount))

    def _arrange(self) -> None:
        """Let the chosen charts be seen."""
        self.set_class(self._kind is None, "all")
        for chart in self.query(Chart):
            chart.set_class(self._kind in (None, chart.metric.kind), "shown")
            chart.set_class(chart.metric.kind is Kind.DISK, "last")
        self._show()

    def _show(self) -> None:
        """Draw the charts that are seen."""
        if not (self.is_active and self.is_mounted):
            return
        self._head()
        if self._picture is not None:
            for chart in self.query(Chart):
                if self._kind in (None, chart.metric.kind):
                    metric = self._metric(chart.metric.kind)
                    chart.show(self._picture, metric, self._place, self._limits(metric))

    def _limits(self, metric: Metric) -> Limits:
        if metric.limited is None or self._monitor is None:
            return NO_LIMITS
        return self._monitor.policy.limits(metric.limited, self._mount if metric.kind is Kind.DISK else None)

    def _head(self) -> None:
        monitor, width = self._monitor, max(self.size.width - 2, 20)
        if monitor is None or not (self.is_active and self.is_mounted):
            return
        note = Text()
        if self._kind in (None, Kind.DISK) and self._mount is not None:
            full_at = monitor.full_at.get(self._mount) if self._until is None else None
            note = mount_note(self._mounts(), self._mount, full_at, self.console.now())
        self._put("title", title(monitor.name, self._until, note, width))
        self._put("choices", choices(self._kind, self._range, width, can_show_all=self._can_show_all))
        problem = self.console.feed.problem or self._problem
        is_reading = self._picture is not None or not problem
        self._put("moment", moment(self._picture, self._place, self._columns, width) if is_reading else Text())
        self._put("problem", Text(safe(problem)))
        self.query_one("#problem").display = bool(problem)

    def _put(self, name: str, text: Text) -> None:
        static = self.query_one(f"#{name}", Static)
        if not same(static.content, text):
            static.update(text, layout=False)

    def action_range(self, key: str) -> None:
        """Look back as far as the range of that key does."""
        self._range = next(span for span in RANGES if span.key == key)
        self._read_again()

    def _read_again(self) -> None:
        self._read_at = None
        self._take()

    def action_chart(self, key: str) -> None:
        """Show the chart of that key alone."""
        found = next((metric.kind for metric in METRICS if metric.key == key), Kind.DISK)
        self._choose(found)

    def action_all_charts(self) -> None:
        """Show all charts, where the terminal is large enough."""
        if self._can_show_all:
            self._choose(None)
        else:
            self.console.say(f"All charts at once need {ALL_FROM[0]} columns and {ALL_FROM[1]} rows")

    def action_next_chart(self) -> None:
        """Show the next chart alone."""
        self._choose(self._neighbour(1))

    def action_previous_chart(self) -> None:
        """Show the chart before alone."""
        self._choose(self._neighbour(-1))

    def _neighbour(self, step: int) -> Kind | None:
        kinds: list[Kind | None] = [*([None] if self._can_show_all else []), *KINDS]
        return kinds[(kinds.index(self._kind) + step) % len(kinds)]

    def _choose(self, kind: Kind | None) -> None:
        columns, self._chosen = self._columns, kind
        self._arrange()
        if self._columns != columns:
            self._read_again()

    def action_cursor(self, where: str) -> None:
        """Move the cursor; `last` puts it away."""
        if self._picture is None:
            return
        self._place = moved(self._place, where, self._picture, self._columns)
        for chart in self.query(Chart):
            if self._kind in (None, chart.metric.kind):
                chart.move(self._place)
        self._head()

    def action_mount_after(self) -> None:
        """Show the next mount."""
        self._choose_mount(1)

    def action_mount_before(self) -> None:
        """Show the mount before."""
        self._choose_mount(-1)

    def _choose_mount(self, step: int) -> None:
        mounts = self._mounts()
        if mounts and self._mount in mounts:
            self._mount = mounts[(mounts.index(self._mount) + step) % len(mounts)]
        if self._kind not in (None, Kind.DISK):
            self._chosen = Kind.DISK
        self._arrange()
