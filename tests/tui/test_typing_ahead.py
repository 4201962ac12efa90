"""Keys that come in one piece, as over a slow link, go where a patient typist's would."""

from textual import events
from textual.widgets import Input

from tests.tui.standins import House, monitor, until
from tui.screens.confirm import ConfirmDelete
from tui.screens.new_monitor import NewMonitorScreen

NAMED = {"/": "slash", "-": "minus", "\r": "enter"}


def type_at_once(house: House, text: str) -> None:
    """Put keys into the console's queue without a pause between them."""
    for character in text:
        house.app.post_message(events.Key(NAMED.get(character, character), character))


async def test_a_filter_is_typed_in_one_piece_with_the_key_that_opens_it() -> None:
    house = House(monitor("web-1"), monitor("prod-2", 2))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "/prod")
        await until(pilot, lambda: any(field.value == "prod" for field in house.app.screen.query(Input)))
        assert house.admin.calls == []
        assert len(house.app.screen_stack) == 1


async def test_a_new_name_is_typed_in_one_piece_and_is_no_command() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "nprod-d1")
        await until(pilot, lambda: isinstance(house.app.screen, NewMonitorScreen))
        await until(pilot, lambda: any(field.value == "prod-d1" for field in house.app.screen.query(Input)))
        assert house.admin.calls == []


async def test_a_name_to_delete_is_typed_in_one_piece() -> None:
    house = House(monitor("npK"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "dnpK")
        await until(pilot, lambda: isinstance(house.app.screen, ConfirmDelete))
        await until(pilot, lambda: any(field.value == "npK" for field in house.app.screen.query(Input)))
        assert house.admin.calls == []
