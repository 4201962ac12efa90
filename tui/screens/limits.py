"""The limits of one server, and the defaults of all: what they are, where each value comes from, changed in place."""

from typing import Any, ClassVar

from rich.segment import Segment
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.errors import AgentmonError, ChangeRefusedError
from store.models import Monitor
from store.policy import Changes, Defaults
from tui import draw, look
from tui.actions import Room, bindings
from tui.feed import FleetChanged
from tui.limits import Row, Scope, describe, ignore_or_heed, meaning, parse, reset, rows, summary, title_of, wanted
from tui.screens.list_screen import ListScreen
from tui.widgets.edit_line import EditLine
from tui.widgets.footer import ActionFooter
from tui.widgets.limit_line import heading, legend, segments
from tui.widgets.line_list import LineList


class LimitsScreen(ListScreen):
    """A line for each deadline, metric and mount; the selected one is changed in a field below."""

    room = Room.LIMITS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.LIMITS)
    CSS_PATH = "lists.tcss"

    def __init__(self, monitor_id: int) -> None:
        """Begin with the monitor of that id."""
        super().__init__()
        self._monitor_id = monitor_id
        self._monitor: Monitor | None = None
        self._for_all = False
        self._defaults = Defaults()
        self._known = False
        self._edited: Row | None = None
        self._saving = False
        self._problem = ""

    def subject(self) -> Monitor | None:
        """Return the monitor whose limits are shown."""
        return self._monitor

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(id="head")
        yield LineList[Row](segments, lambda row: row.name, self._heading)
        yield Static(id="detail")
        yield EditLine()
        yield ActionFooter(self.room, self.console.read_only)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the list be while one types."""
        return super().check_action(action, parameters) and (self._edited is None or action not in _NOT_WHILE_TYPING)

    def _heading(self, cells: int) -> list[Segment]:
        return heading(cells, for_all=self._for_all)

    def on_resize(self) -> None:
        """Draw the text in the new width."""
        self._show()

    @property
    def scope(self) -> Scope:
        """Whose settings are shown."""
        return Scope(self._defaults.settings, None if self._for_all else self._monitor, self._defaults.configured)

    def follow(self, change: FleetChanged | None) -> None:
        """Show how things are; the defaults are read again when anything changed, since they change every server."""
        monitor = self.console.feed.monitors.get(self._monitor_id)
        if monitor is None:
            self._leave()
            return
        self._monitor = monitor
        if not self._known or change is None or change.changed_ids:
            self.run_worker(self._read(), group="defaults", exclusive=True)
        self._show()

    def _leave(self) -> None:
        if self.is_active:
            self.console.say(f"{self._monitor.name if self._monitor else 'this monitor'} was deleted")
            self.app.pop_screen()

    async def _read(self) -> None:
        try:
            self._defaults = await self.console.reader.defaults()
        except AgentmonError as error:
            self._problem = str(error)
        else:
            self._known, self._problem = True, ""
        self._show()

    def _show(self) -> None:
        if self._monitor is None or not (self.is_active and self.is_mounted):
            return
        scope, fleet = self.scope, self.console.feed.monitors.values()
        self.lines.show(rows(scope, fleet))
        head = Text(
            f" {title_of(scope)}", f"bold {look.current.level['warn']}" if self._for_all else "bold", no_wrap=True
        )
        self.put("head", head.append(f"  {summary(scope, fleet)}", f"not bold {look.current.dim}"))
        if self._edited is None:
            self._detail()

    @on(LineList.Moved)
    def _moved(self) -> None:
        if self._edited is None:
            self._detail()

    def _detail(self) -> None:
        """Say what the selected line means, and what the marks do."""
        row: Row | None = self.lines.current
        first = Text(draw.safe(self._problem, 500), look.current.wrong) if self._problem else Text()
        if row and not self._problem:
            first = Text(draw.safe(describe(self.scope, row), 2000))
        self.put("detail", Text("\n").join([first, Text(legend(), look.current.dim)]))

    def _explain(self, text: str, *, wrong: bool = False) -> None:
        """Say what typed text means, or what is wrong with it, above what can be typed."""
        assert self._edited is not None
        said = Text(draw.safe(text, 500), look.current.wrong if wrong else "")
        self.put("detail", Text("\n").join([said, Text(wanted(self._edited), look.current.dim)]))

    def action_edit_limits(self) -> None:
        """Change the selected line."""
        row: Row | None = self.lines.current
        if row is None or not self._known or self._saving:
            return
        self._edited = row
        self.query_one(ActionFooter).display = False
        self.query_one(EditLine).ask(row.label.strip(), row.typed)

    @on(LineList.Opened)
    def _opened(self) -> None:
        if not self.console.read_only and self._edited is None:
            self.action_edit_limits()

    @on(EditLine.Changed)
    def _typed(self, message: EditLine.Changed) -> None:
        if self._edited is None:
            return
        try:
            self._explain(meaning(self.scope, self._edited, message.text))
        except ChangeRefusedError as error:
            self._explain(str(error), wrong=bool(message.text.strip()))

    @on(EditLine.Entered)
    def _entered(self, message: EditLine.Entered) -> None:
        if self._edited is None:
            return
        try:
            meaning(self.scope, self._edited, message.text)
            changes = parse(self.scope, self._edited, message.text)
        except ChangeRefusedError as error:
            self._explain(str(error), wrong=True)
        else:
            self._save(changes)

    @on(EditLine.Left)
    def _stop_typing(self) -> None:
        self._edited = None
        self.query_one(ActionFooter).display = True
        self._show()

    def _save(self, changes: Changes) -> None:
        if not changes:
            self._saved()
        elif not self._saving:
            self._saving = True
            self.run_worker(self._carry_out(changes), group="change")

    async def _carry_out(self, changes: Changes) -> None:
        """Ask the receiver for the change; what it says against it stands where one typed."""
        admin, monitor = self.console.admin, self._monitor
        assert monitor is not None
        try:
            await (admin.set_defaults(changes) if self._for_all else admin.set(monitor.name, changes))
        except AgentmonError as error:
            self._refused(str(error))
        else:
            await self.console.refresh_fleet()
            await self._read()
            self._saved()
        finally:
            self._saving = False

    def _refused(self, problem: str) -> None:
        if self._edited is not None:
            self._explain(problem, wrong=True)
        else:
            self.console.say(problem, error=True)

    def _saved(self) -> None:
        if self._edited is not None:
            self.query_one(EditLine).close()
            self._stop_typing()

    def action_reset_limits(self) -> None:
        """Return the selected line to its default."""
        self._change(reset, "this line has its default already")

    def action_ignore_mount(self) -> None:
        """Ignore the selected mount, or heed it again."""
        self._change(ignore_or_heed, "only a single mount can be ignored")

    def _change(self, changes_of: Any, otherwise: str) -> None:
        row: Row | None = self.lines.current
        if row is None or not self._known:
            return
        if changes := changes_of(self.scope, row):
            self._save(changes)
        else:
            self.console.say(otherwise)

    def action_show_defaults(self) -> None:
        """Switch between the server and the defaults of all."""
        self._for_all = not self._for_all
        self.lines.redraw_heading()
        self._show()


_NOT_WHILE_TYPING = frozenset({"edit_limits", "reset_limits", "ignore_mount", "show_defaults", "move"})
