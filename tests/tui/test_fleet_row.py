"""The fleet table's lines: which columns fit, and what stands in them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from store.models import Monitor, MountUsage, Status
from store.policy import Settings, make_policy
from tests.tui.fleets import a_monitor, a_report, pending, small_fleet
from tests.tui.standins import NOW
from tui import draw, look
from tui.widgets.fleet_columns import DEFAULT, column_at, layout
from tui.widgets.fleet_order import SORT_KEYS, Order
from tui.widgets.fleet_row import Clocks, Piece, age_text, clocks_of, heading, row

ESSENTIAL = {"status", "age", "name", "cpu", "course", "memory", "disk", "mount", "bar", "rx", "tx"}


def text(pieces: list[Piece]) -> str:
    return "".join(part for part, _ in pieces)


def line(monitor: Monitor, width: int = 79, cursor: bool = False) -> str:
    return text(row(monitor, layout(width), clocks_of(monitor, NOW), cursor))


@given(st.integers(min_value=36, max_value=400))
def test_the_columns_fit_their_line_and_do_not_overlap(width: int) -> None:
    end = 0
    for column in layout(width):
        assert column.x == end + column.gap
        end = column.x + column.width
    assert end <= width


def test_80_columns_hold_what_is_essential_and_160_everything() -> None:
    assert {column.key for column in layout(79)} == ESSENTIAL
    assert [column.key for column in layout(159)] == DEFAULT.shown


@given(st.integers(min_value=30, max_value=300))
def test_a_wider_line_shows_no_less(width: int) -> None:
    narrow = {column.key for column in layout(width)}
    wide = {column.key for column in layout(width + 1)}
    assert narrow <= wide


def test_a_wide_line_has_longer_courses_and_names() -> None:
    at_80 = {column.key: column.width for column in layout(79)}
    at_160 = {column.key: column.width for column in layout(159)}
    assert at_80["name"] >= 16
    assert at_160["course"] >= 3 * at_80["course"]
    assert at_160["name"] >= 24


@given(st.integers(min_value=40, max_value=200), st.sampled_from(small_fleet()), st.booleans())
def test_every_line_has_the_width_of_the_columns(width: int, monitor: Monitor, cursor: bool) -> None:
    last = layout(width)[-1]
    assert cell_len(line(monitor, width, cursor)) == last.x + last.width
    assert cell_len(text(heading(layout(width), Order()))) == last.x + last.width


@given(st.text(max_size=80), st.text(max_size=80))
def test_text_from_outside_moves_no_column_and_carries_no_control(name: str, mount: str) -> None:
    report = a_report(disk_usage=(MountUsage(mount, 50.0),), os=name)
    shown = line(a_monitor(1, name, report=report), 159)
    assert cell_len(shown) == cell_len(line(a_monitor(1, "web"), 159))
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)


def test_markup_and_escapes_are_drawn_as_they_are() -> None:
    assert "[/]" in line(a_monitor(1, "[/]"))
    assert "[@click=app.q" in line(a_monitor(1, "[@click=app.quit]x"))
    assert "\ufffd[31mred" in line(a_monitor(1, "\x1b[31mred"))


def test_a_line_says_how_a_server_is() -> None:
    shown = line(small_fleet()[4])
    assert shown.split() == ["●", "up", "5s", "backup", "4%", "▂▃▂▄▃", "41%", "93%", "███▋", "/sr…", "47K", "1.2M"]


def test_a_status_can_be_told_without_colour() -> None:
    for status in Status:
        assert f"{draw.STATUS_GLYPH[status]} {status.value} " in line(a_monitor(1, "x", status))


def test_a_server_that_never_reported_says_so_and_shows_no_zeros() -> None:
    shown = line(pending(1, "new-box"))
    assert shown.split() == ["○", "pending", draw.NONE, "new-box", "waiting", "for", "its", "first", "report"]


def test_absent_values_are_dashes() -> None:
    bare = a_report(swap_usage=None, load_1m=None, os=None, disk_usage=())
    monitor = a_monitor(1, "x", report=bare, network_rx_rate=None, network_tx_rate=None)
    shown = line(monitor, 159).replace("▁", "").split()
    assert shown.count(draw.NONE) == 7


@pytest.mark.parametrize(("age_s", "shown"), [(0, "0s"), (7, "7s"), (44, "40s"), (125, "2m"), (7300, "2h")])
def test_an_age_is_coarser_the_older_it_is(age_s: float, shown: str) -> None:
    assert age_text(a_monitor(1, "x", age_s=age_s), NOW) == shown
    assert age_text(pending(1, "x"), NOW) == draw.NONE


def test_a_high_usage_is_loud_and_that_of_a_silent_server_is_not() -> None:
    hot = a_monitor(1, "x", report=a_report(97.0))
    assert ("  97%", look.current.level["critical"]) in row(hot, layout(79), Clocks("1s"))
    down = replace(hot, status=Status.DOWN)
    assert ("  97%", look.current.dim) in row(down, layout(79), Clocks("1s"))


DAY_S = 86_400


@pytest.mark.parametrize(
    ("left_s", "shown", "style"),
    [
        (400 * DAY_S, "1y", look.current.dim),
        (12 * DAY_S, "12d", look.current.dim),
        (7 * DAY_S - 1, "6d", look.current.level["warn"]),
        (DAY_S, "1d", look.current.level["warn"]),
        (DAY_S - 1, "23h", look.current.level["critical"]),
        (5 * 3600, "5h", look.current.level["critical"]),
        (1800, "<1h", look.current.level["critical"]),
        (-60, "now", look.current.level["critical"]),
    ],
)
def test_the_mount_that_is_full_first_is_told_and_the_louder_the_sooner(left_s: int, shown: str, style: str) -> None:
    growing = a_monitor(1, "x", full_at={"/": NOW + 900 * DAY_S * 1000, "/var": NOW + left_s * 1000})
    assert (shown.rjust(6), style) in row(growing, layout(119), clocks_of(growing, NOW))
    silent = replace(growing, status=Status.DOWN)
    assert (shown.rjust(6), look.current.dim) in row(silent, layout(119), clocks_of(silent, NOW))


def test_a_server_whose_mounts_do_not_grow_has_no_forecast() -> None:
    assert clocks_of(a_monitor(1, "x"), NOW).full == draw.NONE


@pytest.mark.parametrize("column", SORT_KEYS)
@pytest.mark.parametrize("turned", [False, True])
def test_the_heading_marks_the_sorting_column_without_moving_a_title(column: str, turned: bool) -> None:
    order = Order(column, turned)
    plain = text(heading(layout(159), Order("none")))
    shown = text(heading(layout(159), order))
    mark = "▼" if order.descending else "▲"
    assert shown.count(mark) == 1
    assert shown.replace(mark, " ") == plain


def test_the_sorting_letters_are_underlined() -> None:
    underlined = "".join(part for part, style in heading(layout(159), Order()) if Style.parse(style).underline)
    assert underlined == "SANUMWDFRXLY"


def test_a_click_on_a_graphic_belongs_to_its_number() -> None:
    columns = layout(159)
    for column in columns:
        hit = column_at(columns, column.x)
        assert hit is not None
        assert hit.sort == column.sort
    assert column_at(columns, 0) == columns[0]
    assert column_at(layout(159), 500) is None


def styles(monitor: Monitor) -> dict[str, str]:
    """Return the style of each word of a wide line."""
    pieces = row(monitor, layout(159), clocks_of(monitor, NOW))
    return {word: style for part, style in pieces for word in part.split()}


def test_values_are_coloured_by_the_limits_of_their_own_server() -> None:
    own: Settings = {"cpu.warn": 10.0, "memory.warn": "off", "memory.crit": "off", "load.warn": 2.0}
    strict = a_monitor(1, "x", report=a_report(12.0, memory_usage=99.0, load_1m=2.5), policy=make_policy({}, own))
    found = styles(strict)
    assert found["12%"] == found["2.50"] == look.current.level["warn"]
    assert found["99%"] == styles(a_monitor(1, "x"))["41%"], "what has no limits is like what is well"


def test_an_ignored_mount_is_neither_the_fullest_nor_the_first_to_be_full() -> None:
    disks = (MountUsage("/", 45.0), MountUsage("/media/cd", 100.0))
    policy = make_policy({}, {"disk./media/cd.ignore": 1.0})
    growing = {"/media/cd": NOW + 1000, "/": NOW + 40 * DAY_S * 1000}
    monitor = a_monitor(1, "x", report=a_report(disk_usage=disks), policy=policy, full_at=growing)
    assert {"45%", "40d"} <= styles(monitor).keys()
    assert not {"100%", "now"} & styles(monitor).keys()
    unlimited = make_policy({"disk.warn": "off", "disk.crit": "off"}, {"disk./media/cd.for": 60.0})
    assert "100%" in styles(replace(monitor, policy=unlimited)), "off is not ignored"


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    ("for_s", "said"),
    [(7200, "lab  until 15:05"), (DAY_S, "lab  until Mon 13:05"), (30 * DAY_S, "lab  until 2026-03-31")],
)
def test_a_pause_with_an_end_says_it_where_there_is_room(for_s: int, said: str) -> None:
    paused = a_monitor(1, "lab", Status.PAUSED, paused_until=NOW + for_s * 1000)
    assert said in line(paused, 159)
    named = replace(paused, name="a-server-with-a-long-name-of-its-own")
    assert "until" not in line(named, 79)
    assert "until" not in line(replace(paused, paused_until=None), 159)
    assert "until" not in line(replace(paused, status=Status.UP), 159)
