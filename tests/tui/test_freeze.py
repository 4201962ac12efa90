"""A frozen picture: it stands still while data goes on, says so, and catches up at once."""

from dataclasses import replace

import pytest

from store.events import Event, EventKind
from store.models import Status
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import TOP_OF_TABLE, Fleet, running
from tests.tui.fleets import a_monitor, a_report
from tests.tui.house import House, shown, toasts, until
from tests.tui.standins import NOW, hour, monitor
from tui.feed import FleetChanged
from tui.freeze import MOST_EVENTS, Standstill
from tui.screens.events import EventsScreen
from tui.screens.history import HistoryScreen
from tui.screens.server import ServerScreen

MARK = " FROZEN since 13:05:00, f goes on"
BELOW_MARK = TOP_OF_TABLE + 1

pytestmark = pytest.mark.usefixtures("utc")


async def a_second(house: House, count: int = 1) -> None:
    """Let time pass as the console's timer does, and all that comes of it be done."""
    house.seconds += count
    house.app._tick()
    await house.app.workers.wait_for_complete()


def pictures(house: House, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what is handed to the terminal from now on."""
    sent: list[object] = []
    monkeypatch.setattr(house.app, "_display", lambda _screen, drawn: sent.append(drawn))
    return sent


def goes_down() -> Event:
    return Event(EventKind.DOWN, NOW, 1, "web", {"silence_s": 400.0}, id=1)


async def test_the_picture_stands_still_while_data_goes_on(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web", age_s=3), a_monitor(2, "gone")])) as fleet:
        await fleet.press("f")
        assert fleet.line(0).rstrip() == MARK.rstrip()
        before = fleet.text
        fleet.house.store.put(a_monitor(1, "web", Status.DOWN, report=a_report(cpu=77.0)))
        fleet.house.store.put(a_monitor(3, "new"))
        fleet.house.store.drop(2)
        for _ in range(3):
            await a_second(fleet.house)
        assert fleet.text == before


async def test_f_again_catches_up_at_once(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web", age_s=3), a_monitor(2, "gone")])) as fleet:
        await fleet.press("f")
        fleet.house.store.put(a_monitor(1, "web", Status.DOWN, report=a_report(cpu=77.0)))
        fleet.house.store.put(a_monitor(3, "new"))
        fleet.house.store.drop(2)
        await a_second(fleet.house, 60)
        await fleet.press("f")
        assert "FROZEN" not in fleet.text
        assert fleet.names == ["web", "new"]
        assert "down" in fleet.line(TOP_OF_TABLE)
        assert " 77%" in fleet.line(TOP_OF_TABLE)
        assert "1m  web" in fleet.line(TOP_OF_TABLE)


async def test_a_frozen_picture_sends_nothing_at_rest(house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(house([a_monitor(number, f"web-{number}", age_s=3) for number in range(1, 30)])) as fleet:
        sent = pictures(fleet.house, monkeypatch)
        await a_second(fleet.house)
        await fleet.pilot.pause()
        assert sent, "a picture that moves sends its clocks"
        await fleet.press("f")
        sent.clear()
        for second in range(5):
            fleet.house.store.put(a_monitor(second + 1, f"web-{second}", report=a_report(cpu=90.0)))
            await a_second(fleet.house)
            await fleet.pilot.pause()
        assert sent == []


async def test_sorting_and_filtering_go_on_in_the_frozen_picture(house: MakeHouse) -> None:
    fleet_of_two = [a_monitor(1, "a", report=a_report(10)), a_monitor(2, "b", report=a_report(20))]
    async with running(house(fleet_of_two)) as fleet:
        await fleet.press("f")
        fleet.house.store.put(a_monitor(1, "a", report=a_report(90)))
        await a_second(fleet.house, 5)
        await fleet.press("U")
        assert fleet.names == ["b", "a"]
        assert " 10%" in fleet.line(BELOW_MARK + 1)
        await fleet.press("f")
        assert fleet.names == ["a", "b"]


async def test_an_outage_is_told_all_the_same(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web")])) as fleet:
        await fleet.press("f")
        fleet.house.store.happened.append(goes_down())
        await a_second(fleet.house)
        assert any("web" in toast for toast in toasts(fleet.house.app))


async def test_a_change_made_meanwhile_says_that_it_is_not_seen(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web")])) as fleet:
        await fleet.press("f", "p")
        await until(fleet.pilot, lambda: len(fleet.house.app.screen_stack) == 2)
        await fleet.press("enter")
        await until(fleet.pilot, lambda: "pause web" in fleet.house.admin.calls)
        await until(fleet.pilot, lambda: "The picture is frozen: f shows what has changed" in toasts(fleet.house.app))
        assert "paused" not in fleet.line(BELOW_MARK)
        await fleet.press("f")
        assert "paused" in fleet.line(TOP_OF_TABLE)


@pytest.mark.parametrize("screen", [ServerScreen(1), HistoryScreen(1), EventsScreen()], ids=lambda each: each.room.name)
async def test_every_screen_stands_still_and_says_so(
    screen: ServerScreen | HistoryScreen | EventsScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(monitor(), samples=hour())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, screen)
        await pilot.press("f")
        await until(pilot, lambda: shown(house.app).startswith(MARK))
        await house.app.workers.wait_for_complete()
        await pilot.pause()
        before, sent = shown(house.app), pictures(house, monkeypatch)
        house.store.put(replace(monitor(), status=Status.DOWN))
        for _ in range(3):
            await a_second(house, 120)
            await pilot.pause()
        assert (shown(house.app), sent) == (before, [])
        await pilot.press("f")
        await until(pilot, lambda: "FROZEN" not in shown(house.app))


async def test_the_mark_goes_along_to_other_screens_and_leaves_all_of_them(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("f", "enter")
        await until(fleet.pilot, lambda: isinstance(fleet.house.app.screen, ServerScreen) and MARK in fleet.text)
        await fleet.press("f", "escape")
        await until(fleet.pilot, lambda: fleet.house.app.screen is fleet.screen)
        assert "FROZEN" not in fleet.text
        await _freeze_later(fleet)


async def _freeze_later(fleet: Fleet) -> None:
    """Freeze, go on and freeze again elsewhere: the mark at home names the last time."""
    await fleet.press("f", "enter", "f")
    fleet.house.seconds += 60
    await fleet.press("f", "escape")
    await until(fleet.pilot, lambda: fleet.line(0).startswith(" FROZEN since 13:06:00"))


async def test_events_of_later_are_not_in_the_frozen_picture(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web")])) as fleet:
        fleet.house.store.happened.append(goes_down())
        await fleet.press("f", "E")
        await until(fleet.pilot, lambda: "web" in fleet.line(3))
        await fleet.press("escape")
        later = replace(goes_down(), id=2, at=NOW + 1000, monitor="db")
        fleet.house.store.happened.append(later)
        await a_second(fleet.house, 2)
        await fleet.press("E")
        await until(fleet.pilot, lambda: "web" in fleet.line(3))
        await fleet.house.app.workers.wait_for_complete()
        await fleet.pilot.pause()
        assert " db " not in "\n".join(fleet.text.splitlines()[3:5])
        await fleet.press("f")
        await until(fleet.pilot, lambda: " db " in fleet.line(2))


def test_what_is_missed_is_told_once_and_not_without_end() -> None:
    still = Standstill(since=NOW)
    still.hold_back(FleetChanged(frozenset({1, 2}), frozenset()))
    still.hold_back(FleetChanged(frozenset({3}), frozenset({2}), (goes_down(),) * (MOST_EVENTS + 5)))
    missed = still.end()
    assert missed.changed_ids == {1, 3}
    assert missed.gone_ids == {2}
    assert len(missed.events) == MOST_EVENTS
    assert still.end() == FleetChanged()
    assert still.since is None
