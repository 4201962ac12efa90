"""A receiver that is gone: every screen says so, shows the last values with their age, and goes on once it is back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from store.errors import ReceiverUnreachableError
from tests.tui.house import House, shown, toasts, until
from tests.tui.standins import NOW, hour, key_of, monitor
from tui.actions import Room
from tui.screens.events import EventsScreen
from tui.screens.fleet import FleetScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.key import KeyScreen
from tui.screens.limits import LimitsScreen
from tui.screens.rejected import RejectedScreen
from tui.screens.server import ServerScreen
from tui.widgets.top_line import top_text, trouble_text

GONE = "no receiver [/] runs"
AGED = f"✗ {GONE}: last report 1h ago"

pytestmark = pytest.mark.usefixtures("utc")


async def ask(house: House, *, gone: bool) -> None:
    """Lose the receiver, or get it back, and let the console notice."""
    house.admin.error = ReceiverUnreachableError(GONE) if gone else None
    await house.app._ask_receiver()


@asynccontextmanager
async def console(screen: Screen[None] | None = None) -> AsyncIterator[tuple[House, Pilot[None]]]:
    """Open a console on one server that reported an hour ago."""
    house = House(monitor(), samples=hour())
    async with house.app.run_test(size=(80, 24)) as pilot:
        if screen:
            await house.show(pilot, screen)
        else:
            await house.app.refresh_fleet()
        newest = house.app.feed.newest_at
        assert newest is not None
        house.seconds = newest / 1000 + 3700
        yield house, pilot


def top(house: House) -> str:
    return shown(house.app).splitlines()[0].rstrip()


@pytest.mark.parametrize(
    "screen",
    [
        ServerScreen(1),
        HistoryScreen(1),
        EventsScreen(),
        KeyScreen("web-1"),
        LimitsScreen(1),
        RejectedScreen(),
        HelpScreen(Room.FLEET),
    ],
    ids=lambda each: each.room.name,
)
async def test_every_screen_says_it_on_top_until_it_is_over(screen: Screen[None]) -> None:
    async with console(screen) as (house, pilot):
        before = top(house)
        await ask(house, gone=True)
        await until(pilot, lambda: top(house) == f" {AGED}")
        await ask(house, gone=False)
        await until(pilot, lambda: top(house) == before)


async def test_the_fleet_says_it_once_in_its_header_and_keeps_its_lines() -> None:
    async with console() as (house, pilot):
        await ask(house, gone=True)
        await until(pilot, lambda: AGED in top(house))
        assert shown(house.app).count(GONE) == 1
        assert "web-1" in shown(house.app)
        await ask(house, gone=False)
        await until(pilot, lambda: "healthy" in top(house))


async def test_a_frozen_fleet_says_it_all_the_same() -> None:
    async with console() as (house, pilot):
        await pilot.press("f")
        await ask(house, gone=True)
        await until(pilot, lambda: GONE in top(house))
        assert "FROZEN" in top(house)


@pytest.mark.parametrize("key", ["n", "K", "p", "d", "w", "#"])
async def test_what_would_change_something_says_why_it_cannot(key: str) -> None:
    async with console() as (house, pilot):
        await ask(house, gone=True)
        await pilot.press(key)
        await until(pilot, lambda: toasts(house.app) == [f"Not possible now: {GONE}"])
        assert isinstance(house.app.screen, FleetScreen)
        await ask(house, gone=False)
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(house.app.screen, FleetScreen))


async def test_a_key_that_could_not_be_had_comes_by_itself() -> None:
    async with console() as (house, pilot):
        house.admin.error = ReceiverUnreachableError(GONE)
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: GONE in shown(house.app))
        await ask(house, gone=False)
        await until(pilot, lambda: "Run this on web-1" in shown(house.app))
        assert key_of(1) not in shown(house.app)


def test_what_is_wrong_comes_with_the_age_of_the_last_report() -> None:
    assert trouble_text(None, NOW, NOW) is None
    assert trouble_text("the disk is full", None, NOW) == "the disk is full"
    assert trouble_text("the disk is full", NOW - 125_000, NOW) == "the disk is full: last report 2m ago"


def test_the_line_on_top_says_all_that_there_is_to_say() -> None:
    assert top_text(None, "f", None).plain == ""
    assert top_text(NOW, "f", None).plain == " FROZEN since 13:05:00, f goes on"
    assert top_text(NOW, "z", "gone\x1b[2J").plain == " FROZEN since 13:05:00, z goes on ✗ gone\ufffd[2J"


@pytest.mark.parametrize("key", ["enter", "h", "s", "e", "E", "a", "exclamation_mark", "question_mark"])
async def test_what_is_stored_can_be_looked_at_all_the_same(key: str) -> None:
    async with console() as (house, pilot):
        await ask(house, gone=True)
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(house.app.screen, FleetScreen))
        await until(pilot, lambda: top(house) == f" {AGED}")
        assert toasts(house.app) == []
