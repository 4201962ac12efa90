"""The footer: the keys that matter on this screen, as many as fit, from the action table."""

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import events
from textual.widget import Widget

from tui import look
from tui.action import AS_BUILT, Keys
from tui.actions import Action, Room, offered

if TYPE_CHECKING:
    from tui.app import ConsoleApp


def footer_actions(
    room: Room, width: int, *, read_only: bool = False, on_subject: bool = True, keys: Keys = AS_BUILT
) -> list[Action]:
    """Return the actions that a footer of `width` cells shows, in the table's order; the dispensable go first."""
    shown = offered(room, read_only=read_only, on_subject=on_subject, keys=keys)
    actions = [action for action in shown if action.footer is not None]
    while actions and sum(_cells(action) for action in actions) > width:
        # What works anywhere (help, quit) stays: without it a newcomer is lost.
        keep = [action for action in actions if Room.ANYWHERE not in action.rooms]
        actions.remove(max(keep, key=lambda action: action.footer or 0) if keep else actions[0])
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
        self._on_subject = True
        self._past = False

    def show(self, *, on_subject: bool, past: bool = False) -> None:
        """Say whether there is something to act on, and whether it is the past, where nothing can be changed.

        What cannot be done is not offered.
        """
        if (on_subject, past) != (self._on_subject, self._past):
            self._on_subject, self._past = on_subject, past
            self.refresh()

    def _actions(self) -> list[Action]:
        unchanging = self._read_only or self._past
        return footer_actions(
            self._room,
            self.size.width,
            read_only=unchanging,
            on_subject=self._on_subject,
            keys=cast("ConsoleApp", self.app).settings.keys,
        )

    def render(self) -> Text:
        """Return the line."""
        text = Text(no_wrap=True, overflow="crop")
        for action in self._actions():
            text.append(f" {action.shown}", look.current.key)
            text.append(f" {action.label}  ", look.current.soft)
        return text

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        end = 0
        for action in self._actions():
            end += _cells(action)
            if event.x < end:
                await self.app.run_action(action.name, self.screen)
                return
