"""The home screen: every server on one line."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tui.actions import Room, bindings
from tui.screens.base import ConsoleScreen
from tui.widgets.footer import ActionFooter


class FleetScreen(ConsoleScreen):
    """The fleet."""

    room = Room.FLEET
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.FLEET)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield ActionFooter(self.room, self.console.read_only)
