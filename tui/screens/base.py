"""What all full screens of the console share: their room, their keys, and a typed way to the app."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from store.models import Monitor
from tui.actions import CHANGING, Room
from tui.keymap import shown_key
from tui.widgets.top_line import TopLine, top_text, trouble_text

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class ConsoleScreen(Screen[None]):
    """A screen of the console; subclasses name their `room` and take their `BINDINGS` from the action table.

    `says_trouble` is for one whose own header says what is wrong with the receiver.
    """

    room: ClassVar[Room]
    says_trouble: ClassVar[bool] = False
    AUTO_FOCUS = ""

    @property
    def console(self) -> "ConsoleApp":
        """The app, by its own type."""
        return cast("ConsoleApp", self.app)

    def key(self, action: str) -> str:
        """Return the key that an action has, by its id, as people read it."""
        return shown_key(action, self.console.settings.keys)

    def on_screen_resume(self) -> None:
        """Say on top what is to be said, which may have changed while the screen was covered."""
        self.show_on_top()

    def show_on_top(self) -> None:
        """Say on top that the picture is frozen and that the receiver is not well, if so."""
        frozen_at = self.console.frozen_at
        # The header of a frozen screen stands still with the rest of it.
        trouble = None if self.says_trouble and frozen_at is None else self._trouble()
        said = top_text(frozen_at, self.key("freeze"), trouble)
        lines = self.query(TopLine)
        if not said.plain:
            lines.remove()
        elif lines:
            lines.first().show(said)
        else:
            self.mount(TopLine(said))

    def _trouble(self) -> str | None:
        feed = self.console.feed
        return trouble_text(feed.receiver_problem, feed.newest_at, self.console.now())

    def subject(self) -> Monitor | None:
        """Return the monitor that an action on this screen is about, None if there is none."""
        return None

    @property
    def has_subject(self) -> bool:
        """Whether there is what actions of this screen act on."""
        return self.subject() is not None

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
