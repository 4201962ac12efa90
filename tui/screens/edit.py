"""Changing what people wrote of a server: its name, its tags, its note."""

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from store.errors import AgentmonError
from store.models import Monitor
from store.tags import MAX_NOTE, MAX_TAG, MAX_TAGS, Edit, note_problem, split_tags, tags_problem
from store.text import MAX_NAME, name_problem, normal_name
from tui.actions import Room, bindings
from tui.draw import safe
from tui.screens.base import ConsoleScreen
from tui.screens.new_monitor import TypingFooter
from tui.widgets.field import Field

HINTS = {
    "name": "as you call it: it need not be its hostname",
    "tags": "by space or comma: web prod; the first is its group",
    "note": "one line: where it stands, whom to call",
}
"""The fields, and what is said below each while there is nothing wrong with it."""


class EditScreen(ConsoleScreen):
    """A field each for name, tags and note, checked as one types and saved together."""

    room = Room.EDIT
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.EDIT)
    CSS_PATH = "edit.tcss"
    AUTO_FOCUS = "#name"

    def __init__(self, monitor: Monitor) -> None:
        """Edit this monitor."""
        super().__init__()
        self._monitor = monitor
        self._saving = False

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        monitor, room = self._monitor, {"name": MAX_NAME, "tags": (MAX_TAG + 2) * MAX_TAGS, "note": MAX_NOTE}
        values = {"name": monitor.name, "tags": " ".join(monitor.tags), "note": monitor.note}
        yield Static(Text(f"Edit {safe(monitor.name, MAX_NAME)}", style="bold"), id="title")
        for name, value in values.items():
            with Horizontal():
                yield Static(name.capitalize(), classes="label", markup=False)
                field = Field(max_length=room[name] * 2)
                field.id, field.value = name, value
                yield field
            yield Static(HINTS[name], id=f"{name}-said", classes="said", markup=False)
        yield Static(id="outcome", markup=False)
        yield TypingFooter(self.room, self.console.read_only)

    def subject(self) -> Monitor | None:
        """Return the monitor that is edited, as it is by now; None if it was deleted."""
        return self.console.feed.monitors.get(self._monitor.id)

    def _typed(self, name: str) -> str:
        text = self.query_one(f"#{name}", Field).value
        return normal_name(text) if name == "name" else text.strip()

    def _problem(self, name: str) -> str | None:
        """Return what is wrong with what stands in a field, None if it will do."""
        checks: dict[str, Callable[[str], str | None]] = {
            "name": self._name_problem,
            "tags": lambda text: tags_problem(split_tags(text)),
            "note": note_problem,
        }
        return checks[name](self._typed(name))

    def _name_problem(self, name: str) -> str | None:
        others = (each for each in self.console.feed.monitors.values() if each.id != self._monitor.id)
        if any(each.name == name for each in others):
            return "there is already a monitor of that name"
        return None if name == self._monitor.name else name_problem(name)

    def on_input_changed(self, event: Field.Changed) -> None:
        """Say what is wrong with a field below it, while one types."""
        name = event.input.id or ""
        problem = self._problem(name)
        said = self.query_one(f"#{name}-said", Static)
        said.set_class(problem is not None, "wrong")
        said.update(Text(safe(problem or HINTS[name], 300)))
        self._tell("")

    def on_input_submitted(self) -> None:
        """Save: the fields keep enter to themselves."""
        self.action_save()

    def action_next_field(self) -> None:
        """Go to the next field."""
        self.focus_next(Field)

    def action_previous_field(self) -> None:
        """Go to the field before."""
        self.focus_previous(Field)

    def _edit(self) -> Edit | None:
        """Return what was changed, None if nothing was."""
        before, name, tags, note = self._monitor, self._typed("name"), self._typed("tags"), self._typed("note")
        edit = Edit(
            new_name=None if name == before.name else name,
            tags=None if split_tags(tags) == list(before.tags) else split_tags(tags),
            note=None if note == before.note else note,
        )
        return None if edit == Edit() else edit

    def action_save(self) -> None:
        """Save what was changed, once however often enter is pressed, and close."""
        wrong = next((name for name in HINTS if self._problem(name)), None)
        if wrong:
            self.set_focus(self.query_one(f"#{wrong}", Field))
        elif not self._saving and (edit := self._edit()):
            self._saving = True
            self._tell("saving …")
            # The app's worker: whoever leaves meanwhile still learns how it ended.
            self.app.run_worker(self._save(edit), group="change")
        elif not self._saving and self.is_active:
            self.app.pop_screen()

    async def _save(self, edit: Edit) -> None:
        # Someone else may have given it another name while it was edited here.
        name = (self.subject() or self._monitor).name
        try:
            await self.console.admin.edit(name, edit)
        except AgentmonError as error:
            self._failed(str(error))
            return
        finally:
            self._saving = False
        await self.console.refresh_fleet()
        if self.is_active:
            self.app.pop_screen()
        self.console.say(f"{edit.new_name or name} is saved")

    def _failed(self, problem: str) -> None:
        if self.is_active:
            self._tell(problem)
        else:
            self.console.say(problem, error=True)

    def _tell(self, text: str) -> None:
        self.query_one("#outcome", Static).update(Text(safe(text, 300)))
