"""Questions before something that cannot be taken back; each answers True only to a deliberate yes."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from store.text import MAX_NAME, normal_name
from tui.draw import safe
from tui.screens.dialog import Dialog
from tui.widgets.field import Field

_ARROWS: tuple[BindingType, ...] = (
    Binding("left", "app.focus_previous", show=False),
    Binding("right", "app.focus_next", show=False),
)


def _button(label: str, name: str, variant: str = "") -> Button:
    return Button(Content(label), id=name, classes=variant, compact=True)


class Confirm(Dialog[bool]):
    """A question with a yes and a no; `y` is yes, `n` and esc are no, and so is enter unless one moves first."""

    CSS_PATH = "confirm.tcss"
    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n,escape", "answer(False)", show=False),
        *_ARROWS,
    ]

    def __init__(self, question: str, detail: str = "", yes: str = "Yes") -> None:
        """Ask `question`, explained by `detail`; both may hold text from outside. `yes` is a word of ours."""
        super().__init__()
        self._question = question
        self._detail = detail
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(classes="box"):
            yield Static(Text(safe(self._question), style="bold"), markup=False)
            yield Static(Text(safe(self._detail)), classes="detail", markup=False)
            with Horizontal():
                yield _button(f"{self._yes} (y)", "yes", "danger")
                yield _button("Cancel (esc)", "no")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer what the button says."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer and close."""
        self.dismiss(answer)


class ConfirmDelete(Dialog[bool]):
    """Asks for a monitor's name before it is deleted; only the very name lets one go on."""

    CSS_PATH = "confirm.tcss"
    AUTO_FOCUS = "Field"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]
    DETAIL = "Everything it reported is lost, and its agent is refused from then on.\nType its name to go on:"

    def __init__(self, name: str) -> None:
        """Ask about the monitor of that name."""
        super().__init__()
        self._monitor_name = name

    def question(self) -> str:
        """Return what is asked."""
        return f"Delete {safe(self._monitor_name, MAX_NAME)} and its history?"

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(classes="box"):
            yield Static(Text(self.question(), style="bold"), markup=False)
            yield from self.details()
            yield Field(max_length=MAX_NAME * 2)
            with Horizontal():
                yield _button("Delete (enter)", "yes", "danger")
                yield _button("Cancel (esc)", "no")

    def details(self) -> ComposeResult:
        """Return what is to be known before one goes on."""
        yield Static(self.DETAIL, classes="detail", markup=False)

    def on_mount(self) -> None:
        """Nothing is typed yet."""
        self.query_one("#yes", Button).disabled = True

    def matches(self, typed: str) -> bool:
        """Return whether the name is typed; where it shows replaced characters, what is shown will do too."""
        names = (self._monitor_name, safe(self._monitor_name, MAX_NAME))
        return normal_name(typed) in map(normal_name, names)

    def on_input_changed(self) -> None:
        """Offer the deletion only to the name."""
        self.query_one("#yes", Button).disabled = not self.matches(self.query_one(Field).value)

    def on_input_submitted(self) -> None:
        """Go on if the name is there."""
        if self.matches(self.query_one(Field).value):
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer what the button says."""
        self.dismiss(event.button.id == "yes" and self.matches(self.query_one(Field).value))

    def action_cancel(self) -> None:
        """Leave everything as it is."""
        self.dismiss(False)


class ConfirmDeleteMany(ConfirmDelete):
    """Asks for the number of the monitors that are to be deleted, and names all of them."""

    DETAIL = "What they reported is lost; their agents are refused.\nType how many they are to go on:"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown,down", "scroll_names(1)", show=False),
        Binding("pageup,up", "scroll_names(-1)", show=False),
    ]

    def __init__(self, names: Sequence[str]) -> None:
        """Ask about the monitors of these names."""
        super().__init__("")
        self._names = names

    def question(self) -> str:
        """Return what is asked."""
        return f"Delete these {len(self._names)} servers and their history?"

    def details(self) -> ComposeResult:
        """Return the names, to scroll through where they are many, and what is to be known."""
        with VerticalScroll(can_focus=False):
            yield Static(Text(", ".join(safe(name, MAX_NAME) for name in self._names)), markup=False)
        yield from super().details()

    def matches(self, typed: str) -> bool:
        """Return whether their number is typed."""
        return typed.strip() == str(len(self._names))

    def action_scroll_names(self, direction: int) -> None:
        """Show more of the names: 1 is down, -1 up."""
        names = self.query_one(VerticalScroll)
        names.scroll_relative(y=direction * max(1, names.size.height - 1), animate=False)
