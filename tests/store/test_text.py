"""Text from outside has no power over a terminal and keeps its glyphs."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.text import UNSAFE_CATEGORIES, name_problem, safe_text


@given(st.text(alphabet=st.characters(), max_size=400), st.integers(min_value=1, max_value=300))
def test_safe_text_is_short_and_steers_nothing(text: str, limit: int) -> None:
    shown = safe_text(text, limit)
    assert len(shown) <= limit
    assert not any(unicodedata.category(char) in UNSAFE_CATEGORIES for char in shown)
    assert safe_text(shown, limit) == shown


@pytest.mark.parametrize("text", ["web-1", "[/]", "[@click=app.quit]x", "büro", "日本", "Nguyễn", ""])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"),
        ("a\x07\x9b\x00b", "a\ufffd\ufffd\ufffdb"),
        ("abc\u202etxt", "abc\ufffdtxt"),
        ("two\nlines\u2028", "two\ufffdlines\ufffd"),
        ("o" + "\u0301" * 10_000 + "k", "o\u0301\u0301k"),
        ("x" * 300, "x" * 254 + "…"),
        ("\ud800", "\ufffd"),
    ],
)
def test_what_could_steer_is_replaced(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_a_name_of_64_characters_will_do_and_of_65_will_not() -> None:
    assert name_problem("n" * 64) is None
    assert "65" in str(name_problem("n" * 65))
