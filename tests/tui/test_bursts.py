"""Many keys at once, as a paste or a stalled link brings them: no pile of bells and toasts, nothing done twice."""

from pathlib import Path

import pytest
from textual import events

from tests.tui.house import House, toasts, until
from tests.tui.standins import monitor
from tests.tui.test_typing_ahead import type_at_once
from tui.app import ConsoleApp
from tui.memory import Memory
from tui.screens.edit import EditScreen
from tui.screens.fleet import FleetScreen
from tui.screens.key import KeyScreen
from tui.screens.server import ServerScreen
from tui.widgets.field import Field


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that has an element for each bell."""
    bells: list[None] = []
    monkeypatch.setattr(ConsoleApp, "bell", lambda _: bells.append(None))
    return bells


@pytest.mark.parametrize(
    ("opens", "room"), [("/", 200), ("n", 128), ("w", 128), ("d", 128)], ids=["filter", "new", "edit", "delete"]
)
async def test_a_field_that_is_full_rings_once(rung: list[None], opens: str, room: int) -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, opens)
        await until(pilot, lambda: isinstance(house.app.focused, Field))
        type_at_once(house, "y" * 5_000)
        field = house.app.focused
        assert isinstance(field, Field)
        await until(pilot, lambda: len(field.value) >= room)
        await until(pilot, lambda: not house.app._message_queue.qsize())
        await pilot.pause()
        assert len(rung) == 1
        type_at_once(house, "\byy")
        await until(pilot, lambda: len(rung) > 1)
        assert len(rung) == 2  # there was room for one of the two
        assert toasts(house.app) == []
        assert house.admin.calls == []


async def test_a_paste_that_no_field_takes_does_nothing_and_says_so_once() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for _ in range(3):
            house.app.post_message(events.Paste("dweb-1\rq"))
        await until(pilot, lambda: bool(toasts(house.app)))
        await pilot.pause()
        assert toasts(house.app) == ["Nothing was pasted: there is no field to paste into here"]
        assert isinstance(house.app.screen, FleetScreen)


async def test_a_key_that_is_held_says_the_same_once() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "GGGGG")
        await until(pilot, lambda: bool(toasts(house.app)))
        await pilot.pause()
        assert len(toasts(house.app)) == 1


@pytest.mark.parametrize(
    ("typed", "left_on", "call"),
    [
        ("dweb-1\r\r\r", FleetScreen, "delete web-1"),
        ("\rp\r\r\r", ServerScreen, "pause web-1"),
        ("\r#x\r\r\r", ServerScreen, "edit web-1"),
        ("\rwx\r\r", ServerScreen, "edit web-1"),
        ("\rw\r\r", ServerScreen, None),
        ("nfoo\r\r", KeyScreen, "create foo"),
        ("\r\r", ServerScreen, None),
    ],
)
async def test_a_dialog_is_answered_once(typed: str, left_on: type, call: str | None) -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, typed)
        await until(pilot, lambda: isinstance(house.app.screen, left_on) and (not call or call in house.admin.calls))
        await pilot.pause()
        assert isinstance(house.app.screen, left_on)
        assert not isinstance(house.app.screen, EditScreen)
        assert [each for each in house.admin.calls if not each.startswith("credentials")] == ([call] if call else [])


async def test_the_palette_runs_a_command_once() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter", "ctrl+p")
        await pilot.press(*"History", "down")
        await until(pilot, lambda: "-ready" in house.app.screen.classes)
        type_at_once(house, "\r\r\r\r")
        await until(pilot, lambda: not house.app.screen.has_class("--textual-command-palette"))
        await pilot.pause()
        assert len(house.app.screen_stack) <= 3
        assert isinstance(house.app.screen_stack[1], ServerScreen)


async def test_a_field_whose_screen_is_closed_before_it_has_the_focus_harms_nobody() -> None:
    house = House(monitor("web-1"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        field = Field(max_length=10)
        house.app.post_message(events.DescendantFocus(field))
        await pilot.pause()


@pytest.mark.parametrize(
    ("typed", "remembered"), [("/web", "web"), ("/webxyz", ""), ("/" + "y" * 300, ""), ("/status:late", "")]
)
async def test_a_filter_that_matched_nothing_is_not_remembered(typed: str, remembered: str, tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    house = House(monitor("web-1"), memory=path)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, typed)
        await until(pilot, lambda: isinstance(house.app.focused, Field) and house.app.focused.value == typed[1:201])
        await pilot.pause()
    assert Memory(path).value.filter == remembered


async def test_a_filter_that_matches_later_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    house = House(monitor("web-1"), memory=path)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        type_at_once(house, "/db")
        await until(pilot, lambda: isinstance(house.app.focused, Field) and house.app.focused.value == "db")
        house.store.put(monitor("db-1", 2))
        await house.app.refresh_fleet()
        await pilot.pause()
    assert Memory(path).value.filter == "db"
