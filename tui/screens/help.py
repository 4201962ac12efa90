"""All keys, and what the words of the fleet mean."""

from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from store.models import Status
from tui import draw, filters, look
from tui.action import AS_BUILT, Keys
from tui.actions import Room, bindings, offered
from tui.screens.base import ConsoleScreen
from tui.widgets.footer import ActionFooter

MEANINGS = {
    Status.UP: "it reports, and all is within bounds",
    Status.DEGRADED: "it reports, and a threshold is breached",
    Status.LATE: "silent for 1.5 times its usual interval, at least 90 s",
    Status.DOWN: "silent for 3 times its usual interval, at least 5 min",
    Status.PENDING: "created, and no report yet",
    Status.PAUSED: "not judged until resumed; its reports are still stored",
}

COLUMN_NOTES = (
    ("AGE", "how long ago the last report came"),
    ("CPU", "of the last report, and its course, from 0 to 100 %"),
    ("DISK", "the fullest mount: its usage, and where it is"),
    ("FULL", "when the first mount is full if it goes on growing as it does"),
    ("RX/s TX/s", "bytes received and sent per second since the report before"),
    ("LOAD", "over one minute"),
)

TITLE_STYLE = "bold"
INDENT = 12
"""Cells that keys and words take; 60 are left beside them in 80 columns."""


FILTER_INDENT = 28

AROUND = 5
"""Cells beside the text: two of padding at each side, one for the scrollbar."""

LEAST = 20
"""The least cells for what a key does, however narrow the terminal."""


def help_text(room: Room, *, read_only: bool = False, keys: Keys = AS_BUILT, width: int = 80 - AROUND) -> Text:
    """Return the whole help: this screen's keys, those that work anywhere, the words, the other screens' keys."""
    text = Text()

    def section(of: Room) -> None:
        text.append(f"{of.value}\n", TITLE_STYLE)
        for action in offered(of, read_only=read_only, keys=keys):
            if of in action.rooms:
                _line(text, action.shown, look.current.key, action.help, width)
        text.append("\n")

    section(room)
    section(Room.ANYWHERE)
    text.append("Status\n", TITLE_STYLE)
    for status, meaning in MEANINGS.items():
        _line(text, f"{draw.STATUS_GLYPH[status]} {status.value}", look.current.status[status], meaning, width)
    text.append("\nColumns\n", TITLE_STYLE)
    for title, note in COLUMN_NOTES:
        _line(text, title, look.current.dim, note, width)
    text.append("\nFilter\n", TITLE_STYLE)
    for example, note in filters.HELP:
        _line(text, example, look.current.key, note, width, FILTER_INDENT)
    text.append("\n")
    for other in Room:
        if other not in (room, Room.ANYWHERE):
            section(other)
    text.rstrip()
    return text


def _line(text: Text, label: str, style: str, meaning: str, width: int, indent: int = INDENT) -> None:
    """Append what a word or a key means; lines of it that find no room stand below, behind the label's column."""
    text.append(f"  {label:<{indent}}", style)
    lines = wrap(meaning, max(width - indent - 2, LEAST)) or [""]
    text.append(f"\n{' ' * (indent + 2)}".join(lines) + "\n")


class HelpScreen(ConsoleScreen):
    """The help, to scroll through."""

    room = Room.HELP
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.HELP)
    DEFAULT_CSS = """
    HelpScreen VerticalScroll { padding: 1 2; }
    """

    def __init__(self, about: Room) -> None:
        """Begin with the keys of the room `about`."""
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        with VerticalScroll():
            yield Static(self._text())
        yield ActionFooter(self.room)

    def restyle(self) -> None:
        """Draw everything in another look."""
        self.query_one(VerticalScroll).query_one(Static).update(self._text())

    def _text(self) -> Text:
        width = (self.size.width or 80) - AROUND
        return help_text(self._about, read_only=self.console.read_only, keys=self.console.settings.keys, width=width)

    def on_resize(self) -> None:
        """Break the lines for the new width."""
        self.restyle()

    def action_scroll_help(self, where: str) -> None:
        """Scroll: `down` and `up` by a line, `home` and `end`; at once, so that of two presses none is lost."""
        scroller = self.query_one(VerticalScroll)
        y, last = scroller.scroll_offset.y, scroller.max_scroll_y
        places = {"down": y + 1, "up": y - 1, "home": 0, "end": last}
        scroller.scroll_to(y=places[where], animate=False, immediate=True)
