"""The fleet screen: what it says when something is amiss, and what can be done from it."""

from dataclasses import replace

import pytest

from store.errors import DatabaseRefusedError, ReceiverUnreachableError, StoreUnavailableError
from store.models import Status
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import TOP_OF_TABLE, running
from tests.tui.fleets import a_monitor, a_report, many
from tests.tui.house import until
from tui.screens.key import KeyScreen
from tui.screens.new_monitor import NewMonitorScreen
from tui.screens.server import ServerScreen
from tui.widgets.footer import ActionFooter


async def test_an_empty_fleet_says_what_to_do_next(house: MakeHouse) -> None:
    async with running(house([])) as fleet:
        assert "Press n to add the first" in fleet.text
        footer = fleet.line(23)
        assert "New" in footer
        assert "Open" not in footer
        await fleet.press("enter", "K", "p", "d", "j", "end", "space", "*", "G", "w", "#")
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
        assert fleet.house.admin.calls == []


async def test_a_store_that_cannot_be_read_is_named_and_the_last_picture_stays(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        fleet.house.store.fleet_error = StoreUnavailableError("the database cannot be read: disk I/O error")
        await fleet.second()
        assert "✗ the database cannot be read: disk I/O error" in fleet.line(0)
        assert len(fleet.names) == 10
        fleet.house.store.fleet_error = None
        await fleet.second()
        assert "healthy" in fleet.line(0)


async def test_a_store_that_never_could_be_read_is_no_empty_fleet(house: MakeHouse) -> None:
    made = house([])
    made.store.fleet_error = DatabaseRefusedError("x.db is no agentmon database")
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
        await fleet.press("p", "enter")
        await until(fleet.pilot, lambda: Status.PAUSED in {monitor.status for monitor in fleet.table.monitors})
        await fleet.second(5)
        assert fleet.house.admin.calls == ["pause node-1"]
        assert fleet.selected == "node-1", "the next p must not mean the server that took its place"
        await fleet.press("p")
        await until(fleet.pilot, lambda: all(monitor.status is Status.UP for monitor in fleet.table.monitors))
        assert fleet.house.admin.calls[-1] == "resume node-1"


async def test_d_deletes_only_once_the_name_is_typed(house: MakeHouse) -> None:
    async with running(house(many(2))) as fleet:
        await fleet.press("d", *"nope", "enter", "escape")
        assert fleet.names == ["node-1", "node-2"]
        await fleet.press("d", *"node-1", "enter")
        await until(fleet.pilot, lambda: fleet.names == ["node-2"])
        assert fleet.house.admin.calls == ["delete node-1"]


async def test_a_change_that_fails_is_shown_and_the_console_goes_on(house: MakeHouse) -> None:
    async with running(house(many(2))) as fleet:
        await fleet.press("p")
        await until(fleet.pilot, lambda: "for how long?" in fleet.text)
        fleet.house.admin.error = ReceiverUnreachableError("no receiver runs on [/] this database")
        await fleet.press("u")
        await until(fleet.pilot, lambda: len(fleet.house.app._notifications) == 1)
        toast = next(iter(fleet.house.app._notifications))
        assert toast.message == "no receiver runs on [/] this database"
        assert toast.severity == "error"


async def test_a_click_on_the_footer_does_what_the_key_does(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.pilot.click(ActionFooter, offset=(fleet.line(23).index("New"), 0))
        await fleet.pilot.pause()
        assert isinstance(fleet.house.app.screen, NewMonitorScreen)
