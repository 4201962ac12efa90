"""The command palette: Textual's, made fit for keys that come faster than it draws."""

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, Hit


class Palette(CommandPalette):
    """A palette that is left once, however many keys were on their way to it."""

    _NOTHING = Hit(0, "", lambda: None)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close it; a second enter or escape does nothing, where Textual's would close the screen below."""
        if self.is_active:
            return super().dismiss(result)
        self._selected_command = self._NOTHING  # else it would run twice
        return AwaitComplete()

    def _action_command_list(self, action: str) -> None:
        commands = self.query_one(CommandList)
        if not action.startswith("page_") or len(commands._lines) >= commands.option_count:
            super()._action_command_list(action)  # a page has no height before its lines are laid out
