"""The fleet as a table that draws lines: a widget per cell would cost more than the rest of agentmon."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from store.models import Monitor
from tui.widgets.fleet_columns import DEFAULT, Choice, Column, column_at, layout, on_keys
from tui.widgets.fleet_groups import GroupHeading, grouped, heading_pieces
from tui.widgets.fleet_order import Order
from tui.widgets.fleet_row import Clocks, Piece, clocks_of, heading, row
from tui.widgets.line_list import SCROLLBAR, Lines

if TYPE_CHECKING:
    from tui.app import ConsoleApp

CACHED_LINES = 300


def strip_of(pieces: Iterable[Piece], width: int, base: Style) -> Strip:
    """Return styled pieces as one line of exactly `width` cells."""
    strip = Strip([Segment(text, base + Style.parse(style)) for text, style in pieces])
    return strip.adjust_cell_length(width, base).simplify()


@dataclass(frozen=True, slots=True)
class Line:
    """What a drawn line shows; a line is drawn again when this differs."""

    monitor: Monitor
    clocks: Clocks
    cursor: bool
    marked: bool


class FleetTable(Lines[Monitor | GroupHeading]):
    """Monitors, one line each, and a cursor that stays on its monitor; in groups, with a heading above each."""

    def __init__(self) -> None:
        """Start empty; `show_at` fills the table."""
        super().__init__()
        self._choice = DEFAULT
        self._columns: list[Column] = []
        self._laid_out_for = 0
        self._now = 0
        self._past_at = 0
        self._monitors: list[Monitor] = []
        self._marked: frozenset[int] = frozenset()
        self._strips: LRUCache[tuple[int, int, int, Clocks, bool, bool], Strip] = LRUCache(CACHED_LINES)

    @property
    def monitors(self) -> Sequence[Monitor]:
        """The monitors as they stand, top to bottom."""
        return self._monitors

    @property
    def current_monitor(self) -> Monitor | None:
        """The monitor under the cursor."""
        current = self.current
        return current if isinstance(current, Monitor) else None

    def show_at(self, monitors: list[Monitor], now: int, *, past: bool = False, in_groups: bool = False) -> None:
        """Put these monitors in this order, as they are at `now` (ms), or were if it is past."""
        self._now = now
        # A monitor of the past has the sequence number of today's.
        self._past_at = now if past else 0
        rows = grouped(monitors) if in_groups else monitors
        self._monitors = [row for row in rows if isinstance(row, Monitor)]
        self.show(rows)

    def mark(self, ids: frozenset[int]) -> None:
        """Show these monitors as marked, and no others."""
        self._marked = ids
        self._redraw()

    def choose(self, choice: Choice) -> None:
        """Show other columns."""
        self._choice = choice
        self._laid_out_for = 0
        self.refresh()

    def tick(self, now: int) -> None:
        """Let the clocks move on to `now` (ms)."""
        self._now = now
        self._redraw()

    def identity(self, row: Monitor | GroupHeading) -> Hashable:
        """Return the monitor's id, which a new name does not change, or the group's tag."""
        return row.id if isinstance(row, Monitor) else (row.tag,)

    def selectable(self, row: Monitor | GroupHeading) -> bool:
        """Return whether it is a monitor."""
        return isinstance(row, Monitor)

    def picture(self, row: Monitor | GroupHeading, *, cursor: bool) -> Line | GroupHeading:
        """Return what a line shows now."""
        if isinstance(row, GroupHeading):
            return row
        return Line(row, clocks_of(row, self._now), cursor, row.id in self._marked)

    def changed_cells(self, old: Line | GroupHeading, new: Line | GroupHeading) -> int:
        """Return the cells up to the age if a monitor only aged: Textual sends a line from its left edge."""
        if isinstance(old, GroupHeading) or isinstance(new, GroupHeading):
            return self.size.width
        clock = next((column.x + column.width for column in self._columns if column.key == "age"), 0)
        only_aged = replace(old, clocks=replace(old.clocks, age=new.clocks.age)) == new
        return clock if only_aged else self.size.width

    def draw_line(self, picture: Line | GroupHeading) -> Strip:
        """Draw a line, or find it drawn already."""
        if isinstance(picture, GroupHeading):
            return strip_of(heading_pieces(picture, self.size.width - SCROLLBAR), self.size.width, self.rich_style)
        if self._laid_out_for != self.size.width:
            self._lay_out(self.size.width)
        monitor = picture.monitor
        key = (self._past_at, monitor.id, monitor.seq, picture.clocks, picture.cursor, picture.marked)
        strip = self._strips.get(key)
        if strip is None:
            pieces = row(monitor, self._columns, picture.clocks, picture.cursor, picture.marked)
            strip = self._strips[key] = strip_of(pieces, self.size.width, self.rich_style)
        return strip

    def restyle(self) -> None:
        """Draw everything in another look."""
        super().restyle()
        self._strips.clear()

    def _lay_out(self, width: int) -> None:
        """Place the columns; done when a line is drawn, for the first ones are drawn before a resize is told."""
        self._laid_out_for, self._columns = width, layout(width - SCROLLBAR, self._choice)
        self._strips.clear()


class FleetHeading(Widget):
    """The titles over the table; a click on one sorts by it."""

    DEFAULT_CSS = """
    FleetHeading { height: 1; }
    """
    ALLOW_SELECT = False

    @dataclass
    class Clicked(Message):
        """A column's title was clicked."""

        column: str

    def __init__(self, order: Order) -> None:
        """Show the titles for an order."""
        super().__init__()
        self._order = order
        self._choice = DEFAULT

    def show(self, order: Order) -> None:
        """Mark another column."""
        self._order = order
        self.refresh()

    def choose(self, choice: Choice) -> None:
        """Show other columns."""
        self._choice = choice
        self.refresh()

    def _columns(self) -> list[Column]:
        return layout(self.size.width - SCROLLBAR, self._choice)

    def render_line(self, y: int) -> Strip:
        """Draw the titles."""
        columns = on_keys(self._columns(), cast("ConsoleApp", self.app).settings.keys)
        return strip_of(heading(columns, self._order), self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Sort by the column that was clicked."""
        column = column_at(self._columns(), event.x)
        if column and column.sort:
            self.post_message(self.Clicked(column.sort))
