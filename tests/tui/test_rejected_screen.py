"""The refused reports: why a new server does not show, and the ways that lead there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

import pytest

from store.errors import ReceiverUnreachableError, StoreUnavailableError
from store.rejections import Refusal, Rejection, advice
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import Fleet, running
from tests.tui.fleets import pending, small_fleet
from tests.tui.happenings import refused
from tests.tui.house import House, SnapCompare, shown, steps, until
from tests.tui.standins import NOW, URL
from tui.feed import LATELY_MS
from tui.screens.fleet import FleetScreen
from tui.screens.key import KeyScreen
from tui.screens.rejected import RejectedScreen
from tui.widgets.line_list import LineList
from tui.widgets.rejection_line import RejectionLine, count, heading, reason, segments

TOP = 2
"""The first line of the list, below the line on top and the titles."""

TODAY = date(2026, 3, 1)
HINT = "Reports were refused in the last minutes: ! shows why."
pytestmark = pytest.mark.usefixtures("utc")


@pytest.fixture
def refusing(house: MakeHouse) -> House:
    """A house whose receiver refused reports."""
    made = house()
    made.store.refused = refused()
    return made


@asynccontextmanager
async def rejected(house: House, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Fleet]:
    async with running(house, size) as fleet:
        await fleet.press("!")
        assert isinstance(house.app.screen, RejectedScreen)
        yield fleet


async def read(fleet: Fleet) -> None:
    """Let the console read what was refused, as it does by itself every few seconds."""
    await fleet.house.app._read_rejections()
    await fleet.pilot.pause()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (1441, "1,441"),
        (99_999, "99,999"),
        (100_000, "0.1M"),
        (99_949_999, "99.9M"),
        (12_345_678_901, "12.3G"),
    ],
)
def test_a_count_fits_six_cells(number: int, text: str) -> None:
    assert count(number) == text
    assert len(text) <= 6


@pytest.mark.parametrize("cells", [58, 67, 68, 78, 129, 130, 158])
@pytest.mark.parametrize("rejection", refused(), ids=lambda rejection: rejection.address)
def test_a_line_fills_its_cells_and_stands_below_its_titles(rejection: Rejection, cells: int) -> None:
    pieces = segments(RejectionLine(rejection, TODAY, recent=True), cells)
    assert sum(piece.cell_length for piece in pieces) == cells
    text, titles = "".join(piece.text for piece in pieces), heading(cells)[0].text
    assert text[titles.index("WHY") :].startswith(reason(rejection)[:8])
    assert text[titles.index("FROM") :].startswith(rejection.address[:14])


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    hostile = replace(refused()[2], field="disk_usage.\x1b[2J\u202e")
    text = "".join(piece.text for piece in segments(RejectionLine(hostile, TODAY, recent=True), 158))
    assert "\x1b" not in text
    assert "\u202e" not in text


async def test_each_kind_of_refusal_is_one_line_the_latest_first(refusing: House) -> None:
    async with rejected(refusing) as fleet:
        words = ["13:04:48", "31", "203.0.113.9", "9f86d081", "unknown", "agent", "key"]
        assert fleet.line(TOP).replace("▌", "").split() == words
        assert fleet.line(TOP + 3).split()[:4] == ["02-27", "13:05", "1", "198.51.100.77"]
        assert "4 kinds" in fleet.line(0)


async def test_below_stands_what_to_do_about_the_selected_one(refusing: House) -> None:
    async with rejected(refusing) as fleet:
        for each in refused():
            said = " ".join(fleet.text.split())
            assert advice(each).casefold() in said.casefold()
            assert each.address in said
            await fleet.press("j")


async def test_what_is_refused_now_shows_while_one_looks(refusing: House) -> None:
    async with rejected(refusing) as fleet:
        await fleet.press("j")
        first, second, *others = refused()
        new = Rejection("192.0.2.99", "aaaaaaaa", Refusal.UNKNOWN_KEY, "", 404, 1, NOW, NOW)
        refusing.store.refused = [new, replace(first, count=32), second, *others]
        await until(fleet.pilot, lambda: "192.0.2.99" in fleet.line(TOP))
        assert " 32  203.0.113.9" in fleet.line(TOP + 1)
        assert fleet.line(TOP + 2).startswith("▌   13:04:20   1,441  2001:db8")


async def test_nothing_refused_says_what_to_check_then(house: MakeHouse) -> None:
    async with rejected(house()) as fleet:
        assert "No report was refused." in fleet.text
        assert f"Agents report to {URL}:" in fleet.text
        assert "agent.sh test" in fleet.text
        await fleet.press("escape")
        assert isinstance(fleet.house.app.screen, FleetScreen)


async def test_a_database_that_cannot_be_read_is_not_taken_for_peace(house: MakeHouse) -> None:
    made = house()
    made.store.error = StoreUnavailableError("the disk is gone")
    async with rejected(made) as fleet:
        await until(fleet.pilot, lambda: "the disk is gone" in fleet.text)
        assert "No report was refused" not in fleet.text


async def test_a_second_without_refusals_draws_nothing(refusing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rejected(refusing) as fleet:
        drawn: list[object] = []
        monkeypatch.setattr(LineList, "refresh", lambda widget, *regions, **_: drawn.append(regions))
        await read(fleet)
        await fleet.second(3)
        assert drawn == []


async def test_the_fleets_header_points_to_what_was_refused_lately(refusing: House) -> None:
    async with running(refusing) as fleet:
        await read(fleet)
        assert fleet.line(1).endswith("3 refused: !")
        await fleet.second(LATELY_MS // 1000)
        assert "refused" not in fleet.line(1)


@pytest.mark.parametrize(("width", "said"), [(80, True), (79, False), (60, True)])
async def test_the_header_says_so_only_where_it_hides_no_status(refusing: House, width: int, said: bool) -> None:
    async with running(refusing, (width, 24)) as fleet:
        await read(fleet)
        assert ("refused" in fleet.line(1)) is said
        assert "● 5" in fleet.line(1)
        assert ("● 5 up" in fleet.line(1)) is (width > 60)


async def test_it_is_read_by_itself_every_few_seconds(refusing: House) -> None:
    async with running(refusing) as fleet:
        await until(fleet.pilot, lambda: "3 refused: !" in fleet.line(1))


@pytest.mark.parametrize("read_only", [False, True])
async def test_an_empty_fleet_points_to_it(house: MakeHouse, read_only: bool) -> None:
    made = house([], read_only=read_only)
    async with running(made) as fleet:
        assert HINT not in fleet.text
        made.store.refused = refused()
        await read(fleet)
        await fleet.second()
        assert HINT in fleet.text


async def test_the_key_screen_points_to_it_while_it_waits_for_the_first_report(house: MakeHouse) -> None:
    made = house([pending(1, "new-box"), small_fleet()[1]])
    made.store.refused = refused()
    async with running(made, (100, 30)) as fleet:
        await read(fleet)
        await made.show(fleet.pilot, KeyScreen("new-box"))
        await until(fleet.pilot, lambda: HINT in fleet.text)
        await fleet.press("!")
        assert isinstance(made.app.screen, RejectedScreen)
        await fleet.press("escape")
        assert isinstance(made.app.screen, KeyScreen)
        made.store.put(replace(small_fleet()[0], id=1, name="new-box"))
        await fleet.second()
        await until(fleet.pilot, lambda: "received" in fleet.text)
        assert HINT not in fleet.text


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (60, 15)], ids=str)
def test_refused_reports_look_as_they_did(snap_compare: SnapCompare, refusing: House, size: tuple[int, int]) -> None:
    run = steps(refusing, RejectedScreen(), "203.0.113.9", "j")
    assert snap_compare(refusing.app, terminal_size=size, run_before=run)


def test_nothing_refused_looks_as_it_did(snap_compare: SnapCompare, house: MakeHouse) -> None:
    made = house()
    run = steps(made, RejectedScreen(), URL)
    assert snap_compare(made.app, terminal_size=(80, 24), run_before=run)


async def test_without_a_receiver_it_says_that_no_report_can_arrive() -> None:
    house = House()
    house.admin.error = ReceiverUnreachableError("no receiver runs on this database")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.app.feed.ask_receiver()
        await house.show(pilot, RejectedScreen())
        await until(pilot, lambda: "agentmon serve" in shown(house.app))
