"""What a terminal sends, turned into messages: whatever the bytes are, they end nothing."""

import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator

from textual import events
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.keys import Keys
from textual.message import Message

ESCAPE = "\x1b"
INTERRUPT = "\x03"
X10_MOUSE = "\x1b[M"
"""Begins a mouse report in the oldest encoding, which terminals use that were told of no newer one."""

X10_VALUES = 3
"""Button, column and row: a byte each, or a character of up to two bytes in mode 1005; none is a control character."""

PASTE_FROM = 64
PASTE_VARIETY = 8
"""At least this many characters in one piece, more different ones than that, are a paste: not typed, nor a key held."""

PASTE_GAP_S = 0.05
"""What follows a paste within this time belongs to it."""


class InputDecoder:
    """Decodes UTF-8 that arrives in any pieces; what is not UTF-8 becomes U+FFFD.

    The values of X10 mouse reports become spaces. They are bytes, not text: two of them may look like one character,
    and the parser, which is to count them, would take what follows for keys.
    """

    def __init__(self) -> None:
        """Start before the first byte."""
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._last = ""
        self._values_left = 0
        self._continues = False

    def decode(self, data: bytes) -> str:
        """Return the text of the next bytes; a character whose end is missing comes with the rest of it."""
        return "".join(map(self._decode, data))

    def _decode(self, byte: int) -> str:
        if self._belongs_to_report(byte):
            return ""
        text = self._decoder.decode(bytes((byte,)))
        self._last = (self._last + text)[-len(X10_MOUSE) :]
        if self._last != X10_MOUSE:
            return text
        self._last, self._values_left = "", X10_VALUES
        return text + " " * X10_VALUES

    def _belongs_to_report(self, byte: int) -> bool:
        if self._continues and 0x80 <= byte < 0xC0:
            self._continues = False
            return True
        if not self._values_left or byte < 0x20:
            self._values_left, self._continues = 0, False
            return False
        self._values_left -= 1
        self._continues = 0xC2 <= byte < 0xE0  # begins a character of two bytes
        return True


class KeyParser(XTermParser):
    """Textual's parser, for which a number that makes no sense in a sequence is a reason to ignore that sequence."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        try:
            keys = list(super()._sequence_to_key_events(sequence, alt))
        except (ValueError, OverflowError):  # no code of a character
            return [events.Key(Keys.Ignore, None)]
        return [key if _is_text(key.character) else events.Key(Keys.Ignore, None) for key in keys]

    def parse_mouse_code(self, code: str) -> Message | None:
        """Return a mouse report's event, None where the terminal has said that its size is 0 by 0 pixels."""
        try:
            return super().parse_mouse_code(code)
        except ZeroDivisionError:
            return None


def _is_text(character: str | None) -> bool:
    """Return whether what a key types can be encoded: lone surrogates can be named by a number."""
    return character is None or not any("\ud800" <= each <= "\udfff" for each in character)


class Keyboard:
    """Turns bytes into messages; a paste without brackets is a `Paste`, so that no line of it is taken for commands."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start before the first byte; `clock` gives seconds."""
        self._clock = clock
        self._decoder = InputDecoder()
        self._parser = KeyParser()
        self._recent = ""
        self._in_brackets = False
        self._pasting_until = 0.0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield what the next bytes mean."""
        text = self._decoder.decode(data)
        if self._in_brackets and text == INTERRUPT:  # its end was lost, and all keys are taken for more of the paste
            text = BRACKETED_PASTE_END + text
        if self._is_paste(text):
            self._pasting_until = self._clock() + PASTE_GAP_S
            line = text.removesuffix("\r")
            yield events.Paste(line.replace("\x00", ""))
            if line != text and "\r" not in line:  # one line with enter may have been typed while the link stalled
                yield events.Key("enter", "\r")
        elif text:  # an empty one would mean the end to the parser
            self._follow_brackets(text)
            yield from self._parser.feed(text)

    def tick(self) -> Iterator[Message]:
        """Yield what only the passing of time decides: an escape after which nothing came is a key."""
        yield from self._parser.tick()

    def _is_paste(self, text: str) -> bool:
        if self._in_brackets or not text or ESCAPE in text:
            return False
        long = len(text) >= PASTE_FROM and len(set(text)) > PASTE_VARIETY
        return long or self._clock() < self._pasting_until

    def _follow_brackets(self, text: str) -> None:
        recent = self._recent + text
        opened, closed = recent.rfind(BRACKETED_PASTE_START), recent.rfind(BRACKETED_PASTE_END)
        if opened != closed:
            self._in_brackets = opened > closed
        self._recent = recent[-len(BRACKETED_PASTE_START) :]
