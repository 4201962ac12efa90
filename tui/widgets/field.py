"""A field to type in that does one key after the other, however fast they come."""

from textual import events
from textual.binding import Binding
from textual.widgets import Input

_EDITING = {
    key: binding.action for binding in Input.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")
}
"""What Textual's field does with keys that are no text: move, delete, submit."""


class Field(Input):
    """A line of text without a blinking cursor.

    Textual inserts text at once, but sends every other key up to the app first. Over a slow link keys come many at a
    time: the text typed after a backspace would be there before it, and deleted by it.
    """

    def __init__(self, value: str = "", *, placeholder: str = "", max_length: int) -> None:
        """Start with a text; at most `max_length` characters go in."""
        super().__init__(value, placeholder, compact=True, select_on_focus=False, max_length=max_length)
        self.cursor_blink = False
        self._rang = False

    def restricted(self) -> None:
        """Ring once when nothing more goes in, not for each character of what is pasted into a full field."""
        if not self._rang:
            self._rang = True
            super().restricted()

    def watch_value(self) -> None:
        """Ring again the next time that it is full."""
        self._rang = False

    @staticmethod
    def takes(event: events.Key) -> bool:
        """Return whether a key means something to a field, which then lets nobody else see it."""
        return event.is_printable or event.key in _EDITING

    def on_paste(self, event: events.Paste) -> None:
        """Put all that is pasted on the one line; Textual takes the first line and drops the rest."""
        event.prevent_default().stop()
        text = " ".join(line.strip() for line in event.text.splitlines() if line.strip())
        if text:
            self.replace(text, *self.selection)

    async def on_key(self, event: events.Key) -> None:
        """Do at once what a key does."""
        if action := _EDITING.get(event.key):
            event.prevent_default().stop()
            await self.run_action(action)
