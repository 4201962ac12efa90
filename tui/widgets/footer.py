"""The footer: the keys that matter on this screen, as many as fit, from the action table."""

from rich.text import Text
from textual import events
from textual.widget import Widget

from tui.actions import Action, Room, offered

KEY_STYLE, LABEL_STYLE = "bold #7aaedc", "#9aa3b2"


def footer_actions(room: Room, width: int, read_only: bool = False) -> list[Action]:
    """Return the actions that a footer of `width` cells shows, in the table's order; the dispensable go first."""
    actions = [action for action in offered(room, read_only) if action.footer is not None]
    while actions and sum(_cells(action) for action in actions) > width:
        # Quit and help have the highest numbers and stay: without them a newcomer is lost.
        keep = [action for action in actions if Room.ANYWHERE not in action.rooms]
        actions.remove(max(keep or actions, key=lambda action: action.footer or 0))
    return actions


def _cells(action: Action) -> int:
    return len(action.shown) + len(action.label) + 4


class ActionFooter(Widget):
    """One line of keys; a click on one does what the key does."""

    DEFAULT_CSS = """
    ActionFooter { dock: bottom; height: 1; width: 1fr; background: $panel; }
    """
    ALLOW_SELECT = False

    def __init__(self, room: Room, read_only: bool = False) -> None:
        """Show the footer of `room`."""
        super().__init__()
        self._room = room
        self._read_only = read_only

    def _actions(self) -> list[Action]:
        return footer_actions(self._room, self.size.width, self._read_only)

    def render(self) -> Text:
        """Return the line."""
        text = Text(no_wrap=True, overflow="crop")
        for action in self._actions():
            text.append(f" {action.shown}", KEY_STYLE)
            text.append(f" {action.label}  ", LABEL_STYLE)
        return text

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        end = 0
        for action in self._actions():
            end += _cells(action)
            if event.x < end:
                await self.app.run_action(action.name, self.screen)
                return
