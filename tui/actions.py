"""Every key of the console, said once: bindings, footer, help screen and command palette are made from `ACTIONS`.

An action's `name` is what Textual runs: `app.x` is `action_x` of the app, `x` that of the screen it is pressed on.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui.action import AS_BUILT, FORBIDDEN_KEYS, Action, Keys, Room
from tui.keys import textual_keys

if TYPE_CHECKING:
    from textual.binding import BindingType

__all__ = ["ACTIONS", "CHANGING", "FORBIDDEN_KEYS", "Action", "Room", "bindings", "offered"]

_ANYWHERE = frozenset({Room.ANYWHERE})
CHARTS = "Charts of the last hour up to the last 400 days"

_FLEET = frozenset({Room.FLEET})
_MONITOR = frozenset({Room.FLEET, Room.SERVER})
_SERVER = frozenset({Room.SERVER})
_HISTORY = frozenset({Room.HISTORY})
_INNER = frozenset(Room) - {Room.ANYWHERE, Room.FLEET, Room.EVENTS}
_EVENTS = frozenset({Room.EVENTS})
_LIMITS = frozenset({Room.LIMITS})
_ALERTS = frozenset({Room.ALERTS})
_COLUMNS = frozenset({Room.COLUMNS})
_EDIT = frozenset({Room.EDIT})
_LISTS = frozenset({Room.EVENTS, Room.REJECTED, Room.LIMITS, Room.ALERTS})
_MOVES = {
    "down": "down",
    "up": "up",
    "page_down": "list_page_down",
    "page_up": "page_up",
    "top": "top",
    "home": "top",
    "bottom": "list_bottom",
    "end": "list_bottom",
}
"""Ids of what moves in lists: as in the fleet, but for those that have other keys there."""

_REFUSALS_FROM = frozenset({Room.FLEET, Room.SERVER, Room.KEY})


def _sort(letter: str, column: str, label: str, order: str) -> Action:
    text = f"Sort by {label}, {order}; again to reverse"
    name = f"sort_by('{column}')"
    return Action(name, (letter,), letter, f"Sort by {label}", text, _FLEET, named=f"sort_{column}")


def _move(name: str, keys: tuple[str, ...], shown: str, text: str) -> Action:
    return Action(name, keys, shown, text, text, _FLEET, palette=False)


def _step(minutes: int, key: str, text: str) -> Action:
    number, unit, way = text.partition(":")[0].partition(",")[0].split()
    label = f"{way} {number} {unit}"
    return Action(f"step({minutes})", (key,), key, label.capitalize(), text, _FLEET, named=label.replace(" ", "_"))


def _scroll(where: str, keys: tuple[str, ...], shown: str, text: str) -> Action:
    name = f"scroll_mounts('{where}')"
    return Action(name, keys, shown, text, text, frozenset({Room.SERVER}), palette=False, named=_MOVES[where])


def _secret(room: frozenset[Room], *, in_footer: bool) -> tuple[Action, Action]:
    reveal, copy = "Show or hide the agent key", "Copy the agent key to the clipboard"
    return (
        Action("reveal", ("v",), "v", "Reveal", reveal, room, changes=True, footer=1 if in_footer else None),
        Action("copy", ("c",), "c", "Copy", copy, room, changes=True, footer=2 if in_footer else None),
    )


def _range(key: str, text: str) -> Action:
    named = f"range_{text.replace(' ', '_')}"
    return Action(f"range('{key}')", (key,), key, f"Last {text}", f"Charts of the last {text}", _HISTORY, named=named)


def _chart(key: str, title: str) -> Action:
    named = f"chart_{title.split()[0].lower()}"
    return Action(f"chart('{key}')", (key,), key, f"Chart of {title}", f"Chart of {title}", _HISTORY, named=named)


def _cursor(where: str, keys: tuple[str, ...], shown: str, text: str, footer: int | None = None) -> Action:
    label = where.capitalize()
    return Action(f"cursor('{where}')", keys, shown, label, text, _HISTORY, palette=False, footer=footer)


def _list(where: str, keys: tuple[str, ...], shown: str, text: str) -> Action:
    # In the list of columns space toggles.
    rooms = _LISTS if where == "page_down" else _LISTS | _COLUMNS
    return Action(f"move('{where}')", keys, shown, text, text, rooms, palette=False, named=_MOVES[where])


def _change(name: str, key: str, label: str, text: str, room: frozenset[Room], footer: int) -> Action:
    return Action(name, (key,), key, label, text, room, changes=True, footer=footer)


def _channel(name: str, key: str, label: str, text: str, footer: int) -> Action:
    return Action(name, (key,), key, label, text, _ALERTS, changes=True, footer=footer, on_subject=True)


def _shift(step: int, keys: tuple[str, ...], shown: str, where: str, footer: int) -> Action:
    label, text = "Down" if step > 0 else "Up", f"Move the column {where} in the fleet"
    return Action(f"shift({step})", keys, shown, label, text, _COLUMNS, footer=footer, named=f"column_{label.lower()}")


def _scroll_help(where: str, keys: tuple[str, ...], shown: str, text: str) -> Action:
    name, help_room = f"scroll_help('{where}')", frozenset({Room.HELP})
    return Action(name, keys, shown, text, text, help_room, palette=False, named=_MOVES[where])


ACTIONS: tuple[Action, ...] = (
    Action(
        "open", ("enter",), "enter", "Open", "Everything about the selected server", _FLEET, footer=1, on_subject=True
    ),
    Action(
        "app.new_monitor",
        ("n",),
        "n",
        "New",
        "Add a server: name it, get its key and install command",
        _FLEET,
        changes=True,
        footer=2,
    ),
    Action(
        "app.show_key",
        ("K",),
        "K",
        "Key",
        "The server's agent key and install command",
        _MONITOR,
        changes=True,
        footer=3,
        on_subject=True,
    ),
    Action(
        "app.pause",
        ("p",),
        "p",
        "Pause",
        "Judge this server no more for a while, or judge it again",
        _MONITOR,
        changes=True,
        footer=4,
        on_subject=True,
    ),
    Action(
        "app.delete",
        ("d",),
        "d",
        "Delete",
        "Remove this server and its history, once its name is typed",
        _MONITOR,
        changes=True,
        footer=8,
        on_subject=True,
    ),
    Action(
        "filter",
        ("/",),
        "/",
        "Filter",
        "Show what matches: web, status:down, tag:db, cpu>80, !lab",
        _FLEET,
        footer=6,
    ),
    Action(
        "app.edit", ("w", "f2"), "w f2", "Edit", "Write its name, tags, note", _MONITOR, changes=True, on_subject=True
    ),
    Action(
        "app.tag",
        ("#",),
        "#",
        "Tag",
        "Add tags to this server, or remove them",
        _MONITOR,
        changes=True,
        on_subject=True,
    ),
    Action("mark", ("space",), "space", "Mark", "Mark it: pause, tag, delete act on all marked", _FLEET, changes=True),
    Action("mark_all", ("*",), "*", "Mark all", "Mark all that are shown, or none", _FLEET, changes=True),
    Action("group", ("G",), "G", "Group", "Group the servers by their first tag, or not", _FLEET),
    Action("clear", ("escape",), "esc", "Clear", "Clear the marks, else the filter, else return to now", _FLEET),
    Action("app.show_limits", ("s",), "s", "Limits", "What is too high or too long for it", _MONITOR, on_subject=True),
    Action("app.show_alerts", ("a",), "a", "Alerts", "Where alerts go, and whether they arrive", _FLEET),
    Action("app.all_events", ("E",), "E", "Events", "What happened: events of all servers", _FLEET, footer=5),
    Action("app.events", ("e",), "e", "Its events", "Events of this server", _FLEET, on_subject=True),
    Action("app.events", ("e",), "e", "Events", "Events of this server", _SERVER, footer=2),
    Action("app.all_events", ("E",), "E", "All events", "What happened: events of all servers", _SERVER),
    Action("app.rejected", ("!",), "!", "Refused", "Reports that were refused, and why", _REFUSALS_FROM),
    _step(-5, "[", "5 minutes back: the whole fleet as it was then"),
    _step(5, "]", "5 minutes forward, up to now"),
    _step(-60, "{", "1 hour back"),
    _step(60, "}", "1 hour forward, up to now"),
    Action("go_to_time", ("T",), "T", "Go to a time", "Go to a time that you type: 03:12, mon 09:00, -6h", _FLEET),
    _sort("S", "status", "status", "worst first"),
    _sort("A", "age", "last report", "oldest first"),
    _sort("N", "name", "name", "A to Z"),
    _sort("U", "cpu", "CPU usage", "highest first"),
    _sort("M", "memory", "memory", "highest first"),
    _sort("W", "swap", "swap", "highest first"),
    _sort("D", "disk", "fullest disk", "highest first"),
    _sort("F", "full", "disk-full forecast", "soonest first"),
    _sort("R", "rx", "network in", "highest first"),
    _sort("X", "tx", "network out", "highest first"),
    _sort("L", "load", "load", "highest first"),
    _sort("Y", "system", "system", "A to Z"),
    Action("sort_left", ("<",), "<", "Sort by the column to the left", "Sort by the column to the left", _FLEET),
    Action(
        "sort_right",
        (">",),
        ">",
        "Sort by the column to the right",
        "Sort by the column to the right",
        _FLEET,
    ),
    Action("columns", ("C",), "C", "Columns", "Choose the columns, and their order", _FLEET),
    Action("reverse", ("r",), "r", "Reverse the order", "Reverse the order", _FLEET),
    _move("down", ("j", "down"), "j ↓", "Next server"),
    _move("up", ("k", "up"), "k ↑", "Previous server"),
    _move("page_down", ("pagedown", "ctrl+f"), "pgdn", "A page down"),
    _move("page_up", ("pageup",), "pgup", "A page up"),
    _move("top", ("g", "home"), "g home", "To the top; the list stays there until you move"),
    _move("bottom", ("end",), "end", "To the last server"),
    Action("history", ("h",), "h", "History", CHARTS, _FLEET, on_subject=True),
    Action("history", ("h",), "h", "History", CHARTS, _SERVER, footer=1),
    *_secret(_SERVER, in_footer=False),
    *_secret(frozenset({Room.KEY}), in_footer=True),
    Action(
        "copy_install",
        ("i",),
        "i",
        "Copy install",
        "Copy the install line for Linux to the clipboard",
        frozenset({Room.KEY}),
        changes=True,
        footer=3,
    ),
    Action(
        "copy_windows",
        ("w",),
        "w",
        "Copy Windows",
        "Copy the install line for Windows to the clipboard",
        frozenset({Room.KEY}),
        changes=True,
    ),
    Action(
        "rotate",
        ("r",),
        "r",
        "Rotate",
        "A new key; the old one works until the new one reports",
        frozenset({Room.KEY}),
        changes=True,
        footer=4,
    ),
    _scroll("down", ("j", "down"), "j ↓", "Next mounts"),
    _scroll("up", ("k", "up"), "k ↑", "Previous mounts"),
    _scroll("page_down", ("pagedown", "space", "ctrl+f"), "pgdn", "A page of mounts down"),
    _scroll("page_up", ("pageup",), "pgup", "A page of mounts up"),
    _scroll("home", ("g", "home"), "g home", "To the fullest mount"),
    _scroll("end", ("G", "end"), "G end", "To the emptiest mount"),
    _scroll_help("down", ("j", "down"), "j ↓", "A line down"),
    _scroll_help("up", ("k", "up"), "k ↑", "A line up"),
    _scroll_help("home", ("g", "home"), "g home", "To the top"),
    _scroll_help("end", ("G", "end"), "G end", "To the end"),
    Action(
        "create",
        ("enter",),
        "enter",
        "Create",
        "Create the monitor, and show its key and install command",
        frozenset({Room.NEW}),
        changes=True,
        footer=1,
    ),
    _change("save", "enter", "Save", "Save name, tags and note together", _EDIT, 1),
    Action("next_field", ("tab", "down"), "tab ↓", "Next", "The next field", _EDIT, palette=False, footer=2),
    Action("previous_field", ("shift+tab", "up"), "↑", "Field before", "The field before", _EDIT, palette=False),
    _range("1", "hour"),
    _range("2", "6 hours"),
    _range("3", "24 hours"),
    _range("4", "7 days"),
    _range("5", "30 days"),
    _range("6", "400 days"),
    Action("next_chart", ("tab",), "tab", "Chart", "The next chart", _HISTORY, footer=1),
    Action("previous_chart", ("shift+tab",), "shift+tab", "Previous chart", "The chart before", _HISTORY),
    _chart("c", "CPU and iowait"),
    _chart("m", "memory and swap"),
    _chart("n", "network in and out"),
    _chart("l", "load"),
    _chart("d", "disk usage"),
    Action("all_charts", ("a",), "a", "All charts", "All charts at once, in a large terminal", _HISTORY),
    _cursor("earlier", ("left",), "←", "Cursor: read values a column earlier", footer=2),
    _cursor("later", ("right",), "→", "Cursor: a column later", footer=3),
    _cursor("much_earlier", ("shift+left", "pageup"), "shift+←", "Cursor: ten columns earlier"),
    _cursor("much_later", ("shift+right", "pagedown"), "shift+→", "Cursor: ten columns later"),
    _cursor("first", ("home", "g"), "g home", "Cursor to the beginning"),
    _cursor("last", ("end", "G"), "G end", "Put the cursor away; the newest values are shown"),
    Action("mount_after", ("j", "down"), "j ↓", "Mount", "The next mount, less full", _HISTORY, footer=4, named="down"),
    Action("mount_before", ("k", "up"), "k ↑", "Previous mount", "The previous mount, fuller", _HISTORY, named="up"),
    Action(
        "open",
        ("enter",),
        "enter",
        "Charts",
        "The server's charts at the event's time",
        _EVENTS,
        footer=1,
        on_subject=True,
    ),
    Action("show_next", ("tab",), "tab", "Show", "Show all events, problems alone, changes alone", _EVENTS, footer=2),
    Action("filter", ("/",), "/", "Filter", "Show what matches in server, kind or sentence", _EVENTS, footer=3),
    Action("clear", ("escape",), "esc", "Back", "Clear the filter; without one, back", _EVENTS, footer=0),
    _list("down", ("j", "down"), "j ↓", "Next line"),
    _list("up", ("k", "up"), "k ↑", "Previous line"),
    _list("page_down", ("pagedown", "space", "ctrl+f"), "pgdn", "A page down"),
    _list("page_up", ("pageup",), "pgup", "A page up"),
    _list("top", ("g", "home"), "g home", "To the top; the list stays there until you move"),
    _list("bottom", ("G", "end"), "G end", "To the end"),
    _change("edit_limits", "enter", "Edit", "Type other values for this line", _LIMITS, 1),
    _change("reset_limits", "x", "Reset", "Return this line to its default", _LIMITS, 2),
    _change("ignore_mount", "i", "Ignore", "Ignore this mount, or heed it again", _LIMITS, 3),
    Action("show_defaults", ("D", "tab"), "D", "Defaults", "The defaults of all servers, and back", _LIMITS, footer=4),
    _change("add_channel", "n", "New", "Send alerts to another place", _ALERTS, 1),
    _channel("test_channel", "s", "Test", "Send a test message there now", 2),
    _channel("remove_channel", "d", "Delete", "Send no more alerts there", 3),
    Action("hide_column", ("space", "enter"), "space", "Show/hide", "Show this column, or hide it", _COLUMNS, footer=1),
    _shift(1, ("J", "shift+down"), "J", "to the right", 2),
    _shift(-1, ("K", "shift+up"), "K", "to the left", 3),
    Action("default_columns", ("x",), "x", "Default", "Return to the columns as built in", _COLUMNS, footer=4),
    Action("app.back", ("escape",), "esc", "Back", "Back; from the key to the fleet", _INNER, footer=0),
    Action("app.next_look", ("t",), "t", "Next theme", "Dark, light, this terminal's own colours, none", _ANYWHERE),
    Action("app.help", ("?", "f1"), "?", "Help", "All keys; again to close", _ANYWHERE, footer=8),
    Action(
        "app.command_palette",
        ("ctrl+p", ":"),
        "ctrl+p",
        "Commands",
        "Find an action by its name",
        _ANYWHERE,
        palette=False,
    ),
    Action("app.freeze", ("f",), "f", "Freeze", "Stop the picture, while data goes on; again to go on", _ANYWHERE),
    Action(
        "app.suspend_process",
        ("ctrl+z",),
        "ctrl+z",
        "Suspend",
        "Back to the shell until fg; not with serve --tui",
        _ANYWHERE,
        palette=False,
    ),
    Action("app.quit", ("q",), "q", "Quit", "Leave the console", _ANYWHERE, footer=9),
    Action(
        "app.hint_quit",
        ("ctrl+c",),
        "ctrl+c",
        "How to quit",
        "Says how to quit, and quits not",
        _ANYWHERE,
        palette=False,
    ),
)

CHANGING = frozenset(action.name.removeprefix("app.") for action in ACTIONS if action.changes)
"""Names of the methods that a read-only console does not run."""


def offered(room: Room, *, read_only: bool = False, on_subject: bool = True, keys: Keys = AS_BUILT) -> Iterator[Action]:
    """Yield the actions of a room and those that work anywhere, in the table's order, on the keys they have now.

    A read-only console is not offered what changes something; without a subject, nothing that needs one.
    """
    for action in ACTIONS:
        here = room in action.rooms or Room.ANYWHERE in action.rooms
        if here and not (read_only and action.changes) and not (action.on_subject and not on_subject):
            yield action.with_keys(keys[action.id]) if action.id in keys else action


def bindings(room: Room) -> "list[BindingType]":
    """Return the Textual bindings of one room: `BINDINGS` of its screen, or of the app for `Room.ANYWHERE`."""
    # Imported here, so that the configuration can be checked without Textual.
    from textual.binding import Binding

    return [
        Binding(textual_keys(action.keys), action.name, action.label, show=False, id=action.id)
        for action in ACTIONS
        if room in action.rooms
    ]
