"""What tui/widgets/course.py promises: an hour in few bins, gaps where a server was silent."""

import pytest

from store.models import Report, Sample
from tui.widgets.course import BIN_MS, SPAN_MS, Course, Series, counter_rate, latest

MINUTE = 60_000
NOW = 1_772_370_300_000


def sample(at: int, cpu: float = 50.0, rx: int | None = None) -> Sample:
    return Sample(at, Report(cpu_usage=cpu, memory_usage=40.0, memory_total_mb=1024, network_rx_bytes=rx))


def minutely(count: int) -> list[Sample]:
    return [sample(NOW - MINUTE * (count - 1 - age), cpu=float(age)) for age in range(count)]


def test_a_minutely_server_has_one_value_per_cell_of_a_minute() -> None:
    course = Course()
    course.add(minutely(60))
    assert course.cells(Series.CPU, NOW, 60) == [float(age) for age in range(60)]


def test_a_narrow_course_holds_averages_of_the_whole_hour() -> None:
    course = Course()
    course.add(minutely(61))
    cells = course.cells(Series.CPU, NOW, 12)
    assert len(cells) == 12
    assert cells[-2] == pytest.approx(sum(range(55, 60)) / 5)
    assert cells[-1] == 60.0


def test_a_silence_is_a_gap_once_it_is_longer_than_the_interval_explains() -> None:
    course = Course()
    course.add([sample(NOW - 10 * MINUTE), sample(NOW)])
    assert course.cells(Series.CPU, NOW, 60)[-11:] == [*[50.0] * 3, *[None] * 7, 50.0]
    assert course.cells(Series.CPU, NOW, 60, interval_s=600)[-11:] == [50.0] * 11


def test_an_absent_reading_is_a_gap_and_an_empty_course_too() -> None:
    course = Course()
    assert course.last_at is None
    assert course.cells(Series.CPU, NOW, 3) == [None] * 3
    course.add([sample(NOW)])
    assert course.cells(Series.SWAP, NOW, 3) == [None] * 3
    assert course.cells(Series.CPU, NOW, 0) == []


def test_network_rates_come_from_counters_and_a_reset_is_no_rate() -> None:
    course = Course()
    course.add([sample(NOW - 2 * MINUTE, rx=1000), sample(NOW - MINUTE, rx=61_000)])
    course.add([sample(NOW, rx=5)])
    assert course.last_at == NOW
    assert course.cells(Series.RX, NOW, 60)[-3:] == [None, 1000.0, 1000.0]
    assert course.cells(Series.TX, NOW, 60)[-3:] == [None, None, None]


@pytest.mark.parametrize(
    ("before", "after", "elapsed", "per_second"),
    [(0, 500, 1000, 500.0), (0, 500, 250, 2000.0), (9, 8, 1000, None), (None, 8, 1000, None), (8, 9, 0, None)],
)
def test_a_rate_needs_two_rising_readings(
    before: int | None, after: int, elapsed: int, per_second: float | None
) -> None:
    assert counter_rate(before, after, elapsed) == per_second


def test_a_chatty_server_costs_no_more_than_an_hour_of_bins() -> None:
    course = Course()
    course.add(sample(NOW - 2 * SPAN_MS + age * 500) for age in range(4 * SPAN_MS // 1000))
    assert len(course._bins) <= SPAN_MS // BIN_MS + 1
    assert course.cells(Series.CPU, NOW, 240) == [50.0] * 240


def test_the_newest_values_stand_in_the_order_of_the_series() -> None:
    assert latest(None, None, None) == (None,) * len(Series)
    values = latest(sample(NOW).report, 1.0, 2.0)
    assert values[Series.CPU] == 50.0
    assert (values[Series.RX], values[Series.TX], values[Series.LOAD_15]) == (1.0, 2.0, None)
