"""A line on top of every screen for what must not be overlooked: a frozen picture, a receiver that is gone."""

from rich.text import Text
from textual.widget import Widget

from store.models import Status
from store.when import local
from tui import draw, look


def trouble_text(problem: str | None, newest_at: int | None, now: int) -> str | None:
    """Return what is wrong with the age of the values that are shown at `now` (ms); None if nothing is wrong.

    `newest_at` (ms) is when the last report of all came.
    """
    if not problem or newest_at is None:
        return problem or None
    return f"{problem}: last report {draw.ago((now - newest_at) / 1000)} ago"


def top_text(frozen_at: int | None, key: str, trouble: str | None) -> Text:
    """Return the line: since when (ms) the picture is frozen and which key lets it go on, and what is wrong."""
    frozen = f" FROZEN since {local(frozen_at):%H:%M:%S}, {key} goes on" if frozen_at is not None else ""
    wrong = f" {draw.STATUS_GLYPH[Status.DOWN]} {draw.safe(trouble)}" if trouble else ""
    text = Text(no_wrap=True, overflow="ellipsis")
    return text.append(frozen + wrong, look.current.past) if frozen or wrong else text


class TopLine(Widget):
    """The line; it is there only while it has something to say."""

    DEFAULT_CSS = """
    TopLine { dock: top; height: 1; width: 1fr; }
    """
    ALLOW_SELECT = False

    def __init__(self, said: Text) -> None:
        """Begin by saying this."""
        super().__init__()
        self._said = said

    def show(self, said: Text) -> None:
        """Say something else."""
        if not draw.same(self._said, said):
            self._said = said
            self.refresh()

    def render(self) -> Text:
        """Return the line, as wide as the terminal."""
        line = self._said.copy()
        line.truncate(self.size.width, overflow="ellipsis", pad=True)
        return line
