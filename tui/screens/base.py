"""What all full screens of the console share: their room, their keys, and a typed way to the app."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from store.models import Monitor
from tui.actions import CHANGING, Room
from tui.keymap import shown_key
from tui.widgets.frozen_mark import FrozenMark

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class ConsoleScreen(Screen[None]):
    """A screen of the console; subclasses name their `room` and take their `BINDINGS` from the action table."""

    room: ClassVar[Room]
    AUTO_FOCUS = ""

    @property
    def console(self) -> "ConsoleApp":
        """The app, by its own type."""
        return cast("ConsoleApp", self.app)

    def on_screen_resume(self) -> None:
        """Say whether the picture is frozen, which may have changed while the screen was covered."""
        self.show_frozen()

    def show_frozen(self) -> None:
        """Say on top that the picture is frozen, if it is."""
        since, marks = self.console.frozen_at, self.query(FrozenMark)
        if since is None:
            marks.remove()
        elif marks:
            marks.first().show(since)
        else:
            self.mount(FrozenMark(since, shown_key("freeze", self.console.settings.keys)))

    def subject(self) -> Monitor | None:
        """Return the monitor that an action on this screen is about, None if there is none."""
        return None

    def take_subject(self) -> Monitor | None:
        """Return the same monitor to an action that is about to be carried out on it."""
        return self.subject()

    def take_subjects(self) -> list[Monitor]:
        """Return the monitors that an action is about to be carried out on: several if they are marked."""
        monitor = self.take_subject()
        return [monitor] if monitor else []

    @property
    def refusal(self) -> str:
        """Why nothing can be changed from this screen as it is now; empty if it can."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse what changes something when the console is read-only."""
        return not (self.console.read_only and action in CHANGING)
