"""Everything known about one server, live."""

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.errors import AgentmonError
from store.models import Monitor
from tui.actions import Room, bindings
from tui.draw import safe, same
from tui.feed import FleetChanged
from tui.screens.base import ConsoleScreen
from tui.widgets.course import SPAN_MS, Course
from tui.widgets.facts import facts, head, notes
from tui.widgets.footer import ActionFooter
from tui.widgets.mounts import MountTable
from tui.widgets.readings import readings
from tui.widgets.secret import HIDDEN
from tui.widgets.traffic import Traffic, months, traffic_line

SLICE_MS = 600_000
"""The last hour is read in slices, so that a chatty server's reports never stand in memory all at once."""

TRAFFIC_EVERY_MS = 300_000
"""How often the month's traffic is added up anew: as often as the receiver rolls history up."""

LOW, LOWEST = 22, 19
"""Lines below which what stands on the screen is not kept apart, and below which the facts have no room."""

ROOMY = 30
"""Lines of a terminal from which on there is room for more than two notes on a server."""

NO_REPORT = """This server has not reported yet.

Press {key}: the key screen has the command that installs the agent on it, and shows when the first report \
arrives."""

NO_REPORT_READ_ONLY = """This server has not reported yet.

A console that may change things has its install command on the key screen."""


class ServerScreen(ConsoleScreen):
    """One server: its status, readings and their last hour, facts, agent key, and all mounts."""

    room = Room.SERVER
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.SERVER)
    CSS_PATH = "server.tcss"

    def __init__(self, monitor_id: int) -> None:
        """Prepare the screen of the monitor with that id."""
        super().__init__()
        self._monitor_id = monitor_id
        self._monitor: Monitor | None = None
        self._course = Course()
        self._traffic: Traffic | None = None
        self._traffic_at: int | None = None
        self._agent_key: str | None = None
        self._problem = ""
        self._traffic_problem = ""
        self._drawn: dict[str, Text] = {}

    def subject(self) -> Monitor | None:
        """Return the monitor that is shown."""
        return self._monitor

    def compose(self) -> ComposeResult:
        """Lay the screen out; the mounts take what the rest leaves."""
        for name in ("head", "notes", "problem", "hint", "readings", "facts", "traffic"):
            yield Static(id=name, markup=False)
        yield MountTable()
        yield ActionFooter(self.room, self.console.read_only)

    def on_resize(self) -> None:
        """Draw in the new width."""
        self._draw()

    def on_screen_suspend(self) -> None:
        """Forget the key, and be still: each message to a covered screen would repaint the one above."""
        self._agent_key = None
        self.console.fleet_changed.unsubscribe(self)

    def on_screen_resume(self) -> None:
        """Follow the fleet, from what is known already."""
        self.console.fleet_changed.subscribe(self, self._fleet_changed)
        self._take(self.console.feed.monitors.get(self._monitor_id))

    def _fleet_changed(self, _change: FleetChanged) -> None:
        self._take(self.console.feed.monitors.get(self._monitor_id))

    def _take(self, monitor: Monitor | None) -> None:
        if monitor is None:
            self._leave()
            return
        self._monitor = monitor
        self._draw()
        behind = monitor.last_report_at is not None and (self._course.last_at or 0) < monitor.last_report_at
        if behind and not self._reading():
            self.run_worker(self._read_course(), group="course")
        now = self.console.now()
        if self._traffic_at is None or abs(now - self._traffic_at) >= TRAFFIC_EVERY_MS:
            self._traffic_at = now
            self._read_traffic(now)

    @work(group="traffic", exclusive=True)
    async def _read_traffic(self, now: int) -> None:
        """Add up what moved this month and last."""
        last_month, this_month = months(now)
        try:
            reader = self.console.reader
            recent = await reader.traffic(self._monitor_id, this_month, now)
            self._traffic = Traffic(recent, await reader.traffic(self._monitor_id, last_month, this_month))
        except AgentmonError as error:
            self._traffic_problem, self._traffic_at = str(error), None
        else:
            self._traffic_problem = ""
        self._draw()

    def _leave(self) -> None:
        if not self.is_active:
            return
        name = self._monitor.name if self._monitor else "this monitor"
        self.console.say(f"{name} was deleted")
        self.app.pop_screen()

    def _reading(self) -> bool:
        return any(
            worker.group == "course" and worker.node is self and not worker.is_finished for worker in self.workers
        )

    async def _read_course(self) -> None:
        """Read the reports that the course does not hold yet."""
        last, now = self._course.last_at, self.console.now()
        reported = self._monitor.last_report_at if self._monitor else None
        until = max(now, reported or 0) + 1
        try:
            for start in range(until - SPAN_MS if last is None else last + 1, until, SLICE_MS):
                end = min(start + SLICE_MS, until)
                self._course.add(await self.console.reader.samples(self._monitor_id, start, end))
        except AgentmonError as error:
            self._problem = str(error)
        else:
            self._problem = ""
        self._draw()

    def _draw(self) -> None:
        """Draw what changed since the last time."""
        monitor, width = self._monitor, max(self.size.width - 2, 20)
        if monitor is None or not (self.is_active and self.is_mounted):
            return
        now, feed = self.console.now(), self.console.feed
        self._put("head", head(monitor, now, width))
        self._put("notes", notes(monitor, now, width, 6 if self.size.height >= ROOMY else 2))
        self._put("problem", Text(safe(feed.problem or self._problem or self._traffic_problem)))
        reported = monitor.report is not None
        hint = NO_REPORT_READ_ONLY if self.console.read_only else NO_REPORT.format(key=self.key("show_key"))
        self._put("hint", Text("" if reported else hint))
        self._put("readings", readings(monitor, self._course, now, width) if reported else Text())
        self._put_facts(monitor, width)
        table = self.query_one(MountTable)
        table.display = reported
        table.show(monitor.report.disk_usage if monitor.report else (), monitor.full_at, monitor.policy, now)

    def _put_facts(self, monitor: Monitor, width: int) -> None:
        """Draw what is looked up; in few lines that is left out, unless the key was asked for or there is no report."""
        reported = monitor.report is not None
        self.set_class(self.size.height < LOW, "low")
        there_is_room = self.size.height >= LOWEST or not reported or self._agent_key is not None
        key = HIDDEN if self._agent_key is None else self._agent_key
        text = facts(monitor, safe(key), self._key_hint(), width, self.console.settings.keys)
        self._put("facts", text if there_is_room else Text())
        self._put("traffic", traffic_line(self._traffic, width) if reported and there_is_room else Text())

    def _key_hint(self) -> str:
        if self.console.read_only:
            return ""
        reveal, copy = self.key("reveal"), self.key("copy")
        return f"{reveal} {'shows' if self._agent_key is None else 'hides'} it, {copy} copies it"

    def _put(self, name: str, text: Text) -> None:
        if same(self._drawn.get(name), text):
            return
        grown = len(self._drawn.get(name, Text()).plain) != len(text.plain)
        self._drawn[name] = text
        static = self.query_one(f"#{name}", Static)
        static.display = bool(text.plain)
        static.update(text, layout=grown)

    def action_history(self) -> None:
        """Show the charts of its history."""
        self.console.open_history(self._monitor_id)

    def action_reveal(self) -> None:
        """Show the agent key, or hide it again."""
        if self._agent_key is None:
            self.run_worker(self._reveal(), group="key", exclusive=True)
        else:
            self._agent_key = None
            self._draw()

    async def _reveal(self) -> None:
        self._agent_key = await self._fetch_key()
        self._draw()

    def action_copy(self) -> None:
        """Copy the agent key without showing it."""
        self.run_worker(self._copy(), group="key", exclusive=True)

    async def _copy(self) -> None:
        key = self._agent_key or await self._fetch_key()
        if key is not None:
            await self.console.copy("Agent key", key)

    async def _fetch_key(self) -> str | None:
        """Ask for the agent key; says what is wrong and returns None if it cannot be had."""
        if self._monitor is None:
            return None
        try:
            return (await self.console.admin.credentials(self._monitor.name)).agent_key
        except AgentmonError as error:
            self.console.say(str(error), error=True)
            return None

    def action_scroll_mounts(self, where: str) -> None:
        """Scroll the mounts: `down` and `up` by a line or `page_down` and `page_up`, or to `home` and `end`."""
        table = self.query_one(MountTable)
        getattr(table, f"scroll_{where}")(animate=False)
