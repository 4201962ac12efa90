"""The fleet as it was: stepping through the past, typing a time, and coming back to now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from store.errors import StoreUnavailableError
from store.models import Monitor, Status
from tests.tui.fleet_pilot import TOP_OF_TABLE, Fleet, running
from tests.tui.fleets import a_monitor, a_report, many, small_fleet
from tests.tui.house import House, toasts, until
from tests.tui.standins import MINUTE, NOW
from tui import look
from tui.app import ConsoleApp
from tui.screens.go_to_time import GoToTimeScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen

pytestmark = pytest.mark.usefixtures("utc")

FIVE_BACK = NOW - 5 * MINUTE


def then(monitor: Monitor, at: int, status: Status = Status.UP) -> Monitor:
    """Return a monitor as it was at a time, with a report 7 s before and the sequence number of today."""
    return replace(monitor, status=status, report=a_report(66.0), last_report_at=at - 7000, address=None)


def a_house(*, read_only: bool = False) -> House:
    """Return a house of three servers that are up; node-2 was down between 12:00 and 13:00. It is 13:05."""
    today = [replace(monitor, created_at=NOW - 1440 * MINUTE) for monitor in many(3)]
    house = House(*today, read_only=read_only)
    outage, over = NOW - 65 * MINUTE, FIVE_BACK
    house.store.past[outage] = tuple(
        then(monitor, outage, Status.DOWN if monitor.id == 2 else Status.UP) for monitor in today
    )
    house.store.past[over] = tuple(then(monitor, over) for monitor in today)
    return house


@asynccontextmanager
async def travelling(house: House | None = None) -> AsyncIterator[Fleet]:
    async with running(house or a_house()) as fleet:
        yield fleet


async def arrived(fleet: Fleet, when: str) -> None:
    """Wait until the fleet of that time is shown."""
    await until(fleet.pilot, lambda: f"PAST  {when} " in fleet.line(0) and "reading" not in fleet.line(0))
    await fleet.pilot.pause()


async def present(fleet: Fleet) -> None:
    """Wait until it is now."""
    await until(fleet.pilot, lambda: "healthy" in fleet.line(0))


def header_style(app: ConsoleApp) -> str:
    strip = app.screen._compositor.render_strips(app.size)[0]
    return str(next(iter(strip)).style)


async def test_a_step_back_shows_the_fleet_as_it_was_and_says_plainly_that_it_is_past() -> None:
    async with travelling() as fleet:
        live = header_style(fleet.house.app)
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        assert fleet.house.store.asked_past == [FIVE_BACK]
        assert "esc returns to now" in fleet.line(0)
        assert "● up         7s  node-1             66%" in fleet.line(TOP_OF_TABLE)
        assert header_style(fleet.house.app) != live
        assert look.current.past.split()[-1] in header_style(fleet.house.app)


@pytest.mark.parametrize(
    ("keys", "when"),
    [
        (["["] * 3, "Sun 2026-03-01 12:50"),
        (["{"], "Sun 2026-03-01 12:05"),
        (["{", "["], "Sun 2026-03-01 12:00"),
        (["{", "{", "}"], "Sun 2026-03-01 12:05"),
        (["{", "]"], "Sun 2026-03-01 12:10"),
    ],
)
async def test_keys_step_by_5_minutes_and_by_an_hour(keys: list[str], when: str) -> None:
    async with travelling() as fleet:
        await fleet.press(*keys)
        await arrived(fleet, when)


@pytest.mark.parametrize("keys", [["[", "]"], ["[", "}"], ["{", "[", "}", "}"], ["[", "escape"], ["]"], ["}"]])
async def test_stepping_beyond_now_and_esc_return_to_now(keys: list[str]) -> None:
    async with travelling() as fleet:
        await fleet.press(*keys)
        await present(fleet)
        await fleet.second()
        assert "PAST" not in fleet.text
        assert "  6s  node-1" in fleet.line(TOP_OF_TABLE)
        assert " 1%" in fleet.line(TOP_OF_TABLE)


async def test_an_outage_is_seen_in_the_past_and_gone_now() -> None:
    async with travelling() as fleet:
        await fleet.press("{")
        await arrived(fleet, "Sun 2026-03-01 12:05")
        assert "✗ 1 down" in fleet.line(1)
        assert fleet.names[0] == "node-2"
        await fleet.press("escape")
        await present(fleet)
        assert "down" not in fleet.text


async def test_the_past_stands_still_while_the_present_is_read_on() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        before = fleet.text
        fleet.house.store.put(a_monitor(9, "newcomer", Status.DOWN))
        await fleet.second(60)
        assert fleet.text == before
        assert 9 in fleet.house.app.feed.monitors
        await fleet.press("escape")
        await present(fleet)
        assert fleet.names[0] == "newcomer"


async def test_a_receiver_that_falls_ill_meanwhile_is_named() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        fleet.house.admin.info = replace(fleet.house.admin.info, problem="the disk is full")
        await fleet.house.app.feed.ask_receiver()
        await fleet.second()
        assert "PAST  Sun 2026-03-01 13:00   the disk is full" in fleet.line(0)
        fleet.house.store.gate.clear()
        await fleet.press("[")
        assert "PAST  Sun 2026-03-01 12:55   reading…" in fleet.line(0), "these lines are not yet those of this time"


async def test_sorting_and_filtering_work_in_the_past() -> None:
    async with travelling() as fleet:
        await fleet.press("{")
        await arrived(fleet, "Sun 2026-03-01 12:05")
        await fleet.press("N", "N")
        assert fleet.names == ["node-3", "node-2", "node-1"]
        await fleet.press("/", *"down", "enter")
        assert fleet.names == ["node-2"]
        assert "1 of 3" in fleet.line(22)


async def test_esc_clears_the_filter_first_and_says_so() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        await fleet.press("/", *"node-2", "enter")
        assert "esc esc returns to now" in fleet.line(0)
        await fleet.press("escape")
        assert len(fleet.names) == 3
        assert "PAST" in fleet.line(0)
        assert " esc returns to now" in fleet.line(0).replace("esc esc", "")
        await fleet.press("escape")
        await present(fleet)


async def test_a_key_held_down_reads_one_picture_at_a_time_and_ends_at_the_last() -> None:
    async with travelling() as fleet:
        fleet.house.store.gate.clear()
        await fleet.press(*["["] * 30)
        assert fleet.house.store.asked_past == [FIVE_BACK]
        assert "Sun 2026-03-01 10:35   reading…" in fleet.line(0)
        fleet.house.store.gate.set()
        await arrived(fleet, "Sun 2026-03-01 10:35")
        assert fleet.house.store.asked_past == [FIVE_BACK, NOW - 150 * MINUTE]


async def test_a_picture_that_comes_after_one_returned_to_now_is_not_shown() -> None:
    async with travelling() as fleet:
        fleet.house.store.gate.clear()
        await fleet.press("[", "escape")
        fleet.house.store.gate.set()
        await until(fleet.pilot, lambda: not fleet.screen._reading_past)
        await fleet.second()
        assert "healthy" in fleet.line(0)
        assert "66%" not in fleet.text


async def test_what_cannot_be_read_is_said_and_what_was_shown_stays() -> None:
    async with travelling() as fleet:
        fleet.house.store.error = StoreUnavailableError("the database cannot be read: disk I/O error")
        await fleet.press("[")
        await until(fleet.pilot, lambda: bool(toasts(fleet.house.app)))
        assert toasts(fleet.house.app) == ["the database cannot be read: disk I/O error"]
        await present(fleet)
        fleet.house.store.error = None
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")


async def test_the_way_back_ends_where_the_first_server_was_added() -> None:
    async with travelling() as fleet:
        await fleet.press(*["{"] * 30)
        await arrived(fleet, "Sat 2026-02-28 13:05")
        assert "nothing is older" in fleet.line(0)


async def test_an_empty_fleet_has_no_past() -> None:
    async with travelling(House()) as fleet:
        await fleet.press("[", "T")
        assert fleet.house.app.screen is fleet.screen
        assert "PAST" not in fleet.text


@pytest.mark.parametrize("key", ["n", "K", "p", "d"])
async def test_nothing_is_changed_in_the_past_and_the_key_says_why(key: str) -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        assert "New" not in fleet.line(23)
        await fleet.press(key)
        assert toasts(fleet.house.app) == ["This is the past: esc returns to now, where things can be changed"]
        assert fleet.house.app.screen is fleet.screen
        assert fleet.house.admin.calls == []
        titles = [command.title for command in fleet.house.app.get_system_commands(fleet.screen)]
        assert "Pause  (p)" not in titles
        assert "Back 5 minutes  ([)" in titles
        await fleet.press("escape")
        await present(fleet)
        assert "New" in fleet.line(23)


async def test_a_server_opened_in_the_past_shows_its_history_until_then_and_esc_comes_back_to_it() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        await fleet.press("enter")
        screen = fleet.house.app.screen
        assert isinstance(screen, HistoryScreen)
        assert screen._until == FIVE_BACK
        await until(fleet.pilot, lambda: screen._picture is not None)
        await fleet.press("escape")
        await arrived(fleet, "Sun 2026-03-01 13:00")


async def test_the_help_over_the_past_leaves_it_as_it_is() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        await fleet.press("?")
        assert isinstance(fleet.house.app.screen, HelpScreen)
        await fleet.press("escape")
        await arrived(fleet, "Sun 2026-03-01 13:00")


@pytest.mark.parametrize(
    ("typed", "said", "when"),
    [
        ("12:05", "Sun 2026-03-01 12:05, 1h ago", "Sun 2026-03-01 12:05"),
        ("yesterday 22:00", "Sat 2026-02-28 22:00, 15h 5m ago", "Sat 2026-02-28 22:00"),
        ("-90m", "Sun 2026-03-01 11:35, 1h 30m ago", "Sun 2026-03-01 11:35"),
    ],
)
async def test_a_time_that_is_typed_is_said_and_gone_to(typed: str, said: str, when: str) -> None:
    async with travelling() as fleet:
        await fleet.press("T", *typed)
        assert isinstance(fleet.house.app.screen, GoToTimeScreen)
        assert said in fleet.text
        await fleet.press("enter")
        await arrived(fleet, when)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("soon", "not understood: try 03:12"),
        ("today 23:00", "Sun 2026-03-01 23:00 is still to come"),
        ("-2d", "nothing is stored before Sat 2026-02-28 13:05"),
        ("[/]", "not understood"),
    ],
)
async def test_what_is_no_time_is_said_and_enter_stays(typed: str, said: str) -> None:
    async with travelling() as fleet:
        await fleet.press("T", *typed)
        assert said in fleet.text
        await fleet.press("enter")
        assert isinstance(fleet.house.app.screen, GoToTimeScreen)
        await fleet.press("escape")
        await present(fleet)
        assert fleet.house.store.asked_past == []


async def test_now_is_a_time_too() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        await fleet.press("T", *"now")
        assert "Sun 2026-03-01 13:05, now" in fleet.text
        await fleet.press("enter")
        await present(fleet)


async def test_a_box_left_with_esc_leaves_the_past_as_it_is() -> None:
    async with travelling() as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        await fleet.press("T", *"12:00", "escape")
        await arrived(fleet, "Sun 2026-03-01 13:00")


async def test_a_read_only_console_travels_too() -> None:
    async with travelling(a_house(read_only=True)) as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        assert "read-only" in fleet.line(0)


async def test_servers_that_look_alike_at_two_times_but_differ_are_drawn_anew() -> None:
    house = House(*small_fleet())
    house.store.past[0] = tuple(replace(monitor, report=a_report(55.0)) for monitor in small_fleet()[:1])
    house.store.past[FIVE_BACK] = tuple(
        replace(monitor, report=a_report(44.0), last_report_at=FIVE_BACK - 3000) for monitor in small_fleet()[:1]
    )
    async with travelling(house) as fleet:
        await fleet.press("[")
        await arrived(fleet, "Sun 2026-03-01 13:00")
        assert " 44%" in fleet.line(TOP_OF_TABLE), "today's line has the same age and sequence number"
