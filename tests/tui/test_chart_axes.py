"""What tui/chart.py promises: scales that hold their values, labels that never touch, and times in their places."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.policy import Level, Limits
from store.tiers import DAY_MS, HOUR_MS
from tests.tui.house import utc as utc
from tests.tui.standins import NOW
from tui import look
from tui.chart import DOTS_HIGH, LABEL_GAP, Scale, cell_of, covered, percent_scale, plain_scale, rate_scale, time_ticks
from tui.chart_metrics import RANGES
from tui.widgets.chart import gutter

ScaleOf = Callable[[float, int], Scale]
spans = st.sampled_from([span.span_ms for span in RANGES])


@pytest.fixture(params=["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let this machine stand in one zone after the other."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@given(
    st.one_of(
        st.floats(0, 1e6).map(lambda peak: (plain_scale, peak)), st.floats(0, 1e15).map(lambda peak: (rate_scale, peak))
    ),
    st.integers(1, 60),
)
def test_a_scale_holds_its_peak_and_labels_lines_of_its_plot(case: tuple[ScaleOf, float], rows: int) -> None:
    scale_of, peak = case
    scale = scale_of(peak, rows)
    assert scale.top >= peak * 0.999999
    labels = scale.ticks(rows)
    assert 0 in labels
    assert rows == 1 or labels[rows - 1] == "0"
    assert all(0 <= row < rows for row in labels)
    assert all(len(label) <= 6 for label in labels.values())


@pytest.mark.parametrize(
    ("peak", "labels"),
    [(0, ["0.1"]), (0.5, ["0.2", "0.4", "0.6"]), (3.0, ["1", "2", "3"]), (64, ["20", "40", "60", "80"])],
)
def test_plain_numbers_have_nice_steps(peak: float, labels: list[str]) -> None:
    assert list(plain_scale(peak, 14).ticks(14).values()) == ["0", *labels]


@pytest.mark.parametrize(
    ("peak", "labels"),
    [
        (0, ["1/s"]),
        (900, ["500/s", "1K/s"]),
        (1_300_000, ["500K/s", "1M/s", "1.5M/s"]),
        (5_000_000_000, ["2G/s", "4G/s", "6G/s"]),
    ],
)
def test_rates_have_nice_steps_in_powers_of_1024(peak: float, labels: list[str]) -> None:
    shown = list(rate_scale(peak, 14).ticks(14).values())
    assert [label.replace("1.0", "1") for label in shown] == ["0", *labels]


@pytest.mark.parametrize("peak", [0.0, 3.0, 100.0])
def test_percentages_always_end_at_100(peak: float) -> None:
    assert percent_scale(peak, 14).top == 100
    assert percent_scale(peak, 14).ticks(14)[0] == "100%"


@given(st.floats(-1e3, 1e3), st.integers(1, 50))
def test_a_value_beyond_the_scale_stays_in_the_plot(value: float, rows: int) -> None:
    assert 0 <= Scale(100, 20, str).dot(value, rows) < rows * DOTS_HIGH


@pytest.mark.usefixtures("zone")
class TestTimes:
    @given(st.integers(NOW - 400 * DAY_MS, NOW + 400 * DAY_MS), spans, st.integers(1, 250))
    def test_labels_never_touch_and_stay_on_the_axis(self, until: int, span: int, columns: int) -> None:
        end = 0
        for tick in time_ticks(until - span, until, columns):
            assert tick.start >= end
            assert tick.start <= tick.column < tick.start + len(tick.label) <= columns
            end = tick.start + len(tick.label) + LABEL_GAP

    @given(st.integers(NOW - 400 * DAY_MS, NOW + 400 * DAY_MS), spans, st.integers(30, 250))
    def test_there_are_labels_to_read(self, until: int, span: int, columns: int) -> None:
        assert time_ticks(until - span, until, columns)

    @given(st.integers(NOW - 400 * DAY_MS, NOW + 400 * DAY_MS), st.integers(30, 250))
    def test_a_time_of_day_stands_at_its_local_time(self, until: int, columns: int) -> None:
        since = until - DAY_MS
        for tick in time_ticks(since, until, columns):
            if ":" in tick.label:
                left, right = (since + DAY_MS * edge / columns for edge in (tick.column, tick.column + 1))
                minutes = range(int(left / 60_000), int(right / 60_000) + 1)
                assert tick.label in {f"{datetime.fromtimestamp(minute * 60):%H:%M}" for minute in minutes}


@pytest.mark.usefixtures("utc")
def test_months_and_years_mark_a_long_time() -> None:
    labels = [tick.label for tick in time_ticks(NOW - 400 * DAY_MS, NOW, 72)]
    assert labels == ["Mar", "May", "Jul", "Sep", "Nov", "2026"]
    labels = [tick.label for tick in time_ticks(NOW - 24 * HOUR_MS, NOW, 72)]
    assert "01 Mar" in labels


def test_a_time_beyond_the_axis_is_its_first_or_last_cell() -> None:
    assert [cell_of(at, 100, 200, 10) for at in (0, 100, 149, 150, 199, 200, 900)] == [0, 0, 4, 5, 9, 9, 9]


def test_a_time_is_covered_by_the_period_it_lies_in() -> None:
    runs = [(10, 20), (30, 40)]
    assert [covered(at, runs) for at in (5, 10, 15, 20, 25, 35, 45)] == [False, True, True, True, False, True, False]


def test_limits_have_marks_at_their_heights_and_those_beyond_the_scale_none() -> None:
    scale = percent_scale(0, 10)
    assert scale.limits(Limits(80.0, 90.0, 0.0), 10) == {2: ("warn", Level.WARNING), 1: ("crit", Level.CRITICAL)}
    assert scale.limits(Limits(None, 120.0, 0.0), 10) == {}
    assert scale.limits(Limits(90.0, 90.0, 0.0), 10) == {1: ("crit", Level.CRITICAL)}
    low = percent_scale(0, 4)
    assert low.limits(Limits(None, 90.0, 0.0), 4) == {}, "it would stand at 100 %"
    assert low.limits(Limits(100.0, None, 0.0), 4) == {0: ("warn", Level.WARNING)}


def test_a_limit_is_named_at_the_axis_unless_a_number_stands_there() -> None:
    crit = ("crit", Level.CRITICAL)
    assert "".join(text for text, _ in gutter(None, crit)) == "  crit▸"
    assert "".join(text for text, _ in gutter("90%", crit)) == "   90%▸"
    assert gutter("90%", crit)[1][1] == look.current.level["critical"]
