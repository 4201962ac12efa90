"""Keys that come in one piece, as over a slow link, go where a patient typist's would."""

import pytest
from textual import events

from tests.tui.house import House, shown, until
from tests.tui.standins import monitor
from tui.screens.confirm import ConfirmDelete
from tui.screens.fleet import FleetScreen
from tui.screens.new_monitor import NewMonitorScreen
from tui.widgets.field import Field

NAMED = {"/": "slash", "-": "minus", "#": "number_sign", "\r": "enter", "\b": "backspace"}


def type_at_once(house: House, text: str) -> None:
    """Put keys into the console's queue without a pause between them."""
    for character in text:
        house.app.post_message(events.Key(NAMED.get(character, character), character))


async def test_a_filter_is_typed_in_one_piece_with_the_key_that_opens_it() -> None:
    house = House(monitor("web-1"), monitor("prod-2", 2))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "/prod")
        await until(pilot, lambda: any(field.value == "prod" for field in house.app.screen.query(Field)))
        assert house.admin.calls == []
        assert len(house.app.screen_stack) == 1


async def test_a_new_name_is_typed_in_one_piece_and_is_no_command() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "nprod-d1")
        await until(pilot, lambda: isinstance(house.app.screen, NewMonitorScreen))
        await until(pilot, lambda: any(field.value == "prod-d1" for field in house.app.screen.query(Field)))
        assert house.admin.calls == []


async def test_a_name_to_delete_is_typed_in_one_piece() -> None:
    house = House(monitor("npK"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "dnpK")
        await until(pilot, lambda: isinstance(house.app.screen, ConfirmDelete))
        await until(pilot, lambda: any(field.value == "npK" for field in house.app.screen.query(Field)))
        assert house.admin.calls == []


@pytest.mark.parametrize(
    ("typed", "call"),
    [("nwec\bb-8\b9\r", "create web-9"), ("dwec\bb-1\r", "delete web-1"), ("#prox\bd\r", "edit web-1")],
    ids=["new monitor", "deletion", "tags"],
)
async def test_what_is_typed_with_its_mistakes_and_enter_in_one_piece_is_done_as_meant(typed: str, call: str) -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, typed)
        await until(pilot, lambda: call in house.admin.calls)
        assert [each for each in house.admin.calls if not each.startswith("credentials")] == [call]


async def test_a_filter_is_corrected_and_left_in_one_piece() -> None:
    house = House(monitor("web-1"), monitor("prod-2", 2))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "/pros\bd\r")
        fleet = house.app.screen
        assert isinstance(fleet, FleetScreen)
        await until(pilot, lambda: fleet.wanted == "prod" and fleet.focused is None)


@pytest.mark.usefixtures("utc")
async def test_a_time_is_corrected_and_gone_to_in_one_piece() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "T12:15\b\b05\r")
        await until(pilot, lambda: "12:05" in shown(house.app) and isinstance(house.app.screen, FleetScreen))
