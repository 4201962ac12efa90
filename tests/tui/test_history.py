"""What tui/screens/history.py promises: every range and chart by its key, values under a cursor, and calm."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Static

from store.errors import StoreUnavailableError
from store.models import Monitor, MountUsage
from store.series import MountSpread, Series
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS
from tests.tui.histories import a_picture, a_point, a_series, spread
from tests.tui.house import House, SnapCompare, shown, steps, toasts, until
from tests.tui.house import utc as utc
from tests.tui.standins import NOW, REPORT, MemoryStore, monitor
from tui import draw
from tui.chart_metrics import RANGES, Kind, Range
from tui.screens.fleet import FleetScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen, moved, period
from tui.screens.server import ServerScreen
from tui.widgets.chart import Chart
from tui.widgets.chart_head import choices

pytestmark = pytest.mark.usefixtures("utc")

OLD = replace(monitor(), created_at=NOW - 500 * DAY_MS)


class History(MemoryStore):
    """A store whose history answers every period, with a hole that the test chooses; it remembers what was asked.

    `fixed` is its answer to every period instead.
    """

    def __init__(self, *monitors: Monitor, skip: Callable[[int], bool] = lambda _: False) -> None:
        """Leave out the points of the times to skip."""
        super().__init__(*monitors)
        self.skip = skip
        self.fixed: Series | None = None
        self.asked_series: list[tuple[int, int, int]] = []

    async def series(self, monitor: Monitor, since: int, until: int, points: int) -> Series:
        """Return points as a store of three tiers would."""
        self.asked_series.append((since, until, points))
        if self.error is not None:
            raise self.error
        if self.fixed is not None:
            return self.fixed
        ideal = (until - since) // points
        for step, width in (("raw", MINUTE_MS), ("5m", 5 * MINUTE_MS), ("1h", HOUR_MS)):
            if ideal < 5 * width or step == "1h":
                return a_series(since, min(until, NOW), max(width, ideal), step=step, skip=self.skip)
        raise AssertionError


def a_house(one: Monitor = OLD, skip: Callable[[int], bool] = lambda _: False) -> tuple[House, History]:
    """Return a house whose store has a history."""
    house = House(one)
    store = History(one, skip=skip)
    house.store = store
    house.app.feed._open_reader = lambda: _open(store)
    return house, store


async def _open(store: History) -> History:
    return store


async def test_h_on_the_server_screen_shows_its_last_day_and_escape_leads_back() -> None:
    house, store = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("h")
        await until(pilot, lambda: "usage" in shown(house.app) and "100%┤" in shown(house.app))
        since, end, points = store.asked_series[-1]
        assert abs(end - since - DAY_MS) < DAY_MS // 60
        assert points == 2 * (80 - 2 - 7)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, ServerScreen))


@pytest.mark.parametrize("span", RANGES, ids=lambda span: span.label)
async def test_each_range_has_its_key_and_is_read_to_the_present(span: Range) -> None:
    house, store = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press(span.key)
        await until(pilot, lambda: store.asked_series[-1:] != [] and _is_of(store.asked_series[-1], span))
        await until(pilot, lambda: "100%┤" in shown(house.app))
        assert "┬" in shown(house.app)


def _is_of(asked: tuple[int, int, int], span: Range) -> bool:
    since, end, points = asked
    return abs(end - since - span.span_ms) < points and NOW <= end < NOW + span.span_ms // 60


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("c", ["usage", "iowait"]),
        ("m", ["memory", "swap"]),
        ("n", ["in ", "out ", "/s┤"]),
        ("l", ["1m", "5m", "15m"]),
        ("d", ["/var/lib/postgresql", "mount 1 of 4"]),
    ],
)
async def test_each_chart_has_its_letter(key: str, said: list[str]) -> None:
    house, _ = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("tab", key)
        await until(pilot, lambda: all(text in shown(house.app) for text in said))
        assert len([chart for chart in house.app.screen.query(Chart) if chart.display]) == 1


async def test_tab_goes_through_the_charts_and_round() -> None:
    house, _ = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        for title in ("Memory", "Network", "Load", "Disk", "CPU"):
            await pilot.press("tab")
            await until(pilot, lambda title=title: f"\n {title} " in shown(house.app))  # type: ignore[misc]
        await pilot.press("shift+tab")
        await until(pilot, lambda: "\n Disk " in shown(house.app))


async def test_j_and_k_go_through_the_mounts_the_fullest_first_and_the_gone_last() -> None:
    house, _ = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("d")
        for said in ("━ /var/lib/postgresql 83.0%", "━ / 45.0%", "no values of /boot", "━ /srv/old 70.0%"):
            await until(pilot, lambda said=said: said in shown(house.app))  # type: ignore[misc]
            await pilot.press("j")
        await pilot.press("k")
        await until(pilot, lambda: "mount 4 of 4" in shown(house.app))


async def test_a_mount_that_fills_says_when_it_is_full() -> None:
    house, _ = a_house(replace(OLD, full_at={"/var/lib/postgresql": NOW + 3 * DAY_MS}))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("d")
        await until(pilot, lambda: "full in 3d" in shown(house.app))


async def test_512_mounts_can_be_gone_through() -> None:
    mounts = tuple(MountUsage(f"/mnt/{n:03}", n / 6) for n in range(512))
    house, store = a_house(replace(OLD, report=replace(REPORT, disk_usage=mounts)))
    spreads = tuple(MountSpread(each.mount, spread(each.usage), None, None) for each in mounts)
    points = tuple(replace(a_point(NOW - n * HOUR_MS), mounts=spreads) for n in range(23, -1, -1))
    store.fixed = Series("1h", HOUR_MS, 2 * HOUR_MS, points)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("d", "k")
        await until(pilot, lambda: "mount 512 of 512" in shown(house.app) and "━ /mnt/003 " in shown(house.app))


async def test_the_cursor_reads_out_time_and_values_and_goes_away_at_the_end() -> None:
    house, _ = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("1")
        await until(pilot, lambda: "newest  Sun 2026-03-01 13:0" in shown(house.app))
        await pilot.press("home")
        await until(pilot, lambda: "\n Sun 2026-03-01 12:05" in shown(house.app) and "▲" in shown(house.app))
        await pilot.press("pagedown", "right", "shift+left", "left", "right")
        await until(pilot, lambda: "\n Sun 2026-03-01 12:06" in shown(house.app))
        await pilot.press("end")
        await until(pilot, lambda: "newest" in shown(house.app) and "▲" not in shown(house.app))


async def test_under_the_cursor_silence_and_an_absent_receiver_are_told_apart() -> None:
    silent, off = (NOW - 20 * HOUR_MS, NOW - 16 * HOUR_MS), (NOW - 10 * HOUR_MS, NOW - 4 * HOUR_MS)
    house, store = a_house(skip=lambda at: any(start <= at < end for start, end in (silent, off)))
    store.runs = [(0, off[0]), (off[1], NOW)]
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await until(pilot, lambda: "▒▒ receiver was off  ╌╌ no reports" in shown(house.app))
        await pilot.press("home", "pagedown", "pagedown")
        await until(pilot, lambda: "  no reports  " in shown(house.app) and f"usage {draw.NONE}" in shown(house.app))
        await pilot.press("end", "pageup", "pageup")
        await until(pilot, lambda: re.search(r"\d\d:\d\d  receiver was off  ", shown(house.app)) is not None)


async def test_large_terminals_show_all_charts_and_a_letter_enlarges_one() -> None:
    house, _ = a_house()
    async with house.app.run_test(size=(160, 50)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        titles = ("CPU  ", "Memory  ", "Network  ", "Load  ", "Disk  ")
        await until(pilot, lambda: all(title in shown(house.app) for title in titles))
        assert sum(chart.size.height > 5 for chart in house.app.screen.query(Chart)) == 5
        await pilot.press("n")
        await until(pilot, lambda: "━ in" in shown(house.app) and "━ usage" not in shown(house.app))
        await pilot.press("a")
        await until(pilot, lambda: "━ in" in shown(house.app) and "━ usage" in shown(house.app))


async def test_a_small_terminal_says_that_all_charts_need_a_larger_one() -> None:
    house, _ = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("a")
        await until(pilot, lambda: any("140 columns" in toast for toast in toasts(house.app)))


async def test_the_live_end_is_read_again_only_when_it_is_time() -> None:
    house, store = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("1")
        await until(pilot, lambda: bool(store.asked_series) and _is_of(store.asked_series[-1], RANGES[0]))
        asked = len(store.asked_series)
        house.seconds += RANGES[0].every_s - 1
        await house.app.refresh_fleet()
        await pilot.pause()
        assert len(store.asked_series) == asked
        house.seconds += 1
        await house.app.refresh_fleet()
        await until(pilot, lambda: len(store.asked_series) == asked + 1)


async def test_a_covered_history_reads_and_draws_nothing() -> None:
    house, store = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        history = HistoryScreen(1)
        await house.show(pilot, history)
        await until(pilot, lambda: "100%┤" in shown(house.app))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(house.app.screen, HelpScreen))
        asked, drawn = len(store.asked_series), history.query_one("#moment", Static).content
        house.seconds += 3600
        await house.app.refresh_fleet()
        await pilot.pause()
        assert len(store.asked_series) == asked
        assert history.query_one("#moment", Static).content is drawn


async def test_trouble_with_the_store_is_said_and_the_picture_stays_until_it_is_over() -> None:
    house, store = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await until(pilot, lambda: "100%┤" in shown(house.app))
        store.error = StoreUnavailableError("the database cannot be read: [/] disk I/O error")
        await pilot.press("2")
        await until(pilot, lambda: "cannot be read: [/] disk I/O error" in shown(house.app))
        assert "100%┤" in shown(house.app)
        store.error = None
        await pilot.press("2")
        await until(pilot, lambda: "cannot be read" not in shown(house.app))


async def test_a_history_that_could_not_be_read_at_all_is_not_said_to_be_on_its_way() -> None:
    house, store = a_house()
    store.error = StoreUnavailableError("the database cannot be read")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await until(pilot, lambda: "cannot be read" in shown(house.app) and "reading…" not in shown(house.app))


async def test_a_past_moment_can_be_the_right_end_and_is_said_to_be_past() -> None:
    house, store = a_house()
    then = NOW - 10 * DAY_MS
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1, until_ms=then))
        await until(pilot, lambda: "the past, until 2026-02-19 13:05" in shown(house.app))
        await until(pilot, lambda: bool(store.asked_series))
        assert store.asked_series[-1][1] == then
        asked = len(store.asked_series)
        house.seconds += 86_400
        await house.app.refresh_fleet()
        await pilot.pause()
        assert len(store.asked_series) == asked


async def test_a_monitor_deleted_meanwhile_is_said_and_left() -> None:
    house, store = a_house(replace(OLD, name="[/]"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, HistoryScreen(1))
        store.drop(1)
        await house.app.refresh_fleet()
        await until(pilot, lambda: "[/] was deleted" in toasts(house.app))
        assert isinstance(house.app.screen, FleetScreen)


@pytest.mark.parametrize("size", [(80, 24), (40, 15), (160, 50)])
async def test_hostile_names_are_drawn_literally_in_their_place(size: tuple[int, int]) -> None:
    mounts = (MountUsage("/[/]\x1b]0;t\x07", 45.0), MountUsage("x" * 1024, 1.0))
    house, _ = a_house(replace(OLD, name="[@click=app.quit]", report=replace(REPORT, disk_usage=mounts)))
    async with house.app.run_test(size=size) as pilot:
        await house.show(pilot, HistoryScreen(1))
        await pilot.press("d")
        await until(pilot, lambda: "/[/]\ufffd" in shown(house.app))
        assert all(char == "\n" or char.isprintable() for char in shown(house.app))
        strips = house.app.screen._compositor.render_strips(house.app.size)
        assert {strip.cell_length for strip in strips} == {size[0]}


@given(st.sampled_from(RANGES), st.integers(NOW, NOW + DAY_MS), st.integers(10, 250))
def test_a_live_period_moves_by_whole_columns_and_holds_the_present(span: Range, now: int, columns: int) -> None:
    since, end = period(span, now, columns, live=True)
    width = (end - since) // columns
    assert end % width == 0
    assert now <= end < now + width
    assert period(span, now, columns, live=False)[1] == now


@given(
    st.lists(st.sampled_from(["earlier", "later", "much_earlier", "much_later", "first", "last"])), st.integers(1, 99)
)
def test_the_cursor_stays_within_the_picture(moves: list[str], columns: int) -> None:
    picture = a_picture(a_series(NOW - HOUR_MS, NOW, MINUTE_MS), HOUR_MS)
    place: int | None = None
    for where in moves:
        place = moved(place, where, picture, columns)
        assert place is None or picture.since <= place < picture.until


def _outages(at: int) -> bool:
    return NOW - 15 * HOUR_MS <= at < NOW - 11 * HOUR_MS or NOW - 6 * HOUR_MS <= at < NOW - 4 * HOUR_MS


LOOKS: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "raw": ((80, 24), ("1", "l")),
    "rolled": ((80, 24), ("3", "end", "pageup", "left")),
    "wide": ((160, 50), ("3",)),
}


@pytest.mark.parametrize("case", LOOKS)
def test_a_history_looks_as_it_did(snap_compare: SnapCompare, case: str) -> None:
    size, keys = LOOKS[case]
    house, store = a_house(replace(OLD, full_at={"/var/lib/postgresql": NOW + 3 * DAY_MS}), _outages)
    store.runs = [(0, NOW - 6 * HOUR_MS), (NOW - 4 * HOUR_MS, NOW)]
    assert snap_compare(house.app, terminal_size=size, run_before=steps(house, HistoryScreen(1), "100%┤", *keys))


def test_a_narrow_terminal_is_told_the_chosen_range_at_least() -> None:
    wide, narrow = (choices(Kind.CPU, RANGES[2], width, can_show_all=False) for width in (78, 58))
    assert "1 1h" in wide.plain and "6 400d" in wide.plain
    assert narrow.plain.endswith(" 1-6 24h")
