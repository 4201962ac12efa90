"""The line in which one types what to look for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from tui import draw, look
from tui.keymap import shown_key
from tui.widgets.field import Field

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class FilterBar(Horizontal):
    """A field that filters as one types, and beside it how many servers match; it stays while it holds text."""

    DEFAULT_CSS = """
    FilterBar { dock: bottom; height: 1; margin-bottom: 1; background: $surface; }
    FilterBar .prompt { width: 10; color: $accent; }
    FilterBar Field { width: 1fr; background: $surface; }
    FilterBar .found { width: auto; max-width: 65%; height: 1; color: $secondary; padding: 0 1; }
    """

    def __init__(self, text: str = "") -> None:
        """Start with a text."""
        super().__init__()
        self._field = Field(text, max_length=200)
        # Held, since the fleet may change while the bar is on its way in or out, and its parts are not to be found.
        self._found = Static(classes="found")

    @dataclass
    class Changed(Message):
        """The text is another."""

        text: str

    class Left(Message):
        """Enter was pressed: the text stays, the field is left."""

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield Static(Text(" Filter / "), classes="prompt")
        yield self._field
        yield self._found

    def focus_field(self) -> None:
        """Put the keyboard into the field, at once: `Field.focus` would let keys pass that are typed already."""
        self.screen.set_focus(self._field)

    def show_found(self, found: int, total: int, *, hint: str = "", mistake: str = "") -> None:
        """Say how many servers match; how a word goes on that is not finished, or what is wrong with one."""
        text, keys = Text(no_wrap=True, overflow="ellipsis"), cast("ConsoleApp", self.app).settings.keys
        if mistake:
            text.append(draw.safe(mistake, 200), look.current.wrong)
        elif hint:
            text.append(draw.safe(hint, 200), look.current.soft)
        else:
            text.append(f"{found} of {total}  ").append(f"{shown_key('clear', keys)} clears", look.current.dim)
        self._found.update(text)

    @on(Field.Changed)
    def _changed(self, event: Field.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Field.Submitted)
    def _submitted(self, event: Field.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())
