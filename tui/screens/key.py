"""A monitor's agent key, the lines that install an agent with it, and whether that agent has reported."""

from collections.abc import Iterable
from textwrap import fill
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.errors import AgentmonError
from store.models import Credentials, InstallLine, Monitor, Status
from store.text import MAX_NAME
from tui import draw, look
from tui.actions import Room, bindings
from tui.feed import FleetChanged
from tui.screens.base import ConsoleScreen
from tui.screens.confirm import Confirm
from tui.widgets.chart_head import spread_out
from tui.widgets.facts import received_line, refused_hint, rotation
from tui.widgets.footer import ActionFooter
from tui.widgets.secret import mask, shell_lines, shown_line

ROTATED = "This is the new key. The old one works until the new one reports."
TAKEN_UP = "The new key is in use: the old one has ended."


def rows_of(texts: Iterable[Text]) -> int:
    """Return how many rows texts take, each with a blank one before it or, the first, with the footer."""
    return sum(2 + text.plain.count("\n") for text in texts if text.plain)


class KeyScreen(ConsoleScreen):
    """The key, masked until revealed, and what to do with it.

    The credentials stay in this object and reach a widget only while they are revealed.
    """

    room = Room.KEY
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.KEY)
    CSS_PATH = "key.tcss"

    def __init__(self, name: str) -> None:
        """Prepare the screen of the monitor of that name."""
        super().__init__()
        self._monitor_name = name
        self._credentials: Credentials | None = None
        self._revealed = False
        self._rotated = False
        self._waited = False
        self._rotating = False
        self._seen = False
        self._problem = ""
        self._drawn: dict[str, Text] = {}

    def subject(self) -> Monitor | None:
        """Return the monitor that the key belongs to, once it is known."""
        return self.console.feed.monitors.get(self._credentials.id) if self._credentials else None

    def compose(self) -> ComposeResult:
        """Lay the screen out; key and commands have lines of their own from edge to edge, to be selected cleanly."""
        for name in ("title", "key", "note", "problem", "reach", "what", "command", "what2", "command2", "report"):
            yield Static(id=name, markup=False)
        yield ActionFooter(self.room, self.console.read_only)

    def on_mount(self) -> None:
        """Ask for the key."""
        self.run_worker(self._fetch(), group="key", exclusive=True)

    def on_resize(self) -> None:
        """Break the commands for the new width, under a question too."""
        self._paint()

    def on_screen_resume(self) -> None:
        """Follow the fleet, for the first report."""
        self.console.fleet_changed.subscribe(self, self._fleet_changed)
        self._follow()

    def on_screen_suspend(self) -> None:
        """Be still: each message to a covered screen would repaint the one above."""
        self.console.fleet_changed.unsubscribe(self)

    def _fleet_changed(self, change: FleetChanged) -> None:
        self._follow()

    def _follow(self) -> None:
        monitor = self.subject()
        self._seen = self._seen or monitor is not None
        if monitor is None and self._seen:
            self.console.say(f"{self._monitor_name} was deleted")
            self.console.go_home()
            return
        if monitor is not None:
            self._monitor_name = monitor.name
            self._waited = self._waited or monitor.rotated_at is not None
        if self._problem and self._credentials is None and self.console.feed.receiver and not self._asking():
            self.run_worker(self._fetch(), group="key", exclusive=True)
        self._draw()

    def _asking(self) -> bool:
        return any(worker.group == "key" and worker.node is self and not worker.is_finished for worker in self.workers)

    async def _fetch(self) -> Credentials | None:
        """Ask for the key and the command; what is wrong is shown in their place."""
        try:
            self._credentials = await self.console.admin.credentials(self._monitor_name)
        except AgentmonError as error:
            self._credentials, self._problem = None, str(error)
        else:
            self._problem = ""
        self._draw()
        return self._credentials

    def _draw(self) -> None:
        if self.is_active and self.is_mounted:
            self._paint()

    def _paint(self) -> None:
        credentials = self._credentials
        self._put("title", self._title())
        warning = credentials.warning if credentials else ""
        self._put("problem", Text(self._filled(self._problem or warning or "")))
        self._put("note", self._note())
        if credentials is None:
            self._put("key", Text("" if self._problem else "asking the receiver for the key …"))
            return
        shown = draw.safe(credentials.agent_key) if self._revealed else mask(credentials.agent_key)
        self._put("key", Text(shown))
        self._put("report", self._report())
        self._put(
            "reach", Text(fill(draw.safe(credentials.note or "", 300), max(self.size.width - 2, 20)), look.current.dim)
        )
        linux, windows = credentials.install
        self._put("what", Text(f"Run this on {draw.safe(self._monitor_name, MAX_NAME)}:"))
        self._put("command", self._lines(linux))
        self._put_windows(windows)

    def _put_windows(self, line: InstallLine) -> None:
        """Show the line for Windows, or how to copy it, as there is room."""
        copies = f"{self.key('copy_windows')} copies"
        whole = Text(f"{line.where.removesuffix(':')} ({copies} it):"), self._lines(line, powershell=True)
        hint = Text(f"On Windows: {copies} its line"), Text()
        others = rows_of(text for name, text in self._drawn.items() if name not in ("what2", "command2"))
        room = self.size.height - others
        what, command = next((each for each in (whole, hint) if rows_of(each) <= room), (Text(), Text()))
        self._put("what2", what)
        self._put("command2", command)

    def _lines(self, line: InstallLine, *, powershell: bool = False) -> Text:
        assert self._credentials is not None
        command = draw.safe(shown_line(line, self._credentials.agent_key, revealed=self._revealed), 4000)
        return Text("\n".join(shell_lines(command, self.size.width or 80, powershell=powershell)))

    def _filled(self, text: str) -> str:
        """Return a remark in lines for the screen's width, so that its rows can be counted."""
        return fill(draw.safe(text, 400), max(self.size.width - 2, 20))

    def _title(self) -> Text:
        """Return whose key it is, and how to see it: key and command have their lines to themselves."""
        verb = "hides" if self._revealed else "shows"
        title = Text(draw.safe(self._monitor_name, MAX_NAME), style="bold")
        title.append("  agent key and install lines", f"not bold {look.current.dim}")
        hint = Text(f"{self.key('reveal')} {verb} the key", look.current.dim)
        return spread_out(title, hint, max(self.size.width - 2, 20))

    def _note(self) -> Text:
        """Return how far a rotation has come; nothing without one."""
        monitor = self.subject()
        waiting = rotation(monitor, self.console.now()) if monitor else ""
        if not waiting and self._waited:
            return Text(TAKEN_UP, look.current.status[Status.UP])
        lines = [ROTATED if self._rotated else "", waiting[:1].upper() + waiting[1:]]
        return Text("\n".join(filter(None, lines)))

    def _report(self) -> Text:
        """Return whether the agent has reported; while it has not, also whether reports were refused."""
        monitor, now = self.subject(), self.console.now()
        line = received_line(monitor, now)
        refused = 0 if monitor is not None and monitor.last_report_at else self.console.feed.refused_lately(now)
        return Text("\n").join((line, refused_hint(refused))) if refused else line

    def _put(self, name: str, text: Text) -> None:
        if not draw.same(self._drawn.get(name), text):
            self._drawn[name] = text
            static = self.query_one(f"#{name}", Static)
            static.display = bool(text.plain)
            if name.startswith("command"):  # Textual may go by the height of what was there before
                static.styles.height = text.plain.count("\n") + 1
            static.update(text)

    def action_reveal(self) -> None:
        """Show the key, in the command as well, or hide it again."""
        self._revealed = not self._revealed
        if self._credentials is None:
            self.run_worker(self._fetch(), group="key", exclusive=True)
        self._draw()

    def action_copy(self) -> None:
        """Copy the agent key without showing it."""
        self.run_worker(self._copy(), group="key", exclusive=True)

    def action_copy_install(self) -> None:
        """Copy the install line for Linux, with the key in it."""
        self.run_worker(self._copy(install=0), group="key", exclusive=True)

    def action_copy_windows(self) -> None:
        """Copy the install line for Windows, with the key in it."""
        self.run_worker(self._copy(install=1), group="key", exclusive=True)

    async def _copy(self, install: int | None = None) -> None:
        credentials = self._credentials or await self._fetch()
        if credentials is None:
            self.console.say(self._problem, error=True)
            return
        if install is None:
            await self.console.copy("Agent key", credentials.agent_key)
        else:
            line = credentials.install[install]
            await self.console.copy(f"Install line for {line.platform}", line.command)

    def action_rotate(self) -> None:
        """Ask, then give the monitor a new key; once however often it is pressed."""
        if not self._rotating:
            self._rotating = True
            self.run_worker(self._rotate(), group="rotate")

    async def _rotate(self) -> None:
        question = f"Give {self._monitor_name} a new agent key?"
        detail = "The old key works until the first report with the new one, then stops."
        try:
            if await self.app.push_screen_wait(Confirm(question, detail, yes="Rotate")):
                self._credentials = await self.console.admin.rotate(self._monitor_name)
                self._rotated, self._problem, self._waited = True, "", False
                await self.console.refresh_fleet()
        except AgentmonError as error:
            self._problem = str(error)
        finally:
            self._rotating = False
        self._draw()
