"""What tui/draw.py promises: exact widths, no exceptions, values that read well."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from store.models import Status
from store.policy import NO_LIMITS, Limits
from tui import draw, look

numbers = st.one_of(st.none(), st.floats(allow_nan=False, min_value=-1e30, max_value=1e30))
usages = st.one_of(st.none(), st.floats(min_value=0, max_value=100))
widths = st.integers(min_value=0, max_value=120)


@given(numbers, widths)
def test_a_bar_is_as_wide_as_asked(usage: float | None, width: int) -> None:
    assert cell_len(draw.bar(usage, width)) == width


@pytest.mark.parametrize(
    ("usage", "shown"),
    [
        (None, "    "),
        (0, "    "),
        (0.01, "▏   "),
        (50, "██  "),
        (53.2, "██▏ "),
        (99.9, "███▉"),
        (100, "████"),
    ],
)
def test_a_bar_fills_by_eighths_and_only_100_percent_fills_it(usage: float | None, shown: str) -> None:
    assert draw.bar(usage, 4) == shown


@pytest.mark.parametrize(
    ("usage", "limits", "shown"),
    [
        (20, Limits(80, 90, 0), "██      ╎│"),
        (None, Limits(80, 90, 0), "        ╎│"),
        (84, Limits(80, 90, 0), "████████▍│"),
        (95, Limits(80, 90, 0), "█████████▌"),
        (20, Limits(None, 50, 0), "██   │    "),
        (20, Limits(85, 88, 0), "██      ╎ "),
        (20, Limits(100, 250, 0), "██        "),
    ],
)
def test_a_bar_has_marks_where_the_limits_ahead_are(usage: float | None, limits: Limits, shown: str) -> None:
    assert draw.bar(usage, 10, limits) == shown


def test_a_bar_without_a_ground_has_a_line_up_to_its_end() -> None:
    look.use("mono")
    assert draw.bar(50, 8, Limits(80, None, 0)) == "████┈┈╎┈"


@given(st.lists(numbers, max_size=80), widths, numbers, numbers)
@example(values=[1.0, 0.0], width=2, low=None, high=5e-324)  # an agent may call that its load
def test_a_spark_is_as_wide_as_asked(
    values: list[float | None], width: int, low: float | None, high: float | None
) -> None:
    assert cell_len(draw.spark(values, width, low or 0, high or 0)) == width


def test_a_spark_has_the_newest_value_at_the_right_and_leaves_gaps() -> None:
    assert draw.spark([0, 50, None, 100], 6) == "  ▁▅ █"
    assert draw.spark([0, 0, 0, 100], 2) == "▁█"
    assert draw.spark([-5, 500], 2) == "▁█"
    assert draw.spark([1, 2, 3], 3, low=1, high=3) == "▁▅█"


@given(usages)
def test_a_percentage_has_one_width(value: float | None) -> None:
    assert len(draw.percent(value)) == 4
    assert len(draw.percent(value, 1)) == 6


def test_a_percentage_is_right_aligned() -> None:
    assert draw.percent(None) == "   " + draw.NONE
    assert draw.percent(7.4) == "  7%"
    assert draw.percent(7.4, 1) == "  7.4%"


@given(numbers)
def test_ages_have_at_most_five_characters(value: float | None) -> None:
    assert 1 <= len(draw.ago(value)) <= 5
    assert draw.duration(value)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_rates_have_at_most_four_characters(value: int) -> None:
    assert 1 <= len(draw.rate(value)) <= 4


@given(st.integers(min_value=0, max_value=2**53))
def test_sizes_have_at_most_four_characters(value: int) -> None:
    assert 2 <= len(draw.size_mb(value)) <= 4


@given(st.floats(min_value=0, max_value=1e6))
def test_loads_have_at_most_five_characters(value: float) -> None:
    assert 1 <= len(draw.load(value)) <= 5


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, draw.NONE),
        (0, "0"),
        (0.2, "0"),
        (999, "999"),
        (1000, "1.0K"),
        (340 * 1024, "340K"),
        (1023.9 * 1024, "1.0M"),
        (1.2 * 2**20, "1.2M"),
        (2**63 - 1, "8.0E"),
    ],
)
def test_a_rate_reads_in_powers_of_1024(value: float | None, shown: str) -> None:
    assert draw.rate(value) == shown


@pytest.mark.parametrize(
    ("mb", "shown"),
    [(None, draw.NONE), (0, "0M"), (512, "512M"), (1024, "1.0G"), (7987, "7.8G"), (65536, "64G")],
)
def test_a_size_in_mb_reads_in_powers_of_1024(mb: float | None, shown: str) -> None:
    assert draw.size_mb(mb) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, draw.NONE),
        (-3, "0s"),
        (9.9, "9s"),
        (14.9, "10s"),
        (59.9, "55s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86400 * 3, "3d"),
        (86400 * 800, "2y"),
    ],
)
def test_an_age_grows_coarser_with_age(seconds: float | None, shown: str) -> None:
    assert draw.ago(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, draw.NONE),
        (0, "0s"),
        (60, "1m"),
        (90, "1m 30s"),
        (11_530, "3h 12m"),
        (3605, "1h"),
        (86400 * 5 + 4 * 3600 + 59, "5d 4h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, shown: str) -> None:
    assert draw.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, draw.NONE), (0.421, "0.42"), (9.999, "10.0"), (12.34, "12.3"), (640, "640"), (1e6, "1.0M")],
)
def test_a_load_keeps_what_matters(value: float | None, shown: str) -> None:
    assert draw.load(value) == shown


def test_levels_follow_their_limits() -> None:
    limits = Limits(80, 90, 0)
    assert [draw.level(value, limits) for value in (None, 79.9, 80, 90)] == ["none", "ok", "warn", "critical"]
    assert draw.level(99, Limits(80, None, 0)) == "warn"
    assert draw.level(99, NO_LIMITS) == "none", "where nothing is asked, nothing is worrying, nor well"


def test_every_status_has_a_glyph_of_its_own_in_one_cell() -> None:
    assert set(draw.STATUS_GLYPH) == set(look.current.status) == set(Status)
    assert len(set(draw.STATUS_GLYPH.values())) == len(Status)
    assert all(cell_len(glyph) == 1 for glyph in draw.STATUS_GLYPH.values())


@given(st.text(), widths)
def test_text_from_outside_fits_exactly(text: str, width: int) -> None:
    assert cell_len(draw.fit(draw.safe(text, 255), width)) == width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("web-1", 7, "web-1  "),
        ("web-1", 5, "web-1"),
        ("web-10", 5, "web-…"),
        ("漢字漢字", 5, "漢字…"),
        ("漢字漢字", 4, "漢 …"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("web", 0, ""),
    ],
)
def test_text_is_cut_by_cells_and_ends_in_an_ellipsis(text: str, width: int, shown: str) -> None:
    assert draw.fit(text, width) == shown


def test_safe_text_steers_no_terminal_and_shifts_no_column() -> None:
    assert draw.safe("a\x1b[2Jb\u202ec", 99) == "a\ufffd[2Jb\ufffdc"
    assert draw.safe("\u2764\ufe0f", 9) == "\u2764"
    assert len(draw.safe("e" + "\u0301" * 10_000, 99)) == 3


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_a_time_is_shown_in_the_zone_of_this_machine() -> None:
    assert draw.local_time(1_772_370_309_999) == "2026-03-01 14:05:09"
