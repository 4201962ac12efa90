"""What the console does when something in it fails that nobody foresaw: end, and leave the word to who runs it."""

from rich.console import RenderableType
from textual.app import App
from textual.worker import WorkerFailed


class QuietApp(App[None], inherit_bindings=False):
    """An app that ends without a word when something in it fails; `crash` then says what.

    Textual would print the traceback with the values of all variables, and agent keys may be among them.
    """

    crash: BaseException | None = None

    def _handle_exception(self, error: Exception) -> None:
        self.crash = self.crash or (error.error if isinstance(error, WorkerFailed) else error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """End without printing what is handed in."""
        self._close_messages_no_wait()
