"""What a setting of the configuration file may be: each kind reads a TOML value, and says in words what it takes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Protocol


class Kind(Protocol):
    """A kind of value."""

    @property
    def wanted(self) -> str:
        """What it takes, to follow "is"."""
        ...

    def read(self, value: Any) -> Any:
        """Return what a TOML value stands for; raises ValueError for what it does not take."""
        ...


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    wanted: str = "true or false"

    def read(self, value: Any) -> bool:
        """Return the value."""
        if not isinstance(value, bool):
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both included; `whole` ones are integers."""

    least: float
    most: float = math.inf
    whole: bool = False

    @property
    def wanted(self) -> str:
        """Say so."""
        what = "a whole number" if self.whole else "a number"
        return f"{what} from {self.least:g}" + (f" to {self.most:g}" if self.most < math.inf else "")

    def read(self, value: Any) -> float:
        """Return the value."""
        if not _is_number(value) or (self.whole and not isinstance(value, int)):
            raise ValueError
        if not (math.isfinite(value) and self.least <= value <= self.most):
            raise ValueError
        return int(value) if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class Span:
    """A time, in seconds or with a unit."""

    most_s: float
    or_none: bool = False

    @property
    def wanted(self) -> str:
        """Say so."""
        days = f"{self.most_s / 86400:g} day{'s' if self.most_s > 86400 else ''}"
        return f'a time like "90s", "15m", "2h" or "1d", {"0 or more" if self.or_none else "above 0"}, at most {days}'

    def read(self, value: Any) -> float:
        """Return seconds."""
        from store.durations import parse_duration

        seconds = parse_duration(value) if isinstance(value, str) else float(value) if _is_number(value) else None
        if seconds is None or not 0 <= seconds <= self.most_s or not (seconds or self.or_none):
            raise ValueError
        return seconds


@dataclass(frozen=True, slots=True)
class Text:
    """A text that passes a check."""

    wanted: str
    passes: Callable[[str], bool]

    def read(self, value: Any) -> str:
        """Return the value."""
        if not isinstance(value, str) or not self.passes(value):
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: Sequence[str]

    @property
    def wanted(self) -> str:
        """Say so."""
        return f"one of {', '.join(self.words)}"

    def read(self, value: Any) -> str:
        """Return the word."""
        if value not in self.words:
            raise ValueError
        return str(value)


@dataclass(frozen=True, slots=True)
class Limit:
    """From which reading on it is too high; `unit` follows the numbers."""

    most: float
    unit: str = ""

    @property
    def wanted(self) -> str:
        """Say so."""
        return f'a number above 0, at most {self.most:g}{self.unit}, or "off"'

    def read(self, value: Any) -> float | str:
        """Return the number, or "off"."""
        if value == "off":
            return "off"
        if not _is_number(value) or not 0 < value <= self.most:
            raise ValueError
        return float(value)


@dataclass(frozen=True, slots=True)
class NetworkList:
    """Addresses and networks, as text."""

    wanted: str = 'an address or a network like "10.0.0.0/8", or a list of them'

    def read(self, value: Any) -> tuple[str, ...]:
        """Return them."""
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError
        try:
            return tuple(str(ip_network(word)) for word in words)
        except ValueError:
            raise ValueError from None  # without its words: `wanted` says it


@dataclass(frozen=True, slots=True)
class KeyList:
    """Keys of a keyboard."""

    wanted: str = 'a key like "P", "f5", "ctrl+r" or "shift+tab", or a list of them'

    def read(self, value: Any) -> tuple[str, ...]:
        """Return the keys."""
        from tui.action import FORBIDDEN_KEYS
        from tui.keys import SAME_AS, is_key

        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise ValueError
        for word in words:
            if word in FORBIDDEN_KEYS:
                raise ValueError(f"cannot be {word}, which screen, tmux or the terminal itself takes")
            if word in SAME_AS:
                raise ValueError(f"cannot be {word}, which a terminal sends as {SAME_AS[word]}")
            if not is_key(word):
                raise ValueError
        return tuple(dict.fromkeys(words))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
