"""The home screen: every server on one line."""

from collections.abc import Collection
from contextlib import suppress
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.errors import AgentmonError
from store.models import Monitor
from store.when import spoken, stepped
from tui.actions import Room, bindings
from tui.feed import FleetChanged
from tui.filters import Filter, FilterError, parse
from tui.past import Past
from tui.screens.marking import MarkingScreen
from tui.widgets.empty_fleet import empty_note
from tui.widgets.filter_bar import FilterBar
from tui.widgets.fleet_columns import DEFAULT, Choice, recalled
from tui.widgets.fleet_order import MOVING, SORT_KEYS, Order, arranged, steady
from tui.widgets.fleet_table import FleetHeading, FleetTable
from tui.widgets.footer import ActionFooter
from tui.widgets.header import FleetHeader, PastMark
from tui.widgets.top_line import trouble_text

STEADY_MS = 2000
"""Lines keep their places this long after the cursor was moved, so that they do not slip away under it."""

RESORT_MS = 3000
"""An order by values that always move is made anew no more often than this: calmer to read, and fewer bytes."""

BY_TAG = "tag"
"""What is remembered of a fleet in groups."""


class FleetScreen(MarkingScreen):
    """The fleet: header, titles, a line per server, the filter if any, the footer."""

    room = Room.FLEET
    says_trouble = True
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
        self.columns = DEFAULT
        self.grouped = False
        self._filtered = Filter()
        self._mistake = ""
        self._has_matched = False
        self._past = Past()
        self._reading_past = False
        self._moved_at = self._sorted_at = 0
        self._out_of_order = False

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        read_only = self.console.read_only
        self._recall()
        yield FleetHeader(read_only=read_only)
        yield FleetHeading(self.order)
        yield FleetTable()
        yield Static(id="empty")
        if self.wanted:
            yield FilterBar(self.wanted)
        yield ActionFooter(self.room, read_only)

    def _recall(self) -> None:
        """Be as the console was left."""
        left = self.console.memory.value
        if left.sort in SORT_KEYS:
            self.order = Order(left.sort, left.turned)
        self.columns = recalled(left.columns, left.hidden)
        self.grouped = left.group == BY_TAG
        with suppress(FilterError):
            self._filtered = parse(left.filter)

    def on_mount(self) -> None:
        """Show the columns that are wanted."""
        self._show_columns(self.columns)

    @property
    def wanted(self) -> str:
        """The filter, as typed."""
        return self._filtered.text

    def on_screen_resume(self) -> None:
        """Follow the fleet while it is seen: a covered screen that draws makes Textual repaint the one on top."""
        self.console.fleet_changed.subscribe(self, self._on_fleet)
        self._arrange()

    def on_screen_suspend(self) -> None:
        """Let the fleet change unseen."""
        self.console.fleet_changed.unsubscribe(self)

    @property
    def refusal(self) -> str:
        """Why nothing can be changed: what one sees is not how things are."""
        if self._past.wanted is None:
            return ""
        return f"This is the past: {self.key('clear')} returns to now, where things can be changed"

    def _fleet(self) -> tuple[Collection[Monitor], int]:
        """Return the monitors that are shown, and the time at which they are."""
        if picture := self._past.picture:
            return picture.monitors, picture.at
        return self.console.feed.monitors.values(), self.console.now()

    def _on_fleet(self, change: FleetChanged) -> None:
        if self._past.wanted is not None:
            self._show_header()
            return
        if change.gone_ids:
            self.keep_marks(self.console.feed.monitors)
        if change.changed_ids or change.gone_ids or self._is_restless:
            self._arrange(calmly=True)
        else:
            self.table.tick(self.console.now())
            self._show_header()

    @property
    def _is_restless(self) -> bool:
        """Whether the lines have to be looked at again though no server has changed."""
        return self._out_of_order or self._filtered.moving or not self.table.monitors

    def _show_header(self) -> None:
        feed = self.console.feed
        problem = feed.problem or feed.receiver_problem
        now = self.console.now()
        refused, trouble = feed.refused_lately(now), trouble_text(problem, feed.newest_at, now)
        self.query_one(FleetHeader).show(
            self._fleet()[0], feed.receiver, trouble, self._past_mark(problem), refused, self.marked_words
        )

    def marks_changed(self) -> None:
        """Show how many servers are marked."""
        self._show_header()

    def _past_mark(self, problem: str | None) -> PastMark | None:
        at = self._past.wanted
        if at is None:
            return None
        first = at == self._oldest()
        back, on, asks = self.key("back_5_minutes"), self.key("forward_5_minutes"), self.key("go_to_time")
        hint = "nothing is older" if first else f"{back} {on} steps, {asks} asks when"
        note = "reading…" if self._past.behind else problem or hint
        # The first one clears the filter.
        presses = " ".join([self.key("clear")] * (2 if self.query(FilterBar) else 1))
        return PastMark(spoken(at), note, f"{presses} returns to now")

    def _arrange(self, *, calmly: bool = False) -> None:
        """Filter and sort anew; calmly means to leave the lines in their places while that is better to look at."""
        (monitors, at), now = self._fleet(), self.console.now()
        found = self._filtered.select(monitors, at)
        self._out_of_order = calmly and self._keeps_still(now)
        if self._out_of_order:
            rows = steady(found, [monitor.id for monitor in self.table.monitors], self.order)
        else:
            rows, self._sorted_at = arranged(found, self.order), now
        self.table.show_at(rows, at, past=self._past.picture is not None, in_groups=self.grouped)
        self._remember_filter(bool(rows))
        self._show_header()
        self._show_found(len(rows), len(monitors))

    def _remember_filter(self, matches: bool) -> None:
        """Come up with this filter the next time, unless it has not matched anything: the fleet would look empty."""
        self._has_matched = self._has_matched or matches
        if self.console.feed.loaded:
            self.console.memory.remember(filter=self.wanted if self._has_matched else "")

    def _keeps_still(self, now: int) -> bool:
        """Return whether the cursor was just moved, or a restless order just made; a clock set back is not "just"."""
        moved, resorted = 0 <= now - self._moved_at < STEADY_MS, 0 <= now - self._sorted_at < RESORT_MS
        return moved or (resorted and self.order.column in MOVING)

    def _show_found(self, found: int, total: int) -> None:
        feed = self.console.feed
        self.set_class(not found, "empty")
        self.query_one(ActionFooter).show(on_subject=found > 0, past=self._past.wanted is not None)
        for bar in self.query(FilterBar):
            bar.show_found(found, total, hint=self._filtered.hint, mistake=self._mistake)
        if not found:
            note = empty_note(
                loaded=feed.loaded,
                problem=feed.problem,
                read_only=self.console.read_only,
                wanted=self.wanted if total else "",
                refused=feed.refused_lately(self.console.now()),
                keys=self.console.settings.keys,
            )
            self.query_one("#empty", Static).update(note)

    def _sort(self, order: Order) -> None:
        self.order = order
        self.console.memory.remember(sort=order.column, turned=order.turned)
        self.query_one(FleetHeading).show(order)
        self._arrange()

    def action_sort_by(self, column: str) -> None:
        """Sort by a column; by the same again turns the order round."""
        self._sort(self.order.by(column))

    def action_sort_left(self) -> None:
        """Sort by the column to the left."""
        self._sort(self.order.moved(-1, self.columns.sortable))

    def action_sort_right(self) -> None:
        """Sort by the column to the right."""
        self._sort(self.order.moved(1, self.columns.sortable))

    def action_columns(self) -> None:
        """Let the columns be chosen."""
        from tui.screens.columns import ColumnsScreen

        self.app.push_screen(ColumnsScreen(self.columns, self.order, self._choose_columns))

    def _choose_columns(self, choice: Choice) -> None:
        as_built = choice == DEFAULT
        self.console.memory.remember(
            columns=() if as_built else choice.order, hidden=() if as_built else tuple(sorted(choice.hidden))
        )
        self._show_columns(choice)

    def _show_columns(self, choice: Choice) -> None:
        self.columns = choice
        self.query_one(FleetHeading).choose(choice)
        self.table.choose(choice)

    def action_group(self) -> None:
        """Group the servers by their first tag, or no more."""
        if not self.grouped and not any(monitor.tags for monitor in self._fleet()[0]):
            self.console.say(f"No server has a tag yet: {self.key('tag')} adds one")
            return
        self.grouped = not self.grouped
        self.console.memory.remember(group=BY_TAG if self.grouped else "")
        self._arrange()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._sort(self.order.by(self.order.column))

    def _oldest(self) -> int | None:
        """Return when (ms) the first server was added, before which nothing is stored; None without a server."""
        return min((monitor.created_at for monitor in self.console.feed.monitors.values()), default=None)

    def action_step(self, minutes: int) -> None:
        """Look at the fleet so many minutes later, or earlier if negative."""
        oldest = self._oldest()
        if oldest is not None:
            self._travel(stepped(self._past.wanted, minutes, self.console.now(), oldest))

    def action_go_to_time(self) -> None:
        """Ask for the time to look at."""
        from tui.screens.go_to_time import GoToTimeScreen

        oldest = self._oldest()
        if oldest is not None:
            self.app.push_screen(GoToTimeScreen(oldest, self._travel))

    def _travel(self, at: int | None) -> None:
        """Show the fleet as it was at a time (ms), None being now."""
        if at == self._past.wanted:
            return
        self._past.go(at)
        if at is None:
            self._arrange()
            return
        self._show_header()
        if not self._reading_past:
            self._reading_past = True
            self.run_worker(self._read_past(), group="past")

    async def _read_past(self) -> None:
        """Read until what was wanted last is shown: a key held down costs one read at a time, and none waits."""
        try:
            while self._past.behind:
                await self._past.read(self.console.reader)
                self._arrange()
        except AgentmonError as error:
            self._past.stay()
            self.console.say(str(error), error=True)
            self._arrange()
        finally:
            self._reading_past = False

    def action_open(self) -> None:
        """Open the selected server; in the past, its history up to then."""
        if monitor := self.take_subject():
            self._open(monitor.id)

    def _open(self, monitor_id: int) -> None:
        if picture := self._past.picture:
            self.console.open_history(monitor_id, picture.at)
        else:
            self.console.open_monitor(monitor_id)

    def action_history(self) -> None:
        """Show the charts of the selected server, up to the time that is shown."""
        if monitor := self.take_subject():
            picture = self._past.picture
            self.console.open_history(monitor.id, picture.at if picture else None)

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
        self.table.move("bottom")

    async def action_filter(self) -> None:
        """Start to filter, or go on."""
        if not self.query(FilterBar):
            await self.mount(FilterBar(), before=self.query_one(ActionFooter))
        self.query_one(FilterBar).focus_field()
        self._arrange(calmly=True)

    async def action_clear(self) -> None:
        """Clear the marks; without any (or while one types a filter) the filter; without one, return to now."""
        if self.focused is None and self.clear_marks():
            return
        if self.query(FilterBar):
            await self._clear_filter()
        else:
            self._travel(None)

    async def _clear_filter(self) -> None:
        self.set_focus(None)
        await self.query(FilterBar).remove()
        self._filter("")
        self._show_header()

    def _filter(self, wanted: str) -> None:
        """Show what a filter finds; one with a mistake changes nothing but what the bar says."""
        if wanted == self.wanted and not self._mistake:
            return
        try:
            self._filtered, self._mistake = parse(wanted), ""
        except FilterError as error:
            self._mistake = str(error)
        before, self._has_matched = self.subject(), False
        self._arrange()
        if before not in self.table.monitors:
            self.table.to_top()

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        self._filter(message.text)

    @on(FilterBar.Left)
    async def _filter_left(self) -> None:
        if self._mistake:
            return
        if self.wanted.strip():
            self.set_focus(None)
        else:
            await self._clear_filter()

    @on(FleetTable.Moved)
    def _cursor_moved(self) -> None:
        self._moved_at = self.console.now()

    @on(FleetTable.Opened)
    def _opened(self, message: FleetTable.Opened) -> None:
        self._open(message.row.id)

    @on(FleetHeading.Clicked)
    def _heading_clicked(self, message: FleetHeading.Clicked) -> None:
        self.action_sort_by(message.column)
