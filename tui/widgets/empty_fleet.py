"""What the fleet says where there is no server to show."""

from rich.text import Text

from store.models import Status
from tui import draw, look
from tui.action import AS_BUILT, Keys
from tui.keymap import shown_key
from tui.widgets.facts import refused_hint


def empty_note(
    *, loaded: bool, problem: str | None, read_only: bool, wanted: str, refused: int = 0, keys: Keys = AS_BUILT
) -> Text:
    """Return what to say when there is no line to show: why, and what to do next."""
    if wanted:
        return Text.assemble(
            f"No server matches “{draw.safe(wanted, 40)}”.\n\n",
            (f"{shown_key('clear', keys)} clears the filter.", look.current.dim),
        )
    if problem and not loaded:
        return Text(draw.safe(problem, 500), look.current.status[Status.DOWN])
    if not loaded:
        return Text("Opening the database…", look.current.dim)
    hint = refused_hint(refused)
    if read_only:
        note = Text("No server yet, and this console is read-only.\n\nagentmon monitor create NAME adds one.\n\n")
        return note.append_text(hint)
    key = look.current.key
    note = Text.assemble(
        "No server yet.\n\nPress ",
        (shown_key("new_monitor", keys), key),
        " to add the first: you give it a name and get one line to paste there.\n",
        "That installs its agent; with its first report it appears here.\n\n",
        (shown_key("help", keys), key),
        (" shows all keys.\n\n", look.current.dim),
    )
    return note.append_text(hint)
