"""Keys by name: which there are, how they are written for people, and how Textual writes them."""

from collections.abc import Sequence

NAMED = {
    "enter": "enter",
    "escape": "esc",
    "tab": "tab",
    "space": "space",
    "backspace": "backspace",
    "delete": "del",
    "insert": "ins",
    "home": "home",
    "end": "end",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    **{f"f{number}": f"f{number}" for number in range(1, 25)},
}
"""Keys that are no character, and how they are written for people."""

SAME_AS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+j": "enter", "ctrl+h": "backspace", "ctrl+[": "escape"}
"""Keys that a terminal cannot tell from others."""

_WITH_CONTROL = "abcdefghijklmnopqrstuvwxyz"
_MODIFIERS = ("ctrl", "shift", "alt")


def is_key(word: str) -> bool:
    """Return whether a word names a key that a terminal sends.

    A printable character, a named key, either with modifiers: `P`, `f5`, `ctrl+r`, `shift+tab`, `alt+x`. Shift makes
    another character, so `shift+p` is none: it is `P`.
    """
    *modifiers, key = word.split("+") if len(word) > 1 else [word]
    if len(set(modifiers)) < len(modifiers) or not set(modifiers) <= set(_MODIFIERS) or word in SAME_AS:
        return False
    if key in NAMED:
        return True
    if len(key) != 1 or not key.isprintable() or key == " ":
        return False
    return not modifiers or modifiers == ["alt"] or (modifiers == ["ctrl"] and key in _WITH_CONTROL)


def words_of(keys: Sequence[str], cells: int) -> str:
    """Return keys as people read them, the first and as many more as fit into so many cells: `j ↓`."""
    words = [_word(key) for key in keys]
    while len(words) > 1 and len(" ".join(words)) > cells:
        words.pop()
    return " ".join(words)


def _word(key: str) -> str:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    return "+".join([*modifiers, NAMED.get(last, last)])


def textual_keys(keys: Sequence[str]) -> str:
    """Return keys as Textual takes them: separated by commas, so that the comma has its name."""
    return ",".join("comma" if key == "," else key for key in keys)
