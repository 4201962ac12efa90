"""Percentages, sizes and text as both agents write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.figures import human, percent, valid_text

KIB = 1024


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0"),
        (-5, "0"),
        (1, "1.0K"),
        (KIB, "1.0K"),
        (4 * KIB, "4.0K"),
        (9 * KIB**2 + 1, "9.1M"),
        (int(9.95 * KIB**2), "10M"),
        (10 * KIB, "10K"),
        (1023 * KIB, "1023K"),
        (1023 * KIB + 1, "1.0M"),
        (KIB**2, "1.0M"),
        (50 * KIB**3, "50G"),
        (50 * KIB**3 + 1, "51G"),
        (3 * KIB**6, "3.0E"),
    ],
)
def test_sizes_read_as_df_h_writes_them(size: int, shown: str) -> None:
    assert human(size) == shown


@given(st.integers(0, 2**53))
def test_a_size_is_short_and_never_understated(size: int) -> None:
    shown = human(size)
    number = float(shown.rstrip("KMGTPE"))
    unit = "KMGTPE".find(shown[-1]) + 1
    assert len(shown) <= 5
    assert number * 1024**unit >= size


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_a_percentage_stays_between_0_and_100(part: float, whole: float) -> None:
    assert 0 <= percent(part, whole) <= 100


def test_a_percentage_has_one_decimal_and_nothing_of_nothing_is_0() -> None:
    assert percent(1, 3) == 33.3
    assert percent(0, 0) == 0


def test_bytes_that_are_no_utf_8_become_replacement_characters_one_each() -> None:
    assert valid_text("a\udcff\udcfe/ü") == "a\ufffd\ufffd/ü"
    valid_text(b"\xed\xa0\x80".decode("utf-8", "surrogateescape")).encode("utf-8")
