"""Naming a new monitor, on the way to its key."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from store.errors import AgentmonError
from store.text import MAX_NAME, name_problem, normal_name
from tui.actions import Action, Room, bindings
from tui.draw import safe
from tui.screens.base import ConsoleScreen
from tui.screens.key import KeyScreen
from tui.widgets.field import Field
from tui.widgets.footer import ActionFooter

HINT = "enter creates the monitor, and shows its key and install command"


class TypingFooter(ActionFooter):
    """The footer where one types: a key that is text does nothing here but stand in the field."""

    def _actions(self) -> list[Action]:
        return [action for action in super()._actions() if len(action.shown) > 1]


class NewMonitorScreen(ConsoleScreen):
    """One field: the new monitor's name, checked as one types."""

    room = Room.NEW
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.NEW)
    CSS_PATH = "new_monitor.tcss"
    AUTO_FOCUS = "Field"

    def __init__(self) -> None:
        """Prepare an empty field."""
        super().__init__()
        self._creating = False

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(Text("New monitor", style="bold"), id="title")
        yield Static("A name for the server, as you call it: it need not be its hostname.", id="what")
        with Horizontal():
            yield Static("Name", classes="label")
            yield Field(placeholder="web-1", max_length=MAX_NAME * 2)
        yield Static(HINT, id="said", markup=False)
        yield TypingFooter(self.room, self.console.read_only)

    def problem(self, name: str) -> str | None:
        """Return what is wrong with `name` for a new monitor, None if it will do."""
        if any(monitor.name == name for monitor in self.console.feed.monitors.values()):
            return "there is already a monitor of that name"
        return name_problem(name)

    def _typed(self) -> str:
        return normal_name(self.query_one(Field).value)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.set_class(wrong, "wrong")
        said.update(Text(safe(text, 300)))

    def on_input_changed(self) -> None:
        """Say what is wrong with what is typed so far; nothing yet is not wrong."""
        name = self._typed()
        problem = self.problem(name) if name else None
        self._say(problem or HINT, wrong=problem is not None)

    def on_input_submitted(self) -> None:
        """Create the monitor: the field keeps enter to itself."""
        self.action_create()

    def action_create(self) -> None:
        """Create the monitor, once however often enter is pressed."""
        name = self._typed()
        if self._creating:
            return
        if problem := self.problem(name):
            self._say(problem, wrong=True)
            return
        self._creating = True
        self._say(f"creating {safe(name, MAX_NAME)} …")
        # The app's worker: whoever leaves meanwhile still learns how it ended.
        self.app.run_worker(self._create(name), group="change")

    async def _create(self, name: str) -> None:
        try:
            await self.console.admin.create(name)
        except AgentmonError as error:
            self._failed(str(error))
            return
        finally:
            self._creating = False
        await self.console.refresh_fleet()
        if self.is_active:
            self.app.switch_screen(KeyScreen(name))
        else:
            self.console.say(f"{name} is created: {self.key('show_key')} shows its key")

    def _failed(self, problem: str) -> None:
        if self.is_active:
            self._say(problem, wrong=True)
        else:
            self.console.say(problem, error=True)
