"""What tui/screens/confirm.py promises: only a deliberate yes is a yes."""

from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Button

from tests.tui.house import House, SnapCompare, shown, steps, until
from tests.tui.house import utc as utc
from tests.tui.standins import hour, monitor
from tui.screens.confirm import Confirm, ConfirmDelete
from tui.screens.key import KeyScreen
from tui.screens.server import ServerScreen

HOSTILE = "[@click=app.quit]x[/]"


class Asker(App[None]):
    """Asks one question and keeps the answer."""

    def __init__(self, question: ModalScreen[bool]) -> None:
        super().__init__()
        self.question = question
        self.answers: list[bool | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.question, self.answers.append)


async def answered(pilot: Pilot[Any], asker: Asker) -> bool | None:
    await until(pilot, lambda: bool(asker.answers))
    assert len(asker.answers) == 1
    return asker.answers[0]


def offered(asker: Asker) -> bool:
    """Return whether the button that goes on can be pressed."""
    return not asker.question.query_one("#yes", Button).disabled


@pytest.mark.parametrize(
    ("keys", "answer"),
    [("y", True), ("n", False), ("escape", False), ("enter", False), ("left,enter", True), ("tab,enter", True)],
)
async def test_a_question_is_answered_by_keys_and_enter_alone_is_no(keys: str, answer: bool) -> None:
    asker = Asker(Confirm("Give web-1 a new key?", "The old one stops.", yes="Rotate"))
    async with asker.run_test() as pilot:
        await pilot.press(*keys.split(","))
        assert await answered(pilot, asker) is answer


@pytest.mark.parametrize(("button", "answer"), [("#yes", True), ("#no", False)])
async def test_a_question_is_answered_by_mouse(button: str, answer: bool) -> None:
    asker = Asker(Confirm("Sure?"))
    async with asker.run_test() as pilot:
        await pilot.click(button)
        assert await answered(pilot, asker) is answer


async def test_a_question_draws_text_from_outside_literally() -> None:
    asker = Asker(Confirm(f"Rotate {HOSTILE}?", HOSTILE + "\x1b[2J"))
    async with asker.run_test() as pilot:
        await pilot.pause()
        assert f"Rotate {HOSTILE}?" in shown(asker)
        assert HOSTILE + "\ufffd[2J" in shown(asker)


async def test_a_deletion_goes_on_only_when_the_very_name_is_typed() -> None:
    asker = Asker(ConfirmDelete("web-1"))
    async with asker.run_test() as pilot:
        await pilot.pause()
        await pilot.press(*"web-", "enter")
        assert not offered(asker)
        await pilot.press("2", "enter", "backspace")
        assert not offered(asker)
        assert not asker.answers
        await pilot.press("1")
        assert offered(asker)
        await pilot.press("enter")
        assert await answered(pilot, asker) is True


async def test_a_deletion_by_mouse_needs_the_name_too() -> None:
    asker = Asker(ConfirmDelete("web-1"))
    async with asker.run_test() as pilot:
        await pilot.click("#yes")
        assert not asker.answers
        await pilot.press(*"web-1")
        await pilot.click("#yes")
        assert await answered(pilot, asker) is True


@pytest.mark.parametrize("keys", [["escape"], [*"web-1", "escape"]])
async def test_a_deletion_is_left_with_escape(keys: list[str]) -> None:
    asker = Asker(ConfirmDelete("web-1"))
    async with asker.run_test() as pilot:
        await pilot.press(*keys)
        assert await answered(pilot, asker) is False


async def test_a_deletion_is_left_with_its_button() -> None:
    asker = Asker(ConfirmDelete("web-1"))
    async with asker.run_test() as pilot:
        await pilot.press(*"web-1")
        await pilot.click("#no")
        assert await answered(pilot, asker) is False


async def test_a_name_that_looks_like_markup_is_drawn_and_typed_literally() -> None:
    asker = Asker(ConfirmDelete("[/]"))
    async with asker.run_test() as pilot:
        await pilot.pause()
        assert "Delete [/] and its history?" in shown(asker)
        await pilot.press("left_square_bracket", "slash", "right_square_bracket", "enter")
        assert await answered(pilot, asker) is True


@pytest.mark.usefixtures("utc")
def test_a_deletion_looks_as_it_did(snap_compare: SnapCompare) -> None:
    house = House(monitor(), samples=hour())
    run = steps(house, ServerScreen(1), "▄", "d", *"web-")
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=run)


def test_a_rotation_looks_as_it_did(snap_compare: SnapCompare) -> None:
    house = House(monitor())
    run = steps(house, KeyScreen("web-1"), "received", "r")
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=run)
