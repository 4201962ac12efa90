"""What a terminal sends: any bytes in any pieces, which raise nothing and press no key that nobody pressed."""

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from tests.conftest import Clock
from tui.keyboard import PASTE_FROM, PASTE_GAP_S, InputDecoder, Keyboard

LONG_TEXT = "the quick brown fox jumps over the lazy dog, 0123456789 times\r" * 81
BYTES_AS_THEY_COME = st.lists(st.binary(max_size=40) | st.sampled_from([b"\x1b[M", b"\x1b[", b"\x1b"]), max_size=8)


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut data up at some places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def read(*parts: bytes, keyboard: Keyboard | None = None) -> list[Message]:
    """Return the messages that some reads give."""
    keyboard = keyboard or Keyboard(Clock().listening_s)
    return [message for part in parts for message in keyboard.feed(part)]


def keys(messages: list[Message]) -> str:
    """Return the characters of the keys that were pressed, with a * for each that has none."""
    return "".join(message.character or "*" for message in messages if isinstance(message, events.Key))


@given(st.binary(max_size=60).filter(lambda data: b"\x1b" not in data), st.lists(st.integers(0, 60)))
def test_in_any_pieces_text_is_what_it_is_in_one_and_what_is_no_utf8_is_replaced(data: bytes, cuts: list[int]) -> None:
    decoder = InputDecoder()
    decoded = "".join(map(decoder.decode, pieces(data + b".", cuts)))
    assert decoded == (data + b".").decode("utf-8", "replace")


@pytest.mark.parametrize("text", ["é", "€", "🐘", "日本"])
def test_a_character_that_is_cut_in_two_stays_one(text: str) -> None:
    data = text.encode()
    for cut in range(1, len(data)):
        assert keys(read(data[:cut], data[cut:])) == text


@pytest.mark.parametrize(
    "noise",
    [bytes([lone]) for lone in range(0x80, 0x100)]
    + [b"\xc3(", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xf4\x90\x80\x80"],
)
def test_bytes_that_are_no_utf8_press_no_key_but_the_replacement_and_take_none_away(noise: bytes) -> None:
    assert keys(read(b"x" + noise + b"j")).replace("\ufffd", "").replace("(", "") == "xj"


VALUE = st.integers(0x20, 0xFF)


@given(VALUE, VALUE, VALUE, st.lists(st.integers(0, 7)))
def test_an_x10_mouse_report_at_any_place_presses_no_key(button: int, column: int, row: int, cuts: list[int]) -> None:
    # Two values that look like one character: the key that comes with them may be lost, which harms nobody.
    report = bytes((button, column, row))
    pressed = keys(read(*pieces(b"\x1b[M" + report + b"j", cuts)))
    assert pressed == "j" or (pressed == "" and re.search(rb"[\xc2-\xdf][\x80-\xbf]", report))


@given(st.integers(1, 2015), st.integers(1, 2015))
def test_a_mouse_report_in_utf8_presses_no_key(column: int, row: int) -> None:
    report = "\x1b[M " + chr(32 + column) + chr(32 + row)
    assert keys(read(report.encode() + b"j")) == "j"


def test_a_mouse_report_that_is_cut_off_takes_nothing_of_the_next_one() -> None:
    assert keys(read(b"\x1b[M \xff\x1b[M !!j")) == "j"


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[1114112u",
        "\x1b[99999999999999u",
        "\x1b[55296u",
        "\x1b[97;1;55296u",
        "\x1b[97;1;1114112u",
        "\x1b[97:65;2u",
        "\x1b[97;1:3u",
        "\x1b[48;24;80;0;0t\x1b[<0;5;5M",
        "\x1b[48;0;0;0;0t\x1b[<0;5;5M",
    ],
)
def test_numbers_that_make_no_sense_press_no_key_and_the_next_one_is_read(sequence: str) -> None:
    assert keys(read(sequence.encode() + b"j")) == "j"


@given(BYTES_AS_THEY_COME)
def test_whatever_comes_the_next_key_is_read(parts: list[bytes]) -> None:
    clock = Clock()
    keyboard = Keyboard(clock.listening_s)
    read(*parts, b"\x1b[201~", b"\x1b[200~\x1b[201~", keyboard=keyboard)
    clock.advance(PASTE_GAP_S)
    assert keys(read(b" j", keyboard=keyboard)).endswith("j")


def test_a_paste_without_brackets_presses_no_key() -> None:
    data = LONG_TEXT.encode()
    messages = read(data[:4096], data[4096:])
    assert keys(messages) == ""
    pasted = "".join(message.text for message in messages if isinstance(message, events.Paste))
    assert pasted == LONG_TEXT.removesuffix("\r")


def test_one_long_line_with_enter_is_entered() -> None:
    line = "json://user:secret@monitor.example.org:8080/a/long/path?and=query"
    paste, enter = read(line.encode() + b"\r")
    assert isinstance(paste, events.Paste)
    assert paste.text == line
    assert keys([enter]) == "\r"


def test_the_end_of_a_paste_belongs_to_it_and_what_is_typed_later_does_not() -> None:
    clock = Clock()
    keyboard = Keyboard(clock.listening_s)
    assert keys(read(LONG_TEXT[:PASTE_FROM].encode(), b"d\rq", keyboard=keyboard)) == ""
    clock.advance(PASTE_GAP_S)
    assert keys(read(b"d\r", keyboard=keyboard)) == "d\r"


@pytest.mark.parametrize("typed", ["/web\r", "j" * 5_000, "jk" * 100, LONG_TEXT[: PASTE_FROM - 1]])
def test_what_is_typed_ahead_or_held_down_is_keys(typed: str) -> None:
    assert keys(read(typed.encode())) == typed


def test_a_paste_in_brackets_is_one_however_it_comes_and_whatever_is_in_it() -> None:
    data = f"\x1b[200~{LONG_TEXT}".encode() + b"\xff\xc3\x1b[201~j"
    for cut in (3, 100, 4096, len(data) - 4):
        messages = read(data[:cut], data[cut:])
        (paste,) = [message for message in messages if isinstance(message, events.Paste)]
        assert paste.text == LONG_TEXT + "\ufffd\ufffd"
        assert keys(messages) == "j"


def test_a_paste_whose_end_was_lost_is_ended_by_ctrl_c() -> None:
    keyboard = Keyboard(Clock().listening_s)
    assert read(b"\x1b[200~some", b" te", b"q", keyboard=keyboard) == []
    paste, interrupt = read(b"\x03", keyboard=keyboard)
    assert isinstance(paste, events.Paste)
    assert paste.text == "some teq"
    assert keys([interrupt, *read(b"j", keyboard=keyboard)]) == "\x03j"
