"""The fleet screen, driven by keys and mouse."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from store.errors import DatabaseRefusedError, ReceiverUnreachableError, StoreUnavailableError
from store.models import Monitor, Status
from tests.tui.conftest import NOW, House, MakeHouse, a_monitor, a_report
from tui.screens.fleet import FleetScreen
from tui.screens.key import KeyScreen
from tui.screens.new_monitor import NewMonitorScreen
from tui.screens.server import ServerScreen
from tui.widgets.fleet_columns import layout
from tui.widgets.fleet_table import FleetHeading, FleetTable
from tui.widgets.footer import ActionFooter

TOP_OF_TABLE = 3


class Fleet:
    """A running console on the fleet screen, and what one can see of it."""

    def __init__(self, house: House, pilot: Pilot[None]) -> None:
        self.house = house
        self.pilot = pilot

    @property
    def screen(self) -> FleetScreen:
        screen = self.house.app.screen_stack[0]
        assert isinstance(screen, FleetScreen)
        return screen

    @property
    def table(self) -> FleetTable:
        return self.screen.table

    @property
    def names(self) -> list[str]:
        return [monitor.name for monitor in self.table.monitors]

    @property
    def selected(self) -> str | None:
        return self.table.current.name if self.table.current else None

    def line(self, y: int) -> str:
        return "".join(segment.text for segment in self.house.app.screen._compositor.render_strips()[y])

    @property
    def text(self) -> str:
        return "\n".join(self.line(y) for y in range(self.house.app.size.height))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def second(self, count: int = 1) -> None:
        """Let seconds pass on the clock, and the console notice."""
        self.house.clock.at += count
        await self.house.app.refresh_fleet()
        await self.pilot.pause()


@asynccontextmanager
async def running(house: House, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Fleet]:
    async with house.app.run_test(size=size) as pilot:
        await pilot.pause()
        fleet = Fleet(house, pilot)
        await house.app.feed.ask_receiver()
        await fleet.second(0)
        yield fleet


def many(count: int = 100) -> list[Monitor]:
    return [a_monitor(i, f"node-{i}", report=a_report(cpu=i % 100)) for i in range(1, count + 1)]


async def test_the_worst_server_stands_on_top(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        assert fleet.names[0] == "mail"
        assert "✗ down      46m  mail" in fleet.line(TOP_OF_TABLE)
        assert fleet.line(1).split("  ")[0].strip() == "✗ 1 down"
        assert "http://192.0.2.1:8420  ● healthy" in fleet.line(0)


@pytest.mark.parametrize("width", [60, 80, 120, 160])
@pytest.mark.parametrize("count", [3, 100])
async def test_titles_stand_over_their_columns_and_the_scrollbar_hides_nothing(
    house: MakeHouse, width: int, count: int
) -> None:
    bare = a_report(os="x" * 40)
    async with running(house([replace(each, report=bare) for each in many(count)]), (width, 24)) as fleet:
        titles, values = fleet.line(TOP_OF_TABLE - 1), fleet.line(TOP_OF_TABLE)
        for column in layout(width - 1):
            edge = column.x + (column.width - 1 if column.align == "right" else 0)
            assert values[edge] != " "
            assert not column.title or titles[edge] != " "


async def test_ages_count_up_without_a_change_in_the_store(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web", age_s=3)])) as fleet:
        assert " 3s  web" in fleet.line(TOP_OF_TABLE)
        await fleet.second()
        assert " 4s  web" in fleet.line(TOP_OF_TABLE)


async def test_only_the_left_of_a_line_is_sent_when_only_its_age_changed(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(house([a_monitor(1, "web", age_s=3), a_monitor(2, "old", age_s=20)])) as fleet:
        regions: list[Region] = []
        monkeypatch.setattr(fleet.table, "refresh", lambda *which: regions.extend(which))
        await fleet.second()
        assert [(region.y, region.width) for region in regions] == [(1, 16)]


async def test_a_new_report_is_drawn_within_a_second(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web")])) as fleet:
        fleet.house.store.put(replace(a_monitor(1, "web", report=a_report(cpu=77.0)), last_report_at=NOW))
        await fleet.second()
        assert " 77%" in fleet.line(TOP_OF_TABLE)
        assert " 1s  web" in fleet.line(TOP_OF_TABLE)


async def test_a_server_that_goes_down_rises_to_the_top(house: MakeHouse) -> None:
    async with running(house(many(5))) as fleet:
        fleet.house.store.put(a_monitor(4, "node-4", Status.DOWN, 400))
        await fleet.second()
        assert fleet.names == ["node-4", "node-1", "node-2", "node-3", "node-5"]
        assert fleet.selected == "node-4", "nobody moved the cursor: it rests on the top line"


async def test_the_cursor_stays_on_its_server_when_lines_change_places(house: MakeHouse) -> None:
    async with running(house(many(5))) as fleet:
        await fleet.press("j", "j")
        assert fleet.selected == "node-3"
        await fleet.press("N", "N")
        assert fleet.names[0] == "node-5"
        assert fleet.selected == "node-3"


async def test_the_cursor_stays_in_view_when_its_server_moves_away(house: MakeHouse) -> None:
    async with running(house(many())) as fleet:
        await fleet.press("j", "N", "N")
        assert fleet.selected == "node-2"
        assert "node-2 " in fleet.text


async def test_lines_do_not_slip_away_under_a_moving_cursor(house: MakeHouse) -> None:
    async with running(house(many(5))) as fleet:
        await fleet.press("j")
        fleet.house.store.put(a_monitor(5, "node-5", Status.DOWN, 400))
        await fleet.second()
        assert fleet.names[-1] == "node-5"
        await fleet.second(3)
        assert fleet.names[0] == "node-5"
        assert fleet.selected == "node-2"


async def test_the_cursor_takes_the_place_of_a_deleted_server(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("G")
        fleet.house.store.drop(3)
        await fleet.second(3)
        assert fleet.selected == "node-2"


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        (["j"], "node-2"),
        (["down", "down", "k"], "node-2"),
        (["j", "up", "up"], "node-1"),
        (["G"], "node-100"),
        (["end", "g"], "node-1"),
        (["G", "home"], "node-1"),
        (["pagedown"], "node-20"),
        (["pagedown", "pagedown", "pageup"], "node-20"),
        (["space"], "node-20"),
    ],
)
async def test_keys_move_the_cursor_and_it_stays_in_view(house: MakeHouse, keys: list[str], selected: str) -> None:
    async with running(house(many())) as fleet:
        await fleet.press(*keys)
        assert fleet.selected == selected
        assert f"  {selected} " in fleet.text


@pytest.mark.parametrize(
    ("keys", "first", "mark"),
    [
        (["C"], "node-99", "▼CPU"),
        (["C", "C"], "node-100", "▲CPU"),
        (["C", "r"], "node-100", "▲CPU"),
        (["N"], "node-1", "NAME▲"),
        ([">"], "node-1", "▼AGE"),
        ([">", ">", ">"], "node-99", "▼CPU"),
        (["C", "<"], "node-1", "NAME▲"),
    ],
)
async def test_keys_sort(house: MakeHouse, keys: list[str], first: str, mark: str) -> None:
    async with running(house(many())) as fleet:
        await fleet.press(*keys)
        assert fleet.names[0] == first
        assert mark in fleet.line(TOP_OF_TABLE - 1)


async def test_a_click_on_a_title_sorts_and_a_second_one_reverses(house: MakeHouse) -> None:
    async with running(house(many())) as fleet:
        x = fleet.line(TOP_OF_TABLE - 1).index("CPU")
        await fleet.pilot.click(FleetHeading, offset=(x, 0))
        await fleet.pilot.pause()
        assert fleet.names[0] == "node-99"
        await fleet.pilot.click(FleetHeading, offset=(x, 0))
        await fleet.pilot.pause()
        assert fleet.names[0] == "node-100"


async def test_a_click_selects_and_a_click_on_the_selected_opens(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.pilot.click(FleetTable, offset=(20, 4))
        await fleet.pilot.pause()
        assert fleet.selected == "backup"
        assert fleet.house.app.screen is fleet.screen
        await fleet.pilot.click(FleetTable, offset=(20, 4))
        await fleet.pilot.pause()
        assert isinstance(fleet.house.app.screen, ServerScreen)


async def test_a_click_below_the_last_line_does_nothing(house: MakeHouse) -> None:
    async with running(house(many(2))) as fleet:
        await fleet.pilot.click(FleetTable, offset=(20, 10))
        await fleet.pilot.pause()
        assert fleet.selected == "node-1"


async def test_the_wheel_scrolls(house: MakeHouse) -> None:
    async with running(house(many())) as fleet:
        fleet.table.scroll_down(animate=False)
        await fleet.pilot.pause()
        assert "node-2 " in fleet.line(TOP_OF_TABLE)


async def test_a_filter_works_while_one_types_stays_when_left_and_goes_with_esc(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", "w", "e", "b")
        assert fleet.names == ["web-1", "web-2", "web-10"]
        assert "Filter / web" in fleet.line(22)
        assert "3 of 10" in fleet.line(22)
        await fleet.press("enter")
        assert fleet.house.app.focused is None
        await fleet.press("j")
        assert fleet.selected == "web-2"
        assert "Filter / web" in fleet.line(22)
        await fleet.press("escape")
        assert len(fleet.names) == 10
        assert fleet.selected == "web-2"
        assert "Filter" not in fleet.line(22)


async def test_a_filter_that_hides_the_selected_server_begins_at_the_top(house: MakeHouse) -> None:
    async with running(house(many())) as fleet:
        await fleet.press("G", "/", "9")
        assert fleet.selected == "node-9"
        assert "node-9 " in fleet.line(TOP_OF_TABLE)


async def test_the_selected_server_stays_in_view_when_the_terminal_shrinks(house: MakeHouse) -> None:
    async with running(house(many())) as fleet:
        await fleet.press("pagedown")
        await fleet.pilot.resize_terminal(60, 12)
        await fleet.pilot.pause()
        assert "  node-20 " in fleet.text


async def test_letters_typed_into_the_filter_are_no_keys(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", "q", "d", "?")
        assert fleet.house.app.is_running
        assert fleet.house.app.screen is fleet.screen
        assert "No server matches “qd?”." in fleet.text
        await fleet.press("escape")
        assert len(fleet.names) == 10


async def test_arrows_move_the_cursor_while_one_types_a_filter(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", "w", "e", "b", "down")
        assert fleet.selected == "web-2"


async def test_an_empty_filter_is_put_away_by_enter(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", "enter")
        assert "Filter /" not in fleet.text.rsplit("\n", 1)[0]


async def test_new_servers_are_filtered_too(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", "w", "e", "b")
        fleet.house.store.put(a_monitor(50, "web-50"))
        fleet.house.store.put(a_monitor(51, "other"))
        await fleet.second()
        assert fleet.names == ["web-1", "web-2", "web-10", "web-50"]


async def test_an_empty_fleet_says_what_to_do_next(house: MakeHouse) -> None:
    async with running(house([])) as fleet:
        assert "Press n to add the first" in fleet.text
        footer = fleet.line(23)
        assert "New" in footer
        assert "Open" not in footer
        await fleet.press("enter", "K", "p", "d", "j", "G")
        assert fleet.house.app.screen is fleet.screen
        fleet.house.store.put(a_monitor(1, "first"))
        await fleet.second()
        assert "first" in fleet.line(TOP_OF_TABLE)
        assert "Open" in fleet.line(23)


async def test_a_read_only_console_says_so_and_changes_nothing(house: MakeHouse) -> None:
    async with running(house(read_only=True)) as fleet:
        assert "read-only" in fleet.line(0)
        assert "New" not in fleet.line(23)
        await fleet.press("n", "p", "d", "K")
        assert fleet.house.app.screen is fleet.screen
        assert fleet.house.admin.asked == []


async def test_a_store_that_cannot_be_read_is_named_and_the_last_picture_stays(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        fleet.house.store.error = StoreUnavailableError("the database cannot be read: disk I/O error")
        await fleet.second()
        assert "✗ the database cannot be read: disk I/O error" in fleet.line(0)
        assert len(fleet.names) == 10
        fleet.house.store.error = None
        await fleet.second()
        assert "healthy" in fleet.line(0)


async def test_a_store_that_never_could_be_read_is_no_empty_fleet(house: MakeHouse) -> None:
    made = house([])
    made.store.error = DatabaseRefusedError("x.db is no agentmon database")
    async with running(made) as fleet:
        assert "x.db is no agentmon database" in fleet.line(TOP_OF_TABLE + 1)
        assert "Press n" not in fleet.text


async def test_a_missing_receiver_is_named_and_noticed_when_it_comes(house: MakeHouse) -> None:
    made = house()
    made.admin.error = ReceiverUnreachableError("no receiver runs on this database")
    async with running(made) as fleet:
        assert "✗ no receiver runs on this database" in fleet.line(0)
        made.admin.error = None
        await made.app.feed.ask_receiver()
        await fleet.second()
        assert "healthy" in fleet.line(0)


async def test_a_receiver_with_a_problem_is_not_healthy(house: MakeHouse) -> None:
    made = house()
    made.admin.info = replace(made.admin.info, problem="the disk is full")
    async with running(made) as fleet:
        assert "✗ the disk is full" in fleet.line(0)
        assert "healthy" not in fleet.line(0)


@pytest.mark.parametrize("name", ["[/]", "[@click=app.quit]x", "\x1b[2J\x1b]0;owned\x07", "漢字かな", "a\u0301" * 60])
async def test_any_name_is_drawn_literally(house: MakeHouse, name: str) -> None:
    report = a_report(hostname=name, os=name)
    async with running(house([a_monitor(1, name, report=report)]), (160, 50)) as fleet:
        await fleet.press("/", *"web", "escape", "p")
        await fleet.pilot.pause()
        assert not {"\x1b", "\x07"} & set(fleet.text)
        visible = name.replace("\x1b", "\ufffd").replace("\x07", "\ufffd")[:16]
        assert visible in fleet.line(TOP_OF_TABLE)


@pytest.mark.parametrize(
    ("key", "screen"),
    [("enter", ServerScreen), ("K", KeyScreen), ("n", NewMonitorScreen)],
    ids=lambda value: str(value),
)
async def test_keys_lead_to_the_other_screens_and_esc_back(house: MakeHouse, key: str, screen: type[object]) -> None:
    async with running(house()) as fleet:
        await fleet.press(key)
        assert isinstance(fleet.house.app.screen, screen)
        await fleet.press("escape")
        assert fleet.house.app.screen is fleet.screen


async def test_the_fleet_goes_on_living_under_another_screen(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("enter")
        fleet.house.store.put(a_monitor(3, "node-3", Status.DOWN, 400))
        await fleet.second(5)
        await fleet.press("escape")
        assert "down" in fleet.line(TOP_OF_TABLE)


async def test_p_pauses_and_resumes_the_selected_server(house: MakeHouse) -> None:
    async with running(house(many(2))) as fleet:
        await fleet.press("p")
        await _until(fleet, lambda: Status.PAUSED in {monitor.status for monitor in fleet.table.monitors})
        await fleet.second(5)
        assert fleet.house.admin.asked == [("pause", "node-1", None)]
        assert fleet.selected == "node-1", "the next p must not mean the server that took its place"
        await fleet.press("p")
        await _until(fleet, lambda: all(monitor.status is Status.UP for monitor in fleet.table.monitors))
        assert fleet.house.admin.asked[-1] == ("resume", "node-1")


async def test_d_deletes_only_once_the_name_is_typed(house: MakeHouse) -> None:
    async with running(house(many(2))) as fleet:
        await fleet.press("d", *"nope", "enter", "escape")
        assert fleet.names == ["node-1", "node-2"]
        await fleet.press("d", *"node-1", "enter")
        await _until(fleet, lambda: fleet.names == ["node-2"])
        assert fleet.house.admin.asked == [("delete", "node-1")]


async def test_a_change_that_fails_is_shown_and_the_console_goes_on(house: MakeHouse) -> None:
    async with running(house(many(2))) as fleet:
        fleet.house.admin.error = ReceiverUnreachableError("no receiver runs on [/] this database")
        await fleet.press("p")
        await _until(fleet, lambda: len(fleet.house.app._notifications) == 1)
        toast = next(iter(fleet.house.app._notifications))
        assert toast.message == "no receiver runs on [/] this database"
        assert toast.severity == "error"


async def test_a_click_on_the_footer_does_what_the_key_does(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.pilot.click(ActionFooter, offset=(fleet.line(23).index("New"), 0))
        await fleet.pilot.pause()
        assert isinstance(fleet.house.app.screen, NewMonitorScreen)


async def _until(fleet: Fleet, condition: Callable[[], bool]) -> None:
    """Wait until it holds: workers take a few turns of the loop."""
    for _ in range(100):
        if condition():
            return
        await fleet.pilot.pause()
    assert condition()
