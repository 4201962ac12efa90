"""What tui/screens/server.py promises of the agent key: hidden until asked for, and hidden again."""

import pytest

from store.errors import ReceiverUnreachableError
from tests.tui.house import House, dom_text, shown, toasts, until
from tests.tui.house import utc as utc
from tests.tui.standins import key_of, monitor
from tui.screens.confirm import ConfirmDelete
from tui.screens.server import ServerScreen

pytestmark = pytest.mark.usefixtures("utc")


async def test_the_key_is_nowhere_until_revealed_and_hidden_again_on_demand() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert house.admin.calls == []
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) in shown(house.app))
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) not in shown(house.app))
        assert key_of(1) not in dom_text(house.app)


async def test_a_long_key_of_another_receiver_is_revealed_whole() -> None:
    house = House(monitor())
    house.admin.keys[1] = "k" * 128
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("v")
        await until(pilot, lambda: shown(house.app).count("k") >= 128)


async def test_the_key_is_copied_without_being_shown() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("c")
        await until(pilot, lambda: house.app.clipboard == key_of(1))
        await until(pilot, lambda: any("Agent key copied" in toast for toast in toasts(house.app)))
        assert key_of(1) not in dom_text(house.app)


async def test_a_revealed_key_is_masked_again_when_one_comes_back() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) in shown(house.app))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(house.app.screen, ConfirmDelete))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, ServerScreen) and "•••" in shown(house.app))
        assert key_of(1) not in dom_text(house.app)


@pytest.mark.parametrize("key", ["v", "c"])
async def test_a_key_that_cannot_be_had_is_said(key: str) -> None:
    house = House(monitor())
    house.admin.error = ReceiverUnreachableError("no receiver runs on this database")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press(key)
        await until(pilot, lambda: "no receiver runs on this database" in toasts(house.app))
        assert house.app.clipboard == ""
