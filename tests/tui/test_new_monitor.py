"""What tui/screens/new_monitor.py promises: a checked name, one monitor, and straight on to its key."""

import pytest
from textual.widgets import Input

from store.errors import ChangeRefusedError, ReceiverUnreachableError
from tests.tui.house import House, SnapCompare, dom_text, shown, steps, toasts, until
from tests.tui.standins import key_of, monitor
from tui.screens.fleet import FleetScreen
from tui.screens.key import KeyScreen
from tui.screens.new_monitor import HINT, NewMonitorScreen


async def test_a_name_is_typed_created_and_its_key_shown_at_once() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        await pilot.press(*" db-1 ", "enter")
        await until(pilot, lambda: "waiting for the first report" in shown(house.app))
        assert isinstance(house.app.screen, KeyScreen)
        assert [type(screen) for screen in house.app.screen_stack] == [FleetScreen, KeyScreen]
        assert house.admin.calls[0] == "create db-1"
        assert key_of(2) not in dom_text(house.app)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("web-1", "there is already a monitor of that name"),
        ("x" * 65, "a name has at most 64 characters"),
        ("a\u202eb", "a name holds no control, format or separator characters"),
    ],
)
async def test_a_name_that_will_not_do_is_refused_as_one_types(name: str, said: str) -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        house.app.screen.query_one(Input).value = name
        await until(pilot, lambda: said in shown(house.app))
        await pilot.press("enter")
        assert house.admin.calls == []
        house.app.screen.query_one(Input).value = "fine"
        await until(pilot, lambda: HINT in shown(house.app))


async def test_an_empty_name_is_wrong_only_when_entered() -> None:
    house = House()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        assert HINT in shown(house.app)
        await pilot.press("enter")
        await until(pilot, lambda: "a name needs at least one visible character" in shown(house.app))
        assert house.admin.calls == []


async def test_the_footer_offers_no_key_that_would_only_stand_in_the_field() -> None:
    house = House()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        assert shown(house.app).splitlines()[-1].split() == ["enter", "Create", "esc", "Back"]
        await pilot.press(*"db-1")
        await pilot.click("TypingFooter", offset=(2, 0))
        await until(pilot, lambda: isinstance(house.app.screen, KeyScreen))


async def test_enter_twice_creates_once_and_the_screen_stays_responsive() -> None:
    house = House()
    house.admin.gate.clear()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        await pilot.press(*"db-1", "enter", "enter", "x", "enter")
        await until(pilot, lambda: "db-1x" in shown(house.app))
        house.admin.gate.set()
        await until(pilot, lambda: isinstance(house.app.screen, KeyScreen))
        assert [call for call in house.admin.calls if call.startswith("create")] == ["create db-1"]


@pytest.mark.parametrize(
    "error", [ChangeRefusedError("the name [/] is taken"), ReceiverUnreachableError("no receiver runs")]
)
async def test_a_refusal_stands_under_the_field_and_one_may_try_again(error: Exception) -> None:
    house = House()
    house.admin.error = error  # type: ignore[assignment]
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        await pilot.press(*"db-1", "enter")
        await until(pilot, lambda: str(error) in shown(house.app))
        house.admin.error = None
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(house.app.screen, KeyScreen))


@pytest.mark.parametrize(("error", "said"), [(None, "db-1 is created"), ("no receiver runs", "no receiver runs")])
async def test_whoever_leaves_while_it_is_created_learns_how_it_ended(error: str | None, said: str) -> None:
    house = House()
    house.admin.gate.clear()
    house.admin.error = ReceiverUnreachableError(error) if error else None
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, NewMonitorScreen())
        await pilot.press(*"db-1", "enter", "escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        house.admin.gate.set()
        await until(pilot, lambda: any(said in toast for toast in toasts(house.app)))
        assert isinstance(house.app.screen, FleetScreen)


def test_a_name_that_is_taken_looks_as_it_did(snap_compare: SnapCompare) -> None:
    house = House(monitor())
    run = steps(house, NewMonitorScreen(), HINT, *"web-1")
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=run)
