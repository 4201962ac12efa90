"""What happened: events of all servers or of one, the newest first, live."""

from datetime import date
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.errors import AgentmonError
from store.models import Monitor, Status
from store.when import local, spoken
from tui import draw, look
from tui.action import Keys
from tui.actions import Room, bindings
from tui.event_pages import MOST, EventPages
from tui.feed import FleetChanged
from tui.keymap import shown_key
from tui.screens.list_screen import ListScreen
from tui.widgets.chart_head import spread_out
from tui.widgets.event_line import EventLine, Shown, heading, is_shown, is_wanted, line_of, segments
from tui.widgets.filter_bar import FilterBar
from tui.widgets.footer import ActionFooter
from tui.widgets.line_list import LineList

MARGIN_MS = 30 * 60_000
"""How far a chart goes beyond the event that it was opened for, so that one sees what came of it."""


def head(name: str | None, shown: Shown, key: str, *, full: bool, width: int) -> Text:
    """Return the line on top: whose events, and which of them; `key` shows others."""
    left = Text().append(" Events", "bold").append(f"  of {name}" if name else "  of all servers")
    if full:
        left.append(f"   the newest {MOST:,}", look.current.dim)
    right = Text().append(key, look.current.key)
    for each in Shown:
        right.append("  ").append(
            each.value, f"bold underline {look.current.plain}" if each is shown else look.current.soft
        )
    return spread_out(left, right.append(" "), width)


def nothing(shown: Shown, wanted: str, keys: Keys, *, of_one: bool) -> Text:
    """Return what to say when no event is shown."""
    if wanted:
        text = f"No event matches “{draw.safe(wanted, 40)}”."
        return Text.assemble(text, (f"\n\n{shown_key('clear', keys)} clears the filter.", look.current.dim))
    if shown is not Shown.ALL:
        whose = " of this server" if of_one else ""
        return Text.assemble(
            f"No {shown.value}{whose} so far.",
            (f"\n\n{shown_key('show_next', keys)} shows other events.", look.current.dim),
        )
    if of_one:
        return Text(
            "Nothing has happened to this server yet.\n\nHere will stand, the newest first: when it falls silent,"
            " breaks a limit or recovers, and what is changed of it."
        )
    return Text(
        "Nothing has happened yet.\n\nHere will stand, the newest first: servers that fall silent, break a limit or"
        " recover; what is changed; the receiver's starts and stops."
    )


class EventsScreen(ListScreen):
    """The events, what is shown of them, and below the whole sentence of the selected one."""

    room = Room.EVENTS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.EVENTS)
    CSS_PATH = "lists.tcss"

    def __init__(self, monitor: Monitor | None = None) -> None:
        """Show the events of one monitor, or of all."""
        super().__init__()
        self._monitor = monitor
        self._pages = EventPages(monitor.id if monitor else None)
        self._told: dict[int, EventLine] = {}
        self._today = date.min
        self._shown = Shown.ALL
        self._wanted = ""
        self._reading = False
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        names = self._monitor is None
        yield Static(id="head")
        yield LineList[EventLine](
            lambda line, cells: segments(line, cells, names=names),
            lambda line: line.event.id,
            lambda cells: heading(cells, names=names),
        )
        yield Static(id="empty")
        yield Static(id="detail")
        yield ActionFooter(self.room, self.console.read_only)

    def restyle(self) -> None:
        """Draw in another look what is said of all."""
        self._arrange()

    def on_resize(self) -> None:
        """Draw what is said of all and of the selected one in the new width."""
        self._head()
        self._detail()

    def subject(self) -> Monitor | None:
        """Return the monitor of the selected event, if there still is one."""
        line: EventLine | None = self.lines.current
        return self.console.feed.monitors.get(line.event.monitor_id or 0) if line else None

    def follow(self, change: FleetChanged | None) -> None:
        """Read what has happened since, if anything has."""
        if change is None or change.events:
            self._pages.behind = True
        if local(self.console.now()).date() != self._today:
            self._arrange()
        self._detail()
        self._read_on()

    def _read_on(self) -> None:
        """Read what is wanted, one page at a time."""
        if not self._reading and self._is_due():
            self._reading = True
            self.run_worker(self._read(), group="events")

    def _is_due(self) -> bool:
        return self._pages.behind or (self._pages.has_older and self.lines.near_end)

    async def _read(self) -> None:
        try:
            while self.is_attached and self._is_due():
                reader = self.console.reader
                await (self._pages.read_newer(reader) if self._pages.behind else self._pages.read_older(reader))
                self._problem = ""
                self._arrange()
        except AgentmonError as error:
            self._problem, self._pages.behind = str(error), True
            self._arrange()
        finally:
            self._reading = False

    def _arrange(self) -> None:
        """Show the events that are wanted."""
        if not self.is_attached:
            return
        today = local(self.console.now()).date()
        if today != self._today:
            self._today, self._told = today, {}
        for event in self._pages.events:
            if event.id not in self._told:
                self._told[event.id] = line_of(event, today)
        words = self._wanted.casefold().split()
        until = self.console.frozen_at
        events = [event for event in self._pages.events if until is None or event.at <= until]
        lines = [self._told[event.id] for event in events if is_shown(event, self._shown)]
        found = [line for line in lines if is_wanted(line, words)]
        self.lines.show(found)
        for bar in self.query(FilterBar):
            bar.show_found(len(found), len(lines))
        self._head()
        self._empty(bool(found))
        self._detail()

    def _head(self) -> None:
        name = draw.safe(self._monitor.name, 64) if self._monitor else None
        self.put("head", head(name, self._shown, self.key("show_next"), full=self._pages.full, width=self.size.width))

    def _empty(self, found: bool) -> None:
        self.set_class(not found, "empty")
        if found:
            return
        if self._problem:
            text = Text(draw.safe(self._problem, 500), look.current.status[Status.DOWN])
        elif not self._pages.loaded or self._pages.has_older:
            text = Text("Reading…", look.current.dim)
        else:
            text = nothing(self._shown, self._wanted, self.console.settings.keys, of_one=self._monitor is not None)
        self.put("empty", text)

    def _detail(self) -> None:
        """Say of the selected event all that its line has no room for."""
        line: EventLine | None = self.lines.current
        self.query_one(ActionFooter).show(on_subject=self.has_subject)
        if line is None:
            self.put("detail", Text())
            return
        name = line.event.monitor
        whose = "" if name is None else f"   {draw.safe(name, 64)}{self._fate(line)}"
        text = Text().append(draw.fit(spoken(line.event.at) + whose, self.size.width - 2), look.current.dim)
        self.put("detail", text.append(f"\n{line.words}", look.current.plain))

    def _fate(self, line: EventLine) -> str:
        """Return what has become of an event's monitor, if it is not what it was."""
        monitor = self.subject()
        if monitor is None:
            return ", deleted since"
        return "" if monitor.name == line.event.monitor else f", now {draw.safe(monitor.name, 64)}"

    def action_open(self) -> None:
        """Open the charts of the selected event's server, at its time."""
        line: EventLine | None = self.lines.current
        if line is None:
            return
        monitor, until = self.subject(), line.event.at + MARGIN_MS
        if monitor is not None:
            self.console.open_history(monitor.id, until if until < self.console.now() else None)
        elif line.event.monitor_id is None:
            self.console.say("This event is about no single server")
        else:
            self.console.say(f"{line.event.monitor} was deleted since, and its history with it")

    def action_show_next(self) -> None:
        """Show other events: all, problems, changes."""
        self._shown = self._shown.following
        self._show_others()

    async def action_filter(self) -> None:
        """Start to filter, or go on."""
        if not self.query(FilterBar):
            await self.mount(FilterBar(), before=self.query_one(ActionFooter))
        self.query_one(FilterBar).focus_field()
        self._arrange()

    async def action_clear(self) -> None:
        """Clear the filter and put its line away; without one, go back."""
        if not self.query(FilterBar):
            await self.console.action_back()
            return
        self.set_focus(None)
        await self.query(FilterBar).remove()
        self._filter("")

    def _filter(self, wanted: str) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._show_others()

    def _show_others(self) -> None:
        """Show another choice of events, from the top unless the selected one is among them."""
        before: EventLine | None = self.lines.current
        self._arrange()
        if before not in self.lines.rows:
            self.lines.to_top()
            self._detail()
        self._read_on()

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        self._filter(message.text)

    @on(FilterBar.Left)
    async def _filter_left(self) -> None:
        if self._wanted.strip():
            self.set_focus(None)
        else:
            await self.action_clear()

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._detail()
        self._read_on()

    @on(LineList.NearEnd)
    def _near_end(self) -> None:
        self._read_on()

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.action_open()
