"""The fleet as a table that draws lines: a widget per cell would cost more than the rest of agentmon (DESIGN)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from store.models import Monitor
from tui.widgets.fleet_columns import Column, column_at, layout
from tui.widgets.fleet_order import Order
from tui.widgets.fleet_row import Clocks, Piece, clocks_of, heading, row

CACHED_LINES = 300
SCROLLBAR = 1
"""The cell at the right that is kept for the scrollbar, whether there is one or not."""


def strip_of(pieces: Iterable[Piece], width: int, base: Style) -> Strip:
    """Return styled pieces as one line of exactly `width` cells."""
    strip = Strip([Segment(text, base + Style.parse(style)) for text, style in pieces])
    return strip.adjust_cell_length(width, base).simplify()


@dataclass(frozen=True, slots=True)
class Line:
    """What a drawn line shows; a line is drawn again when this differs."""

    monitor: Monitor | None
    clocks: Clocks
    cursor: bool


class FleetTable(ScrollView, inherit_bindings=False):
    """Monitors, one line each, and a cursor that stays on its monitor.

    Until the cursor has been moved (or after `to_top`) it rests on the first line, whatever stands there.
    """

    DEFAULT_CSS = """
    FleetTable { height: 1fr; overflow-x: hidden; scrollbar-gutter: stable; }
    """
    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False

    @dataclass
    class Opened(Message):
        """A monitor was asked for with the mouse."""

        monitor_id: int

    class Moved(Message):
        """The cursor was moved by a person."""

    def __init__(self) -> None:
        """Start empty; `show` fills the table."""
        super().__init__()
        self._monitors: list[Monitor] = []
        self._columns: list[Column] = []
        self._now = 0
        self._cursor = 0
        self._held_id: int | None = None
        self._drawn: dict[int, Line] = {}
        self._past_at = 0
        self._strips: LRUCache[tuple[int, int, int, Clocks, bool], Strip] = LRUCache(CACHED_LINES)

    @property
    def monitors(self) -> list[Monitor]:
        """The monitors as they stand, top to bottom."""
        return self._monitors

    @property
    def current(self) -> Monitor | None:
        """The monitor under the cursor."""
        return self._monitors[self._cursor] if self._monitors else None

    def show(self, monitors: list[Monitor], now: int, *, past: bool = False) -> None:
        """Put these monitors in this order, as they are at `now` (ms), or were if it is past.

        Only lines that differ are drawn.
        """
        was_visible = self._is_visible(self._cursor)
        self._monitors, self._now = monitors, now
        # A monitor of the past has the sequence number of today's.
        self._past_at = now if past else 0
        self._cursor = self._place_of_cursor()
        size = Size(self.size.width, len(monitors))
        if size != self.virtual_size:
            self.virtual_size = size
        if self._held_id is not None and was_visible:
            self._bring_into_view()
        self._redraw()

    def tick(self, now: int) -> None:
        """Let the clocks move on to `now` (ms)."""
        self._now = now
        self._redraw()

    def move_to(self, index: int) -> None:
        """Put the cursor on a line, as a person's move; it then stays on that line's monitor."""
        if not self._monitors:
            return
        self._cursor = min(max(index, 0), len(self._monitors) - 1)
        self._held_id = self._monitors[self._cursor].id
        self._bring_into_view()
        self._redraw()
        self.post_message(self.Moved())

    def move_by(self, lines: int) -> None:
        """Move the cursor down, or up if negative."""
        self.move_to(self._cursor + lines)

    def page(self, direction: int) -> None:
        """Move the cursor by a screenful: 1 is down, -1 up."""
        self.move_by(direction * max(1, self.size.height - 1))

    def to_top(self) -> None:
        """Go to the first line and rest there, whatever comes to stand on it."""
        self._cursor, self._held_id = 0, None
        self._bring_into_view()
        self._redraw()

    def _place_of_cursor(self) -> int:
        if self._held_id is None:
            return 0
        for index, monitor in enumerate(self._monitors):
            if monitor.id == self._held_id:
                return index
        # Its monitor is gone: what follows it takes its place.
        place = min(self._cursor, max(len(self._monitors) - 1, 0))
        self._held_id = self._monitors[place].id if self._monitors else None
        return place

    def _is_visible(self, index: int) -> bool:
        return self.scroll_offset.y <= index < self.scroll_offset.y + self.size.height

    def _bring_into_view(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if not self._is_visible(self._cursor):
            self.scroll_to(y=self._cursor if self._cursor < top else self._cursor - height + 1, animate=False)

    def _line(self, index: int) -> Line:
        if index >= len(self._monitors):
            return Line(None, Clocks(""), False)
        monitor = self._monitors[index]
        return Line(monitor, clocks_of(monitor, self._now), index == self._cursor)

    def _redraw(self) -> None:
        """Refresh the visible lines that differ from what is on screen; of those that only aged, the left part."""
        clock = next((column.x + column.width for column in self._columns if column.key == "age"), 0)
        for y, old in self._drawn.items():
            new = self._line(y + self.scroll_offset.y)
            if new == old:
                continue
            only_aged = replace(old, clocks=replace(old.clocks, age=new.clocks.age)) == new
            self.refresh(Region(0, y, clock if only_aged else self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        line = self._drawn[y] = self._line(y + self.scroll_offset.y)
        if line.monitor is None:
            return Strip.blank(self.size.width, self.rich_style)
        key = (self._past_at, line.monitor.id, line.monitor.seq, line.clocks, line.cursor)
        strip = self._strips.get(key)
        if strip is None:
            pieces = row(line.monitor, self._columns, line.clocks, line.cursor)
            strip = self._strips[key] = strip_of(pieces, self.size.width, self.rich_style)
        return strip

    def on_resize(self, event: events.Resize) -> None:
        """Lay the columns out anew."""
        self._columns = layout(event.size.width - SCROLLBAR)
        self._strips.clear()
        self._drawn.clear()
        self.virtual_size = Size(event.size.width, len(self._monitors))
        if self._held_id is not None:
            self._bring_into_view()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked line; open it if it was selected, so a double click opens too."""
        index = event.y + self.scroll_offset.y
        if index >= len(self._monitors):
            return
        if self._held_id is not None and index == self._cursor:
            self.post_message(self.Opened(self._monitors[index].id))
        else:
            self.move_to(index)


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

    def show(self, order: Order) -> None:
        """Mark another column."""
        self._order = order
        self.refresh()

    def _columns(self) -> list[Column]:
        return layout(self.size.width - SCROLLBAR)

    def render_line(self, y: int) -> Strip:
        """Draw the titles."""
        return strip_of(heading(self._columns(), self._order), self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Sort by the column that was clicked."""
        column = column_at(self._columns(), event.x)
        if column:
            self.post_message(self.Clicked(column.sort))
