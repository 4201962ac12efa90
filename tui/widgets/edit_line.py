"""The line in which one types a value, in the place of the footer."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from tui import draw
from tui.widgets.field import Field

MAX_LENGTH = 8000
PROMPT_CELLS = 28


class EditLine(Horizontal):
    """A prompt and a field; not to be seen until `ask`, gone again with `close` or escape."""

    DEFAULT_CSS = """
    EditLine { dock: bottom; height: 1; background: $panel; display: none; }
    EditLine.open { display: block; }
    EditLine .prompt { width: auto; color: $accent; }
    EditLine Field { width: 1fr; background: $panel; }
    EditLine .keys { width: auto; color: $secondary; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    @dataclass
    class Changed(Message):
        """The text is another."""

        text: str

    @dataclass
    class Entered(Message):
        """Enter was pressed; the line stays until it is closed."""

        text: str

    class Left(Message):
        """Escape was pressed, and the line is closed."""

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield Static(classes="prompt", markup=False)
        yield Field(max_length=MAX_LENGTH)
        yield Static("esc cancels", classes="keys", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether something is being typed."""
        return self.has_class("open")

    def ask(self, prompt: str, value: str = "", placeholder: str = "") -> None:
        """Open with a prompt (text of any origin) and a value to change; keys go to the field from now on."""
        field = self.query_one(Field)
        shown = draw.safe(prompt, 200)
        shown = draw.fit(shown, min(cell_len(shown), PROMPT_CELLS))
        self.query_one(".prompt", Static).update(Text(f" {shown} ▸ "))
        self.add_class("open")
        field.value, field.placeholder = value, placeholder
        field.cursor_position = len(value)
        # At once: `Field.focus` would let keys pass that are typed already.
        self.screen.set_focus(field)

    def close(self) -> None:
        """Close, and forget what was typed."""
        self.remove_class("open")
        self.screen.set_focus(None)
        self.query_one(Field).value = ""

    def action_cancel(self) -> None:
        """Close, and say so."""
        self.close()
        self.post_message(self.Left())

    @on(Field.Changed)
    def _changed(self, event: Field.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(event.value))

    @on(Field.Submitted)
    def _submitted(self, event: Field.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered(event.value))
