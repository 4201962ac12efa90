"""The fleet screen, driven by keys and mouse: what it shows, sorts, filters and selects."""

from dataclasses import replace

import pytest
from textual.geometry import Region

from store.models import Status
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import TOP_OF_TABLE, running
from tests.tui.fleets import a_monitor, a_report, many
from tests.tui.standins import NOW
from tui.screens.history import HistoryScreen
from tui.screens.server import ServerScreen
from tui.widgets.fleet_columns import layout
from tui.widgets.fleet_table import FleetHeading, FleetTable


async def test_the_worst_server_stands_on_top(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        assert fleet.names[0] == "mail"
        assert "✗ down      46m  mail" in fleet.line(TOP_OF_TABLE)
        assert fleet.line(1).split("  ")[0].strip() == "✗ 1 down"
        assert "http://monitor.example.org:8420  ● healthy" in fleet.line(0)


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


async def test_an_order_by_values_that_move_is_made_anew_every_three_seconds(house: MakeHouse) -> None:
    async with running(
        house([a_monitor(1, "a", report=a_report(10)), a_monitor(2, "b", report=a_report(20))])
    ) as fleet:
        await fleet.press("U")
        assert fleet.names == ["b", "a"]
        fleet.house.store.put(a_monitor(1, "a", report=a_report(30)))
        for _ in range(2):
            await fleet.second()
            assert fleet.names == ["b", "a"]
            assert " 30%" in fleet.line(TOP_OF_TABLE + 1), "values are never held back"
        await fleet.second()
        assert fleet.names == ["a", "b"]


async def test_an_order_made_before_the_clock_was_set_back_does_not_stand_still(house: MakeHouse) -> None:
    async with running(
        house([a_monitor(1, "a", report=a_report(10)), a_monitor(2, "b", report=a_report(20))])
    ) as fleet:
        await fleet.press("U")
        fleet.house.store.put(a_monitor(1, "a", report=a_report(30)))
        await fleet.second(-3600)
        assert fleet.names == ["a", "b"]


async def test_the_cursor_takes_the_place_of_a_deleted_server(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("end")
        fleet.house.store.drop(3)
        await fleet.second(3)
        assert fleet.selected == "node-2"


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        (["j"], "node-2"),
        (["down", "down", "k"], "node-2"),
        (["j", "up", "up"], "node-1"),
        (["end"], "node-100"),
        (["end", "g"], "node-1"),
        (["end", "home"], "node-1"),
        (["pagedown"], "node-20"),
        (["pagedown", "pagedown", "pageup"], "node-20"),
        (["ctrl+f"], "node-20"),
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
        (["U"], "node-99", "▼CPU"),
        (["U", "U"], "node-100", "▲CPU"),
        (["U", "r"], "node-100", "▲CPU"),
        (["N"], "node-1", "NAME▲"),
        ([">"], "node-1", "▼AGE"),
        ([">", ">", ">"], "node-99", "▼CPU"),
        (["U", "<"], "node-1", "NAME▲"),
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
        await fleet.press("end", "/", "9")
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


async def test_h_opens_the_charts_of_the_selected_server(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("h")
        assert isinstance(fleet.house.app.screen, HistoryScreen)
