"""Sizes as agents send them, read back as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.sizes import kibibytes


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("50G", 50 * 2**20),
        ("9.8M", 10035),
        ("9,8M", 10035),
        ("512K", 512),
        ("512", 0),
        ("2048", 2),
        ("1.5T", 1536 * 2**20),
        ("2P", 2 * 2**40),
        (" 50 GiB ", 50 * 2**20),
        ("50gb", 50 * 2**20),
        ("0", 0),
        ("0B", 0),
    ],
)
def test_sizes_are_read_as_df_writes_them(text: str, wanted: int) -> None:
    assert kibibytes(text) == wanted


@pytest.mark.parametrize(
    "text",
    [None, "", "-", "-1G", "G", "1e5", "1.G", "50X", "5\N{KELVIN SIGN}", "\N{ARABIC-INDIC DIGIT THREE}G", "9" * 32],
)
def test_what_is_no_size_is_none(text: str | None) -> None:
    assert kibibytes(text) is None


@given(st.text(max_size=32) | st.from_regex(r"[0-9.,]{1,30}[KMGTPEkK]?i?B?", fullmatch=True))
def test_no_text_breaks_the_reading_and_none_gives_more_than_sqlite_holds(text: str) -> None:
    found = kibibytes(text)
    assert found is None or 0 <= found < 2**62
