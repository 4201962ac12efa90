"""Other keys for actions: as Textual takes them, as people read them, and what is wrong with them."""

from collections import defaultdict

from tui.action import Keys, Room
from tui.actions import ACTIONS, offered
from tui.keys import textual_keys

TYPING = frozenset({Room.NEW, Room.EDIT})
"""Where a character is text and no key."""


def keymap(keys: Keys) -> dict[str, str]:
    """Return other keys for actions as Textual takes them."""
    return {name: textual_keys(words) for name, words in keys.items()}


def shown_key(name: str, keys: Keys) -> str:
    """Return the first key of an action, by its id, as people read it."""
    action = next(action for action in ACTIONS if action.id == name)
    return action.with_keys(keys.get(name, action.keys)[:1]).shown


def clash(keys: Keys) -> tuple[str, str, str, Room] | None:
    """Return the first key that would mean two things, as their ids, the key and the room; None if there is none.

    The first id is one that was given other keys.
    """
    for room in Room:
        owners: dict[str, list[str]] = defaultdict(list)
        for action in offered(room, keys=keys):
            for key in action.keys:
                owners[key].append(action.id)
        for key, (first, *others) in owners.items():
            if others:
                return (first, others[0], key, room) if first in keys else (others[0], first, key, room)
    return None


def untypable(keys: Keys) -> str | None:
    """Return an action, by its id, that would have no key where one types text; None if there is none."""
    for action in ACTIONS:
        if action.id in keys and action.rooms & TYPING and all(len(key) == 1 for key in keys[action.id]):
            return action.id
    return None
