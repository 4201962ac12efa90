"""The help screen and the command palette: both say what the action table says."""

import pytest
from textual.pilot import Pilot

from store.models import Status
from tests.tui.conftest import MakeHouse
from tui.actions import ACTIONS, Room
from tui.app import ConsoleApp
from tui.screens.fleet import FleetScreen
from tui.screens.help import HelpScreen, help_text


async def commands(pilot: Pilot[None]) -> list[str]:
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    return [command.title for command in app.get_system_commands(app.screen)]


@pytest.mark.parametrize("room", list(Room))
def test_the_help_explains_every_key_status_and_column(room: Room) -> None:
    text = help_text(room).plain
    assert all(action.help in text for action in ACTIONS)
    assert all(status.value in text for status in Status)
    assert text.startswith(room.value)


def test_every_line_of_the_help_fits_80_columns() -> None:
    # Two cells of padding at each side, one for the scrollbar.
    assert max(len(line) for line in help_text(Room.FLEET).plain.splitlines()) <= 75


def test_the_help_of_a_read_only_console_leaves_changes_out() -> None:
    text = help_text(Room.FLEET, read_only=True).plain
    assert not any(action.help in text for action in ACTIONS if action.changes)


@pytest.mark.parametrize("close", ["escape", "?"])
async def test_the_help_opens_scrolls_and_closes(house: MakeHouse, close: str) -> None:
    app = house().app
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("?")
        assert isinstance(app.screen, HelpScreen)
        scroller = app.screen.query_one("VerticalScroll")
        for keys, moved in ((["j", "j", "k"], 1), (["g"], 0), (["G"], scroller.max_scroll_y), (["home"], 0)):
            await pilot.press(*keys)
            assert scroller.scroll_y == moved
        await pilot.press(close)
        assert isinstance(app.screen, FleetScreen)


async def test_the_palette_offers_the_actions_of_the_screen(house: MakeHouse) -> None:
    async with house().app.run_test() as pilot:
        await pilot.pause()
        offered = await commands(pilot)
    assert {"New  (n)", "Sort by CPU usage  (U)", "Quit  (q)"} <= set(offered)
    assert len(offered) == len(set(offered))
    assert not any("Theme" in title or "Screenshot" in title for title in offered)


async def test_the_palette_of_a_read_only_console_offers_no_changes(house: MakeHouse) -> None:
    async with house(read_only=True).app.run_test() as pilot:
        offered = await commands(pilot)
    assert "New  (n)" not in offered
    assert "Help  (?)" in offered


async def test_a_command_of_the_palette_does_what_its_key_does(house: MakeHouse) -> None:
    app = house().app
    async with app.run_test() as pilot:
        await pilot.press(":", *"sort by mem")
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.group != "feed"])
        for _ in range(100):
            await pilot.pause()
            if app.screen.query("OptionList") and app.screen.query_one("OptionList").option_count:  # type: ignore[attr-defined]
                break
        await pilot.press("enter")
        for _ in range(100):
            await pilot.pause()
            if isinstance(app.screen, FleetScreen) and app.screen.order.column == "memory":
                break
        assert isinstance(app.screen, FleetScreen)
        assert app.screen.order.column == "memory"
