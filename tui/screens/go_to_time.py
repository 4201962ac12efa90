"""The box in which one types the time to look at."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from store.when import EXAMPLES, WhenError, spoken, understand
from tui import draw
from tui.screens.dialog import Dialog
from tui.widgets.field import Field

if TYPE_CHECKING:
    from tui.app import ConsoleApp

HINT = f"For example {EXAMPLES}"


class GoToTimeScreen(Dialog[None]):
    """One field: a time of the past; what it is understood as stands below while one types."""

    AUTO_FOCUS = "Field"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]
    CSS_PATH = "go_to_time.tcss"

    def __init__(self, oldest: int, go: Callable[[int | None], None]) -> None:
        """Offer the times since `oldest` (ms); `go` is told the one that is chosen, None for now."""
        super().__init__()
        self._oldest = oldest
        self._go = go

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(classes="box"):
            yield Static(Text("Show the fleet as it was at", style="bold"))
            yield Field(placeholder="03:12", max_length=60)
            yield Static(HINT, id="said", markup=False)
            yield Static("enter goes there   esc cancels", id="keys", markup=False)

    def _now(self) -> int:
        return cast("ConsoleApp", self.app).now()

    def _say(self, text: str, kind: str = "") -> None:
        said = self.query_one("#said", Static)
        said.set_classes(kind)
        said.update(Text(draw.safe(text, 120)))

    def on_input_changed(self, event: Field.Changed) -> None:
        """Say what the text means so far, or what is wrong with it; nothing yet is not wrong."""
        if not event.value.strip():
            self._say(HINT)
            return
        now = self._now()
        try:
            found = understand(event.value, now, self._oldest)
        except WhenError as error:
            self._say(str(error), "wrong")
        else:
            ago = f"{draw.duration((now - found.at) / 1000)} ago" if found.at < now else "now"
            self._say("; ".join(filter(None, (f"{spoken(found.at)}, {ago}", found.note))), "understood")

    def on_input_submitted(self, event: Field.Submitted) -> None:
        """Go there, unless it is no time."""
        now = self._now()
        try:
            found = understand(event.value, now, self._oldest)
        except WhenError as error:
            self._say(str(error), "wrong")
            return
        self.dismiss()
        self._go(found.at if found.at < now else None)

    def action_cancel(self) -> None:
        """Stay where one is."""
        self.dismiss()
