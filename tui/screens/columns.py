"""Which columns the fleet has, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui import draw, look
from tui.actions import Room, bindings
from tui.feed import FleetChanged
from tui.screens.list_screen import ListScreen
from tui.widgets.fleet_columns import ALWAYS, BY_KEY, DEFAULT, Choice, layout
from tui.widgets.fleet_order import Order
from tui.widgets.fleet_row import heading
from tui.widgets.footer import ActionFooter
from tui.widgets.line_list import SCROLLBAR, LineList

State = Literal["shown", "hidden", "no room"]

CALLED, STATED = 12, 9
"""Cells that a column's name and its state take."""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column as the list shows it; `fixed` says that it cannot be hidden."""

    key: str
    state: State
    fixed: bool


def column_lines(choice: Choice, width: int) -> list[ColumnLine]:
    """Return a line for every column, in the chosen order, for a fleet of `width` cells."""
    fitting = {column.key for column in layout(width, choice)}
    return [ColumnLine(key, _state(key, choice, fitting), key in ALWAYS) for key in choice.order]


def _state(key: str, choice: Choice, fitting: set[str]) -> State:
    if key in choice.hidden:
        return "hidden"
    return "shown" if key in fitting else "no room"


def segments(line: ColumnLine, cells: int) -> list[Segment]:
    """Return a line's pieces."""
    column = BY_KEY[line.key]
    voices = {"shown": look.current.plain, "hidden": look.current.dim, "no room": look.current.level["warn"]}
    mark = " " if line.state == "hidden" else "x"
    style = Style.parse(voices[line.state])
    quiet = Style.parse(look.current.dim)
    about = column.about + (", always shown" if line.fixed else "")
    return [
        Segment(f"[{mark}] {column.called:<{CALLED}}", style),
        Segment(f"{line.state:<{STATED}}", style),
        Segment(draw.fit(about, max(cells - CALLED - STATED - 4, 0)), quiet),
    ]


def titles(_cells: int) -> list[Segment]:
    """Return the heading of the list."""
    return [Segment(f"    {'COLUMN':<{CALLED}}{'':<{STATED}}WHAT IT SHOWS", Style.parse(look.current.heading))]


def explanation(choice: Choice, width: int) -> Text:
    """Return how it is decided what a narrow terminal leaves out."""
    rule = "what stands at the right is left out first" if choice.is_own_order else "the most dispensable go first"
    without = [line for line in column_lines(choice, width) if line.state == "no room"]
    if not without:
        return Text(f"All chosen columns fit. In a narrower terminal {rule}.", look.current.dim)
    names = ", ".join(BY_KEY[line.key].called for line in without)
    return Text(f"No room in {width + SCROLLBAR} columns for {names}: {rule}.", look.current.dim)


class ColumnsScreen(ListScreen):
    """All columns from left to right as top to bottom, and above them the titles as they will stand."""

    room = Room.COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.COLUMNS)
    CSS_PATH = "lists.tcss"
    DEFAULT_CSS = """
    ColumnsScreen #titles { height: 1; margin-bottom: 1; text-wrap: nowrap; text-overflow: clip; }
    ColumnsScreen #detail { height: 2; }
    """

    def __init__(self, choice: Choice, order: Order, chosen: Callable[[Choice], None]) -> None:
        """Begin with a choice, in a fleet of that order; each change is handed to `chosen` at once."""
        super().__init__()
        self._choice = choice
        self._order = order
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(id="head", markup=False)
        yield Static(id="titles", markup=False)
        yield LineList[ColumnLine](segments, lambda line: line.key, titles)
        yield Static(id="detail", markup=False)
        yield ActionFooter(self.room, self.console.read_only)

    def on_resize(self) -> None:
        """Say what fits into the new width."""
        self._show()

    def follow(self, change: FleetChanged | None) -> None:
        """Show the columns; time changes nothing here."""
        if change is None:
            self._show()

    def _show(self) -> None:
        width = self.size.width - SCROLLBAR
        self.lines.show(column_lines(self._choice, width))
        self.put("head", Text(" Columns of the fleet", "bold"))
        placed = heading(layout(width, self._choice), self._order)
        self.put("titles", Text.assemble(*placed, no_wrap=True, overflow="crop"))
        self.put("detail", explanation(self._choice, width))

    def _choose(self, choice: Choice) -> None:
        if choice != self._choice:
            self._choice = choice
            self._chosen(choice)
        self._show()

    @property
    def _selected(self) -> str:
        line: ColumnLine | None = self.lines.current
        return line.key if line else self._choice.order[0]

    def action_hide_column(self) -> None:
        """Show the selected column, or hide it."""
        self.lines.move_by(0)
        if self._selected in ALWAYS:
            self.console.say(f"{BY_KEY[self._selected].title} is always shown")
        self._choose(self._choice.toggled(self._selected))

    def action_shift(self, step: int) -> None:
        """Move the selected column to the right, or to the left if negative."""
        self.lines.move_by(0)
        self._choose(self._choice.moved(self._selected, step))

    def action_default_columns(self) -> None:
        """Return to the columns as built in."""
        self._choose(DEFAULT)

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.action_hide_column()
