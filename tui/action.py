"""What an action of the console is, and where it may be: the words that the table of all of them is written in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from tui.keys import words_of


class Room(StrEnum):
    """A screen of the console; its value is the title that the help screen gives it."""

    ANYWHERE = "Anywhere"
    FLEET = "Fleet"
    SERVER = "Server"
    HISTORY = "History"
    NEW = "New monitor"
    EDIT = "Edit"
    KEY = "Key"
    EVENTS = "Events"
    REJECTED = "Refused reports"
    LIMITS = "Limits"
    ALERTS = "Alerts"
    COLUMNS = "Columns"
    HELP = "Help"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do, where, and with which keys.

    `changes` marks what a read-only console does not offer; `footer` orders it in the footer (lower is kept
    longer as the terminal narrows), None leaves it out there; `shown` is how its keys are written for people;
    `on_subject` marks what needs something to act on, a monitor or a channel; `named` is its id where that does not
    follow from the name.
    """

    name: str
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    rooms: frozenset[Room]
    changes: bool = False
    palette: bool = True
    footer: int | None = None
    on_subject: bool = False
    named: str = ""

    @property
    def id(self) -> str:
        """What the configuration calls it; the same in several rooms where it is one idea on the same keys."""
        return self.named or "_".join(re.findall(r"\w+", self.name.removeprefix("app.")))

    def with_keys(self, keys: tuple[str, ...]) -> "Action":
        """Return the action on other keys."""
        return replace(self, keys=keys, shown=words_of(keys, SHOWN_CELLS))


Keys = Mapping[str, tuple[str, ...]]
"""Other keys for actions, by their id."""

AS_BUILT: Keys = MappingProxyType({})

SHOWN_CELLS = 11
"""How wide the keys of an action may be in the help screen."""

FORBIDDEN_KEYS = frozenset({"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q"})
"""Prefix keys of screen and tmux, and the keys that stop and start a terminal."""
