"""The box in which one says for how long a server is not to be judged."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from store.durations import parse_duration
from store.text import MAX_NAME
from store.when import spoken
from tui import draw
from tui.screens.dialog import Dialog
from tui.widgets.field import Field

if TYPE_CHECKING:
    from tui.app import ConsoleApp

EXAMPLES = "for example 45m, 3h or 2d"


@dataclass(frozen=True, slots=True)
class Pause:
    """How long a pause is to be, in seconds; None is until resumed."""

    for_s: float | None


CHOICES = (
    ("u", "until resumed", None),
    ("3", "30 minutes", 1800.0),
    ("2", "2 hours", 7200.0),
    ("8", "8 hours", 28_800.0),
    ("1", "1 day", 86_400.0),
)
"""Keys, words and seconds; each key is the first letter of what it means."""


def understood(text: str) -> float | None:
    """Return the seconds of a pause as typed; None if it is none, or would end at once."""
    return parse_duration(text) or None


class PauseDialog(Dialog[Pause]):
    """A few usual times, one key each, and a field for any other; answers None if one thinks better of it."""

    AUTO_FOCUS = "#until-resumed"
    CSS_PATH = "pause.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"choose({index})", show=False) for index, (key, _, _) in enumerate(CHOICES)),
        Binding("t", "type", show=False),
        Binding("down,j", "app.focus_next", show=False),
        Binding("up,k", "app.focus_previous", show=False),
        Binding("escape", "cancel", show=False),
    ]

    def __init__(self, name: str, count: int = 1) -> None:
        """Ask about the monitor of that name, or if they are more about so many."""
        super().__init__()
        self._subject, self._whose = (name, "Its") if count == 1 else (f"{count} servers", "Their")

    def compose(self) -> ComposeResult:
        """Lay the box out: each choice is a line that can be clicked."""
        with Vertical(classes="box"):
            question = Text("Pause ").append(draw.safe(self._subject, MAX_NAME)).append(" for how long?")
            question.stylize("bold")
            yield Static(question, markup=False)
            yield Static(f"{self._whose} reports are stored, but nobody is alerted.", classes="detail")
            for index, (key, words, _) in enumerate(CHOICES):
                name = "until-resumed" if index == 0 else f"choice-{index}"
                yield Button(Content(f"{key}  {words}"), id=name, compact=True)
            yield Button(Content("t  a time that you type"), id="type", compact=True)
            yield Field(placeholder=EXAMPLES, max_length=20)
            yield Static("enter chooses   esc cancels", id="said", markup=False)

    def _say(self, text: str, kind: str = "") -> None:
        said = self.query_one("#said", Static)
        said.set_classes(kind)
        said.update(Text(text))

    def on_input_changed(self, event: Field.Changed) -> None:
        """Say until when the pause would be, or that the text is no time; nothing yet is not wrong."""
        if not event.value.strip():
            self._say(EXAMPLES)
        elif seconds := understood(event.value):
            now = cast("ConsoleApp", self.app).now()
            self._say(f"until {spoken(now - now % 60_000 + int(seconds * 1000))}: enter pauses", "understood")
        else:
            self._say(f"a time, {EXAMPLES}", "wrong")

    def on_input_submitted(self, event: Field.Submitted) -> None:
        """Pause for the time that was typed."""
        if seconds := understood(event.value):
            self.dismiss(Pause(seconds))
        else:
            self._say(f"a time, {EXAMPLES}", "wrong")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the line says."""
        if event.button.id == "type":
            self.action_type()
        else:
            self.action_choose(list(self.query(Button)).index(event.button))

    def action_choose(self, index: int) -> None:
        """Pause as the choice says."""
        self.dismiss(Pause(CHOICES[index][2]))

    def action_type(self) -> None:
        """Let a time be typed; at once, for it may be typed ahead."""
        self.set_focus(self.query_one(Field))

    def action_cancel(self) -> None:
        """Leave the server as it is."""
        self.dismiss(None)
