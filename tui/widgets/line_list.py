"""Lists that draw lines: rows of any kind, one line each, with a cursor that stays on its row."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Generic, Literal, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import look
from tui.widgets.fleet_row import CURSOR_MARK

R = TypeVar("R")

Where = Literal["down", "up", "page_down", "page_up", "top", "bottom"]
"""Where a key moves the cursor."""

SCROLLBAR = 1
"""The cell at the right that is kept for the scrollbar, whether there is one or not."""


class Lines(ScrollView, Generic[R], inherit_bindings=False):
    """Rows, one line each, and a cursor; what a line looks like is said by subclasses.

    Until the cursor has been moved (or after `to_top`) it rests on the first line, whatever stands there.
    """

    DEFAULT_CSS = """
    Lines { height: 1fr; overflow-x: hidden; scrollbar-gutter: stable; }
    """
    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False
    KEEPS_VIEW: ClassVar[bool] = False
    """Whether the rows in view stay where they are on the screen when others come to stand above them."""

    @dataclass
    class Opened(Message):
        """A row was asked for with the mouse."""

        row: Any

    class Moved(Message):
        """The cursor was moved by a person."""

    class NearEnd(Message):
        """The view was scrolled to within a screenful of the last row."""

    def __init__(self, *, heading_lines: int = 0, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        """Start empty; the first `heading_lines` lines stay when the rest scrolls."""
        super().__init__(id=id)
        self._heading_lines = heading_lines
        self._rows: Sequence[R] = ()
        self._cursor = 0
        self._held: Hashable | None = None
        self._drawn: dict[int, object] = {}

    def identity(self, row: R) -> Hashable:
        """Return what makes a row the same one when its values change."""
        raise NotImplementedError

    def selectable(self, row: R) -> bool:
        """Return whether the cursor may stand on a row; one that is a heading of those below it is passed by."""
        return True

    def picture(self, row: R, *, cursor: bool) -> object:
        """Return all that a row's line shows: the line is drawn again when this differs."""
        raise NotImplementedError

    def draw_line(self, picture: Any) -> Strip:
        """Draw a line."""
        raise NotImplementedError

    def draw_heading(self, y: int) -> Strip:
        """Draw a line of the heading, if there is one."""
        raise NotImplementedError

    def changed_cells(self, old: Any, new: Any) -> int:
        """Return how many cells from the left differ at most between two pictures."""
        return self.size.width

    @property
    def rows(self) -> Sequence[R]:
        """The rows as they stand, top to bottom."""
        return self._rows

    @property
    def current(self) -> R | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def near_end(self) -> bool:
        """Whether the last row is in view or less than a screenful below it."""
        return self.scroll_offset.y + 2 * self._visible_rows >= len(self._rows)

    @property
    def _visible_rows(self) -> int:
        return max(1, self.size.height - self._heading_lines)

    def show(self, rows: Sequence[R]) -> None:
        """Put these rows in this order; only lines that differ are drawn."""
        was_visible, top = self._is_visible(self._cursor), self._identity_on_top()
        self._rows = rows
        self._cursor = self._place_of_cursor()
        size = Size(self.size.width, len(rows) + self._heading_lines)
        if size != self.virtual_size:
            self.virtual_size = size
        if top is not None and (place := self._place_of(top)) is not None:
            self.scroll_to(y=place, animate=False)
        if self._held is not None and was_visible:
            self._bring_into_view()
        self._redraw()

    def move(self, where: Where) -> None:
        """Move the cursor as a key says."""
        if where == "top":
            self.to_top()
            self.post_message(self.Moved())
        elif where == "bottom":
            self.move_to(len(self._rows) - 1)
        elif where in ("page_down", "page_up"):
            self.page(1 if where == "page_down" else -1)
        else:
            self.move_by(1 if where == "down" else -1)

    def move_to(self, index: int) -> None:
        """Put the cursor on a line, as a person's move; it then stays on that line's row."""
        if not self._rows:
            return
        self._cursor = self._nearest(index, 1 if index >= self._cursor else -1)
        self._held = self.identity(self._rows[self._cursor])
        self._bring_into_view()
        self._redraw()
        self.post_message(self.Moved())

    def move_by(self, lines: int) -> None:
        """Move the cursor down, or up if negative."""
        self.move_to(self._cursor + lines)

    def page(self, direction: int) -> None:
        """Move the cursor by a screenful: 1 is down, -1 up."""
        self.move_by(direction * max(1, self._visible_rows - 1))

    def to_top(self) -> None:
        """Go to the first line and rest there, whatever comes to stand on it."""
        self._cursor, self._held = self._nearest(0, 1), None
        self._bring_into_view()
        self._redraw()

    def _identity_on_top(self) -> Hashable | None:
        """Return which row is the first in view, if the view is to stay with it."""
        top = self.scroll_offset.y
        return self.identity(self._rows[top]) if self.KEEPS_VIEW and 0 < top < len(self._rows) else None

    def _place_of(self, identity: Hashable) -> int | None:
        return next((index for index, row in enumerate(self._rows) if self.identity(row) == identity), None)

    def _place_of_cursor(self) -> int:
        if self._held is None:
            return self._nearest(0, 1)
        place = self._place_of(self._held)
        if place is None:
            # Its row is gone: what follows it takes its place.
            place = self._nearest(self._cursor, 1)
            self._held = self.identity(self._rows[place]) if self._rows else None
        return place

    def _nearest(self, index: int, direction: int) -> int:
        """Return the row at `index`, or if it is a heading the next that is none that way, else the other way."""
        if not self._rows:
            return 0
        end = len(self._rows)
        index = min(max(index, 0), end - 1)
        down, up = range(index, end), range(index, -1, -1)
        places = chain(down, up) if direction > 0 else chain(up, down)
        return next((place for place in places if self.selectable(self._rows[place])), index)

    def _is_visible(self, index: int) -> bool:
        return self.scroll_offset.y <= index < self.scroll_offset.y + self._visible_rows

    def _bring_into_view(self) -> None:
        top, first = self.scroll_offset.y, self._cursor
        if 0 < first < len(self._rows) and self._visible_rows > 1 and not self.selectable(self._rows[first - 1]):
            first -= 1  # what it stands below comes into view with it
        if first < top:
            self.scroll_to(y=first, animate=False)
        elif not self._is_visible(self._cursor):
            self.scroll_to(y=self._cursor - self._visible_rows + 1, animate=False)

    def _picture_at(self, y: int) -> object:
        """Return what a visible line shows; None where there is no row."""
        index = y + self.scroll_offset.y - self._heading_lines
        return self.picture(self._rows[index], cursor=index == self._cursor) if index < len(self._rows) else None

    def _redraw(self) -> None:
        """Refresh the visible lines that differ from what is on screen, and of those the part that differs."""
        for y, old in self._drawn.items():
            new = self._picture_at(y)
            if new != old:
                both = new is not None and old is not None
                self.refresh(Region(0, y, self.changed_cells(old, new) if both else self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        if y < self._heading_lines:
            return self.draw_heading(y)
        picture = self._drawn[y] = self._picture_at(y)
        return Strip.blank(self.size.width, self.rich_style) if picture is None else self.draw_line(picture)

    def on_resize(self, event: events.Resize) -> None:
        """Draw everything in the new size."""
        self._drawn.clear()
        self.virtual_size = Size(event.size.width, len(self._rows) + self._heading_lines)
        if self._held is not None:
            self._bring_into_view()
        self.refresh()

    def restyle(self) -> None:
        """Draw everything in another look."""
        self._drawn.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell when the end comes near."""
        super().watch_scroll_y(old_value, new_value)
        if self.near_end:
            self.post_message(self.NearEnd())

    def on_click(self, event: events.Click) -> None:
        """Select the clicked line; open it if it was selected, so a double click opens too."""
        index = event.y + self.scroll_offset.y - self._heading_lines
        if event.y < self._heading_lines or index >= len(self._rows) or not self.selectable(self._rows[index]):
            return
        if self._held is not None and index == self._cursor:
            self.post_message(self.Opened(self._rows[index]))
        else:
            self.move_to(index)


RowDrawing = Callable[[R, int], list[Segment]]
"""A row and the cells that it may take, to its segments; a longer line is cut, a shorter one filled up."""


class LineList(Lines[R]):
    """Rows below a heading that stays, drawn by functions; rows that come above move neither view nor cursor.

    A row must show all that it is drawn from: a line is drawn again when its row no longer equals the one before.
    """

    KEEPS_VIEW = True

    def __init__(
        self,
        row: RowDrawing[R],
        identity: Callable[[R], Hashable],
        heading: Callable[[int], list[Segment]],
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Draw each row with `row`, know it again by its `identity`; `heading` draws the titles in the same cells."""
        super().__init__(heading_lines=1, id=id)
        self._row = row
        self._identity = identity
        self._heading = heading

    def identity(self, row: R) -> Hashable:
        """Return what makes a row the same one."""
        return self._identity(row)

    def picture(self, row: R, *, cursor: bool) -> tuple[R, bool]:
        """Return a row and whether the cursor is on it."""
        return row, cursor

    def draw_line(self, picture: tuple[R, bool]) -> Strip:
        """Draw a row, behind a cell for the cursor's mark."""
        row, cursor = picture
        mark = Segment(CURSOR_MARK, Style.parse(look.current.key)) if cursor else Segment(" ")
        return self._strip([mark, *self._row(row, self._cells)], cursor=cursor)

    def draw_heading(self, y: int) -> Strip:
        """Draw the titles."""
        return self._strip([Segment(" "), *self._heading(self._cells)], cursor=False)

    def redraw_heading(self) -> None:
        """Draw the titles anew, since they say something else now."""
        self.refresh(Region(0, 0, self.size.width, 1))

    @property
    def _cells(self) -> int:
        return max(1, self.size.width - 1 - SCROLLBAR)

    def _strip(self, segments: list[Segment], *, cursor: bool) -> Strip:
        base = self.rich_style
        if cursor:
            base += Style.parse(look.current.cursor)
            if look.current.cursor_is_plain:
                segments = [Segment(segment.text) for segment in segments]
        line = Strip(segments).adjust_cell_length(self.size.width - SCROLLBAR).apply_style(base)
        return line.adjust_cell_length(self.size.width, self.rich_style).simplify()
