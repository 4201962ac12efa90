"""Adding tags to servers and removing them, one or many at once."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from store.errors import ChangeRefusedError
from store.models import Monitor
from store.tags import MAX_TAG, MAX_TAGS, Edit, edited_tags, split_tags, tags_problem
from store.text import MAX_NAME
from tui.deeds import counted, retagged, tag_counts
from tui.draw import safe
from tui.screens.dialog import Dialog
from tui.widgets.field import Field

HINT = "web prod adds tags, !web removes one"
REMOVES = "!"
"""Before a tag that is to be removed, as in the filter; no tag begins with it."""

TAGS_SHOWN = 8


def understood(text: str) -> Edit:
    """Return what was typed as tags to add and to remove."""
    words = split_tags(text)
    return Edit(
        add_tags=[word for word in words if not word.startswith(REMOVES)],
        drop_tags=[word.removeprefix(REMOVES) for word in words if word.startswith(REMOVES)],
    )


def problem_of(edit: Edit, monitors: Sequence[Monitor]) -> str | None:
    """Return what is wrong with a change of tags of these monitors, None if it will do."""
    if problem := tags_problem(edit.add_tags) or tags_problem(edit.drop_tags):
        return problem
    for monitor in monitors:
        try:
            edited_tags(monitor.tags, edit)
        except ChangeRefusedError:
            return f"{safe(monitor.name, MAX_NAME)} would have more than {MAX_TAGS} tags"
    return None


def present(monitors: Sequence[Monitor]) -> str:
    """Return in words which tags the monitors have, with how many have it where not all do."""
    words = [tag if count == len(monitors) else f"{tag} ({count})" for tag, count in tag_counts(monitors).items()]
    more = f" and {len(words) - TAGS_SHOWN} more" if len(words) > TAGS_SHOWN else ""
    return f"now: {safe(', '.join(words[:TAGS_SHOWN]))}{more}" if words else "no tags yet"


class TagDialog(Dialog[Edit]):
    """A field for tags; answers None if one thinks better of it."""

    AUTO_FOCUS = "Field"
    CSS_PATH = "tag.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        """Ask about these monitors."""
        super().__init__()
        self._monitors = monitors

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(classes="box"):
            yield Static(Text(safe(f"Tags of {counted(self._monitors)}", 300), style="bold"), markup=False)
            yield Static(Text(present(self._monitors)), classes="detail", markup=False)
            yield Field(placeholder="web !old", max_length=(MAX_TAG + 2) * 2 * MAX_TAGS)
            yield Static(HINT, id="said", markup=False)

    def _say(self, text: str, kind: str = "") -> None:
        said = self.query_one("#said", Static)
        said.set_classes(kind)
        said.update(Text(safe(text, 300)))

    def on_input_changed(self, event: Field.Changed) -> None:
        """Say what enter would do, or what is wrong; nothing yet is not wrong."""
        edit = understood(event.value)
        if not (edit.add_tags or edit.drop_tags):
            self._say(HINT)
        elif problem := problem_of(edit, self._monitors):
            self._say(problem, "wrong")
        else:
            self._say(f"enter: {retagged(edit)}", "understood")

    def on_input_submitted(self, event: Field.Submitted) -> None:
        """Answer, if there is something to change and nothing wrong with it."""
        edit = understood(event.value)
        if (edit.add_tags or edit.drop_tags) and problem_of(edit, self._monitors) is None:
            self.dismiss(edit)

    def action_cancel(self) -> None:
        """Leave the tags as they are."""
        self.dismiss(None)
