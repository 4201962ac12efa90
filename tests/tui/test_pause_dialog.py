"""What tui/screens/pause.py promises: for how long is asked in one key, typed times are understood or refused."""

from dataclasses import replace

import pytest
from textual import events
from textual.widgets import Input

from store.errors import ChangeRefusedError
from store.models import Status
from tests.tui.house import House, SnapCompare, shown, steps, toasts, until
from tests.tui.house import utc as utc
from tests.tui.standins import NOW, monitor
from tui.screens.pause import PauseDialog
from tui.screens.server import ServerScreen

pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize(
    ("keys", "for_s"),
    [
        (["enter"], None),
        (["u"], None),
        (["3"], 1800),
        (["2"], 7200),
        (["8"], 28_800),
        (["1"], 86_400),
        (["down", "down", "enter"], 7200),
        (["j", "k", "enter"], None),
        (["t", *"45m", "enter"], 2700),
        (["t", *"1.5h", "enter"], 5400),
    ],
)
async def test_a_server_is_paused_for_the_time_that_was_chosen(keys: list[str], for_s: float | None) -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p", *keys)
        await until(pilot, lambda: "‖ paused" in shown(house.app))
        assert house.store.monitors[1].paused_until == (None if for_s is None else NOW + int(for_s * 1000))
        await until(pilot, lambda: "web-1 is paused: p resumes it" in toasts(house.app))


async def test_a_paused_server_is_resumed_without_a_question() -> None:
    house = House(replace(monitor(), status=Status.PAUSED))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p")
        await until(pilot, lambda: "● up" in shown(house.app))
        assert house.admin.calls == ["resume web-1"]


@pytest.mark.parametrize("keys", [["escape"], ["t", *"2h", "escape"]])
async def test_one_can_think_better_of_it(keys: list[str]) -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p", *keys)
        await until(pilot, lambda: isinstance(house.app.screen, ServerScreen))
        assert house.admin.calls == []


@pytest.mark.parametrize("typed", ["", "soon", "0", "-1h"])
async def test_what_is_no_time_is_said_and_pauses_nothing(typed: str) -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p", "t", *typed, "enter")
        await until(pilot, lambda: "a time, for example 45m" in shown(house.app))
        assert isinstance(house.app.screen, PauseDialog)
        assert house.admin.calls == []


async def test_until_when_a_typed_time_lasts_is_said_as_one_types() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p", "t", *"45m")
        await until(pilot, lambda: "until Sun 2026-03-01 13:50" in shown(house.app))


async def test_a_time_can_be_typed_in_one_piece_with_the_keys_that_lead_to_it() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        for key in "pt8h":
            house.app.post_message(events.Key(key, key))
        await until(pilot, lambda: any(field.value == "8h" for field in house.app.screen.query(Input)))
        await pilot.press("enter")
        await until(pilot, lambda: "‖ paused" in shown(house.app))
        assert house.store.monitors[1].paused_until == NOW + 8 * 3_600_000


async def test_a_choice_can_be_clicked() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p")
        await until(pilot, lambda: "for how long?" in shown(house.app))
        await pilot.click("#choice-2")
        await until(pilot, lambda: "‖ paused" in shown(house.app))
        assert house.store.monitors[1].paused_until == NOW + 7_200_000


async def test_what_the_receiver_refuses_is_said() -> None:
    house = House(monitor("[/]"))
    house.admin.error = ChangeRefusedError("[/] cannot be paused so long")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p")
        await until(pilot, lambda: "Pause [/] for how long?" in shown(house.app))
        await pilot.press("2")
        await until(pilot, lambda: "[/] cannot be paused so long" in toasts(house.app))


@pytest.mark.parametrize("keys", [(), ("t", *"45m")])
def test_the_question_looks_as_it_did(snap_compare: SnapCompare, keys: tuple[str, ...]) -> None:
    house = House(monitor())
    run = steps(house, ServerScreen(1), "this month", "p", *keys)
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=run)
