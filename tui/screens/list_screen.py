"""What the screens share that are one list: its keys, and that it follows the fleet while it is seen."""

from typing import Any

from rich.text import Text
from textual.widgets import Static

from tui.draw import same
from tui.feed import FleetChanged
from tui.screens.base import ConsoleScreen
from tui.widgets.line_list import LineList, Where


class ListScreen(ConsoleScreen):
    """A screen with a `LineList`; subclasses say in `follow` what a second changes."""

    @property
    def lines(self) -> LineList[Any]:
        """The list."""
        return self.query_one(LineList)

    def on_screen_resume(self) -> None:
        """Follow the fleet while seen: a covered screen that draws makes Textual repaint the one on top."""
        self.console.fleet_changed.subscribe(self, self.follow)
        self.follow(None)

    def on_screen_suspend(self) -> None:
        """Be still while covered."""
        self.console.fleet_changed.unsubscribe(self)

    def follow(self, change: FleetChanged | None) -> None:
        """Take notice of what changed in a second; None when the screen has come to be seen."""
        raise NotImplementedError

    def action_move(self, where: Where) -> None:
        """Move the cursor."""
        self.lines.move(where)

    def put(self, name: str, text: Text) -> None:
        """Show a text in the static of that id, unless it is what it shows."""
        static = self.query_one(f"#{name}", Static)
        if not same(static.content, text):
            static.update(text, layout=False)
