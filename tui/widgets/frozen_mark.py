"""The line on top that says that the picture stands still."""

from rich.text import Text
from textual.widget import Widget

from tui import look
from tui.when import local


class FrozenMark(Widget):
    """Says since when the picture is frozen and which key lets it go on."""

    DEFAULT_CSS = """
    FrozenMark { dock: top; height: 1; width: 1fr; }
    """
    ALLOW_SELECT = False

    def __init__(self, since: int, key: str) -> None:
        """Name the time (ms) and the key."""
        super().__init__()
        self._since = since
        self._key = key

    def show(self, since: int) -> None:
        """Name another time (ms)."""
        if since != self._since:
            self._since = since
            self.refresh()

    def render(self) -> Text:
        """Return the line."""
        text = f" FROZEN since {local(self._since):%H:%M:%S}, {self._key} goes on"
        return Text(text.ljust(self.size.width), look.current.past, no_wrap=True, overflow="ellipsis")
