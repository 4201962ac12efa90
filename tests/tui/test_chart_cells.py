"""What a chart draws: lines and bands in their places, gaps that nothing bridges, and marks that say why."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from store.series import Point, Series, Spread
from store.tiers import HOUR_MS, MINUTE_MS
from tests.tui.histories import a_picture, a_point, a_series, spread
from tests.tui.standins import NOW
from tui import look
from tui.chart import DOTS_HIGH, Scale
from tui.chart_cells import layer, marks, plot_row, presence_row, presences, stretches
from tui.chart_metrics import METRICS, Kind, Picture, Presence, disk_metric, merged, mounts_of

COLUMNS, ROWS = 60, 10
SCALE = Scale(100, 20, str)
CPU = METRICS[0].traces[0]
SINCE = NOW - HOUR_MS

usages = st.floats(0, 100)
spreads = st.tuples(usages, usages, usages).map(sorted).map(lambda three: Spread(three[1], three[0], three[2]))
holes = st.sets(st.integers(0, 59))


def of_spreads(values: list[Spread], missing: set[int]) -> Picture:
    """Return an hour with a value each minute, without those of some minutes."""
    points = (replace_cpu(a_point(SINCE + n * MINUTE_MS), value) for n, value in enumerate(values) if n not in missing)
    return a_picture(Series("5m", MINUTE_MS, round(1.5 * MINUTE_MS), tuple(points)), HOUR_MS)


def replace_cpu(point: Point, value: Spread) -> Point:
    """Return a point with another CPU usage."""
    return replace(point, numbers={**point.numbers, "cpu_usage": value})


@given(st.lists(spreads, min_size=60, max_size=60), holes)
def test_lines_stay_in_the_plot_and_off_the_columns_without_data(values: list[Spread], missing: set[int]) -> None:
    picture = of_spreads(values, missing)
    drawn = layer(picture, CPU, SCALE, COLUMNS, ROWS)
    assert {column for _, column in drawn.dots} == set(range(COLUMNS)) - missing
    assert set(drawn.band) <= set(range(COLUMNS)) - missing
    assert all(0 <= row < ROWS and 0 < bits < 256 for (row, _), bits in drawn.dots.items())


@given(st.lists(spreads, min_size=60, max_size=60))
def test_every_average_lies_on_its_line_and_within_its_band(values: list[Spread]) -> None:
    drawn = layer(of_spreads(values, set()), CPU, SCALE, COLUMNS, ROWS)
    for column, value in enumerate(values):
        assert (ROWS - 1 - SCALE.dot(value.avg, ROWS) // DOTS_HIGH, column) in drawn.dots
        if drawn.band:
            low, high = drawn.band[column]
            assert low - 1e-6 <= value.min / 100 * ROWS * 8
            assert high + 1e-6 >= value.max / 100 * ROWS * 8


@given(st.lists(spreads, min_size=60, max_size=60), holes, st.integers(1, 80), st.integers(1, 40))
def test_a_line_of_the_plot_is_as_wide_as_the_plot(
    values: list[Spread], missing: set[int], columns: int, rows: int
) -> None:
    layers = [layer(of_spreads(values, missing), trace, SCALE, columns, rows) for trace in METRICS[0].traces]
    for row in range(rows):
        cells = plot_row(layers, row, columns, rows, grid=row == 0)
        assert len(cells) == columns
        assert all(len(text) == 1 for text, _ in cells)


def test_a_rising_value_draws_a_rising_line() -> None:
    points = [a_point(SINCE + n * MINUTE_MS, n * 100 / 59) for n in range(60)]
    picture = a_picture(Series("raw", MINUTE_MS, 150_000, tuple(points)), HOUR_MS)
    drawn = layer(picture, CPU, SCALE, COLUMNS, ROWS)
    tops = [min(row for row, at in drawn.dots if at == column) for column in range(COLUMNS)]
    assert tops == sorted(tops, reverse=True)
    assert (tops[0], tops[-1]) == (ROWS - 1, 0)


def test_a_lonely_value_is_seen() -> None:
    picture = a_picture(Series("raw", MINUTE_MS, 150_000, (a_point(NOW - 30 * MINUTE_MS),)), HOUR_MS)
    assert len(layer(picture, CPU, SCALE, COLUMNS, ROWS).dots) == 1


def test_values_without_a_spread_have_no_band_and_those_with_one_do() -> None:
    raw = a_picture(a_series(SINCE, NOW, MINUTE_MS), HOUR_MS)
    rolled = a_picture(a_series(SINCE, NOW, MINUTE_MS, step="5m"), HOUR_MS)
    assert not layer(raw, CPU, SCALE, COLUMNS, ROWS).band
    assert len(layer(rolled, CPU, SCALE, COLUMNS, ROWS).band) == COLUMNS


def test_a_band_fills_its_cells_and_a_line_stands_on_it() -> None:
    points = [replace_cpu(a_point(SINCE + n * MINUTE_MS), Spread(50, 0, 100)) for n in range(60)]
    picture = a_picture(Series("5m", MINUTE_MS, 90_000, tuple(points)), HOUR_MS)
    cells = [
        plot_row([layer(picture, CPU, SCALE, COLUMNS, ROWS)], row, COLUMNS, ROWS, grid=False)[30] for row in range(ROWS)
    ]
    assert [text for text, _ in cells].count(" ") == ROWS - 1
    assert all(" on #" in f" {style}" for _, style in cells)
    assert sum(style.startswith(look.current.lines[0]) for _, style in cells) == 1


@given(st.lists(st.integers(0, 10_000), unique=True).map(sorted), st.integers(1, 500))
def test_values_further_apart_than_the_gap_are_not_joined(times: list[int], gap: int) -> None:
    found = [(at, spread(1)) for at in times]
    runs = list(stretches(found, gap))
    assert [mark for run in runs for mark in run] == found
    assert all(later[0] - earlier[0] <= gap for run in runs for earlier, later in pairwise(run))
    assert all(second[0][0] - first[-1][0] > gap for first, second in pairwise(runs))


def test_a_silent_server_and_a_receiver_that_was_off_are_told_apart() -> None:
    silent, off = (NOW - 50 * MINUTE_MS, NOW - 40 * MINUTE_MS), (NOW - 25 * MINUTE_MS, NOW - 10 * MINUTE_MS)
    series = a_series(SINCE, NOW, MINUTE_MS, skip=lambda at: any(a <= at < b for a, b in (silent, off)))
    picture = a_picture(series, HOUR_MS, ((0, off[0]), (off[1], NOW)))
    found = presences(picture, COLUMNS)
    assert [found.index(Presence.SILENT), found.count(Presence.SILENT)] == [10, 10]
    assert [found.index(Presence.OFF), found.count(Presence.OFF)] == [35, 15]
    assert found.count(Presence.DATA) == COLUMNS - 25
    assert presence_row(found) == " " * 10 + "╌" * 10 + " " * 15 + "▒" * 15 + " " * 10


def test_a_long_gap_says_in_words_why() -> None:
    picture = a_picture(Series("raw", MINUTE_MS, 150_000, ()), HOUR_MS)
    row = presence_row(presences(picture, COLUMNS))
    assert row.strip("╌") == " no reports "
    assert len(row) == COLUMNS


def test_a_gap_narrower_than_a_column_is_marked_all_the_same() -> None:
    series = a_series(SINCE, NOW, MINUTE_MS, skip=lambda at: NOW - 31 * MINUTE_MS <= at < NOW - 28 * MINUTE_MS)
    assert presences(a_picture(series, HOUR_MS), 6).count(Presence.SILENT) == 1


def test_what_was_before_the_server_was_monitored_is_no_silence() -> None:
    series = a_series(NOW - 30 * MINUTE_MS, NOW, MINUTE_MS)
    picture = replace(a_picture(series, HOUR_MS), created_at=NOW - 30 * MINUTE_MS)
    assert set(presences(picture, COLUMNS)) == {Presence.BEFORE, Presence.DATA}


def test_the_time_until_the_next_report_is_no_gap() -> None:
    series = a_series(SINCE, NOW - MINUTE_MS, MINUTE_MS)
    assert a_picture(series, HOUR_MS).gaps() == []


def test_a_cursor_reads_the_points_under_it_and_none_in_a_gap() -> None:
    series = a_series(SINCE, NOW, MINUTE_MS, skip=lambda at: at < NOW - 30 * MINUTE_MS)
    picture = a_picture(series, HOUR_MS)
    assert [point.at for point in picture.under(NOW - 10 * MINUTE_MS, 30)] == [NOW - n * MINUTE_MS for n in (10, 9)]
    assert not picture.under(NOW - 50 * MINUTE_MS, 30)
    assert [point.at for point in picture.under(None, 30)] == [NOW - MINUTE_MS]


@given(st.integers(0, 3599), st.integers(1, 400))
def test_between_two_reports_that_belong_together_a_cursor_reads_the_nearer(second: int, columns: int) -> None:
    series = a_series(SINCE, NOW, MINUTE_MS, skip=lambda at: at // MINUTE_MS % 2 == 1)
    picture = a_picture(series, HOUR_MS)
    place = SINCE + second * 1000
    found = picture.under(place, columns)
    assert found
    assert all(abs(point.at - place) <= 2 * MINUTE_MS + HOUR_MS // columns for point in found)


def test_values_of_several_points_are_weighted_by_their_reports() -> None:
    first, second = replace_cpu(a_point(0), Spread(10, 5, 20)), replace_cpu(a_point(1), Spread(40, 30, 90))
    assert merged([replace(first, count=2), second], CPU) == Spread(20, 5, 90)
    assert merged([], CPU) is None


def test_mounts_to_choose_from_are_the_fullest_first_and_then_those_that_are_gone() -> None:
    points = [a_point(0)]
    now_mounted = [("/", 40.2), ("/data", 90.0), ("/b", 40.4)]
    assert mounts_of(points, now_mounted) == ["/data", "/", "/b", "/srv/old", "/var/lib/postgresql"]
    assert mounts_of([], []) == []


def test_a_mount_of_hostile_name_is_drawn_safely_and_absent_ones_have_no_values() -> None:
    metric = disk_metric("/\x1b[2J[/]")
    assert metric.kind is Kind.DISK
    assert "\x1b" not in metric.traces[0].label
    assert marks(a_picture(a_series(SINCE, NOW, MINUTE_MS), HOUR_MS), metric.traces[0]) == []
    assert disk_metric(None).traces == ()


@given(st.integers(1, 300), st.integers(0, 40), st.integers(1, 40))
def test_the_row_of_gaps_is_as_wide_as_the_plot(data: int, silent: int, off: int) -> None:
    found = [Presence.DATA] * data + [Presence.SILENT] * silent + [Presence.OFF] * off
    assert len(presence_row(found)) == len(found)
