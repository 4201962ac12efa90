"""The home screen: every server on one line."""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.models import Monitor, Status
from tui import draw
from tui.actions import Room, bindings
from tui.feed import FleetChanged
from tui.screens.base import ConsoleScreen
from tui.widgets.filter_bar import FilterBar
from tui.widgets.fleet_order import SORT_KEYS, Order, arranged, matching, steady
from tui.widgets.fleet_table import FleetHeading, FleetTable
from tui.widgets.footer import ActionFooter
from tui.widgets.header import FleetHeader

STEADY_MS = 2000
"""Lines keep their places this long after the cursor was moved, so that they do not slip away under it."""


def empty_note(*, loaded: bool, problem: str | None, read_only: bool, wanted: str) -> Text:
    """Return what to say when there is no line to show: why, and what to do next."""
    if wanted:
        return Text.assemble(
            f"No server matches “{draw.safe(wanted, 40)}”.\n\n", ("esc clears the filter.", draw.DIM_STYLE)
        )
    if problem and not loaded:
        return Text(draw.safe(problem, 500), draw.STATUS_STYLE[Status.DOWN])
    if not loaded:
        return Text("Opening the database…", draw.DIM_STYLE)
    if read_only:
        return Text("No server yet, and this console is read-only.\n\nagentmon monitor create NAME adds one.")
    key = "bold #7aaedc"
    return Text.assemble(
        "No server yet.\n\nPress ",
        ("n", key),
        " to add the first: you give it a name and get one line to paste there.\n",
        "That installs its agent; with its first report it appears here.\n\n",
        ("?", key),
        (" shows all keys.", draw.DIM_STYLE),
    )


class FleetScreen(ConsoleScreen):
    """The fleet: header, titles, a line per server, the filter if any, the footer."""

    room = Room.FLEET
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.FLEET)
    DEFAULT_CSS = """
    FleetScreen #empty { padding: 2 4; height: 1fr; display: none; }
    FleetScreen.empty #empty { display: block; }
    FleetScreen.empty FleetTable, FleetScreen.empty FleetHeading { display: none; }
    """

    def __init__(self) -> None:
        """Start with the worst first and no filter."""
        super().__init__()
        self.order = Order()
        self.wanted = ""
        self._moved_at = 0
        self._out_of_order = False

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        read_only = self.console.read_only
        yield FleetHeader(read_only=read_only)
        yield FleetHeading(self.order)
        yield FleetTable()
        yield Static(id="empty")
        yield ActionFooter(self.room, read_only)

    def on_screen_resume(self) -> None:
        """Follow the fleet while it is seen: a covered screen that draws makes Textual repaint the one on top."""
        self.console.fleet_changed.subscribe(self, self._on_fleet)
        self._arrange()

    def on_screen_suspend(self) -> None:
        """Let the fleet change unseen."""
        self.console.fleet_changed.unsubscribe(self)

    @property
    def table(self) -> FleetTable:
        """The table."""
        return self.query_one(FleetTable)

    def subject(self) -> Monitor | None:
        """Return the selected monitor."""
        return self.table.current

    def take_subject(self) -> Monitor | None:
        """Return the selected monitor and keep the cursor on it, so that pressing again means the same server."""
        self.table.move_by(0)
        return self.table.current

    def _on_fleet(self, change: FleetChanged) -> None:
        if change.changed_ids or change.gone_ids or self._out_of_order or not self.table.monitors:
            self._arrange(steady_ms=STEADY_MS)
        else:
            self.table.tick(self.console.now())
            self._show_header()

    def _show_header(self) -> None:
        feed = self.console.feed
        problem = feed.problem or feed.receiver_problem
        self.query_one(FleetHeader).show(feed.monitors.values(), feed.receiver, problem)

    def _arrange(self, steady_ms: int = 0) -> None:
        """Filter and sort anew, but within `steady_ms` of a move of the cursor leave the lines in their places."""
        feed, now = self.console.feed, self.console.now()
        found = matching(feed.monitors.values(), self.wanted)
        self._out_of_order = now - self._moved_at < steady_ms
        if self._out_of_order:
            rows = steady(found, [monitor.id for monitor in self.table.monitors], self.order)
        else:
            rows = arranged(found, self.order)
        self.table.show(rows, now)
        self._show_header()
        self._show_found(len(rows))

    def _show_found(self, found: int) -> None:
        feed = self.console.feed
        self.set_class(not found, "empty")
        self.query_one(ActionFooter).show(on_monitor=found > 0)
        for bar in self.query(FilterBar):
            bar.show_found(found, len(feed.monitors))
        if not found:
            note = empty_note(
                loaded=feed.loaded,
                problem=feed.problem,
                read_only=self.console.read_only,
                wanted=self.wanted if feed.monitors else "",
            )
            self.query_one("#empty", Static).update(note)

    def _sort(self, order: Order) -> None:
        self.order = order
        self.query_one(FleetHeading).show(order)
        self._arrange()

    def action_sort_by(self, column: str) -> None:
        """Sort by a column; by the same again turns the order round."""
        self._sort(self.order.by(column))

    def action_sort_left(self) -> None:
        """Sort by the column to the left."""
        self._sort(self.order.moved(-1, list(SORT_KEYS)))

    def action_sort_right(self) -> None:
        """Sort by the column to the right."""
        self._sort(self.order.moved(1, list(SORT_KEYS)))

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._sort(self.order.by(self.order.column))

    def action_open(self) -> None:
        """Open the selected server."""
        if monitor := self.take_subject():
            self.console.open_monitor(monitor.id)

    def action_down(self) -> None:
        """Select the next server."""
        self.table.move_by(1)

    def action_up(self) -> None:
        """Select the previous server."""
        self.table.move_by(-1)

    def action_page_down(self) -> None:
        """Select a server a page further down."""
        self.table.page(1)

    def action_page_up(self) -> None:
        """Select a server a page further up."""
        self.table.page(-1)

    def action_top(self) -> None:
        """Back to the top."""
        self.table.to_top()

    def action_bottom(self) -> None:
        """Select the last server."""
        self.table.move_to(len(self.table.monitors) - 1)

    async def action_filter(self) -> None:
        """Start to filter, or go on."""
        if not self.query(FilterBar):
            await self.mount(FilterBar(), before=self.query_one(ActionFooter))
        self.query_one(FilterBar).focus_field()

    async def action_clear(self) -> None:
        """Clear the filter and put its line away."""
        self.set_focus(None)
        await self.query(FilterBar).remove()
        self._filter("")

    def _filter(self, wanted: str) -> None:
        if wanted == self.wanted:
            return
        self.wanted, before = wanted, self.subject()
        self._arrange()
        if before not in self.table.monitors:
            self.table.to_top()

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        self._filter(message.text)

    @on(FilterBar.Left)
    async def _filter_left(self) -> None:
        if self.wanted.strip():
            self.set_focus(None)
        else:
            await self.action_clear()

    @on(FleetTable.Moved)
    def _cursor_moved(self) -> None:
        self._moved_at = self.console.now()

    @on(FleetTable.Opened)
    def _opened(self, message: FleetTable.Opened) -> None:
        self.console.open_monitor(message.monitor_id)

    @on(FleetHeading.Clicked)
    def _heading_clicked(self, message: FleetHeading.Clicked) -> None:
        self.action_sort_by(message.column)
