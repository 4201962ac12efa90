"""Text from outside has no power over a terminal and keeps its glyphs."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.text import MAX_NAME, UNSAFE_CATEGORIES, distinct_names, name_problem, normal_name, safe_text


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


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("web-1 ", "web-1"),
        (" web-1", "web-1"),
        ("\u00a0web-1\u3000", "web-1"),
        ("web \u2009\u00a0 1", "web 1"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("[/]", "[/]"),
        ("Web-1", "Web-1"),
        ("web-1\n", "web-1\n"),
        ("\u2003", ""),
    ],
)
def test_names_that_read_the_same_are_the_same(typed: str, name: str) -> None:
    assert normal_name(typed) == name


def test_every_blank_of_unicode_is_a_blank() -> None:
    blanks = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs"]
    assert len(blanks) > 10
    assert {normal_name(f"a{blank}{blank}b{blank}") for blank in blanks} == {"a b"}


@given(st.text(alphabet=st.characters() | st.sampled_from(" \u00a0\u3000\u0301e"), max_size=80))
def test_the_normal_form_is_its_own(name: str) -> None:
    assert normal_name(normal_name(name)) == normal_name(name)


def test_the_length_of_a_name_is_that_of_its_normal_form() -> None:
    assert name_problem(" " + "e\u0301" * 64 + "  ") is None
    assert "66" in str(name_problem("\u0958" * 33))  # a letter that NFC takes apart
    assert name_problem("a\u200bb") == name_problem("a\tb") == name_problem("a\u2028b")
    assert name_problem("\u3000\u2800\u3164\uffa0\u00a0") == "a name needs at least one visible character"


def test_names_that_collide_are_numbered_and_those_that_are_in_order_stay() -> None:
    names = ["web-1 ", " web-1", "web-1", "db\u00a01", "db  1", "x" * 64, "x" * 64 + " ", "web-1 (2)", "fine"]
    assert distinct_names(names) == {
        "web-1 ": "web-1 (3)",
        " web-1": "web-1 (4)",
        "db\u00a01": "db 1",
        "db  1": "db 1 (2)",
        "x" * 64 + " ": "x" * 60 + " (2)",
    }


@given(
    st.lists(st.text(alphabet=" \u00a0e\u0301\u00e9\u0958", max_size=64).filter(normal_name), unique=True, max_size=12)
)
def test_new_names_are_distinct_normal_and_short_enough(names: list[str]) -> None:
    renamed = distinct_names(names)
    after = [renamed.get(name, name) for name in names]
    assert len(set(after)) == len(names)
    assert all(normal_name(name) == name and len(name) <= MAX_NAME for name in after)
