"""What all dialogs share."""

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType]):
    """A dialog that is answered once, however fast a second enter comes."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close it with an answer. Once it is closed nothing happens; Textual would close the screen below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()
