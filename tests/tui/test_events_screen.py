"""The events screen: newest first, live, filtered as one types, and a way into each event's time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date

import pytest
from textual.pilot import Pilot

from store.errors import StoreUnavailableError
from store.events import Event
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import Fleet, running
from tests.tui.fleets import small_fleet
from tests.tui.happenings import DAY, HOUR, a_week, degraded, down, numbered, up
from tests.tui.house import House, SnapCompare, steps, toasts, until
from tests.tui.standins import MINUTE, NOW
from tui import event_pages
from tui.screens.events import MARGIN_MS, EventsScreen
from tui.screens.fleet import FleetScreen
from tui.screens.history import HistoryScreen
from tui.screens.server import ServerScreen
from tui.widgets.event_line import Shown, heading, is_shown, line_of, segments, when
from tui.widgets.line_list import LineList

TOP = 2
"""The first line of the list, below the line on top and the titles."""

TODAY = date(2026, 3, 1)
pytestmark = pytest.mark.usefixtures("utc")


class Events(Fleet):
    """A running console on the events screen."""

    @property
    def events_screen(self) -> EventsScreen:
        screen = self.house.app.screen
        assert isinstance(screen, EventsScreen)
        return screen

    @property
    def told(self) -> list[str]:
        """What the lines say, top to bottom."""
        return [line.words for line in self.events_screen.lines.rows]

    async def happen(self, *events: Event) -> None:
        """Let events happen, and the console notice."""
        happened = self.house.store.happened
        happened += numbered(list(events), len(happened) + 1)
        before = len(self.told)
        await self.second()
        await until(self.pilot, lambda: len(self.told) > before)


@asynccontextmanager
async def events(house: House, *keys: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Events]:
    async with running(house, size) as fleet:
        on = Events(house, fleet.pilot)
        await on.press(*(keys or ("E",)))
        await until(on.pilot, lambda: "Reading…" not in on.text)
        yield on


@pytest.fixture
def week(house: MakeHouse) -> House:
    """A house in which a week's events happened."""
    made = house()
    made.store.happened = a_week()
    return made


@pytest.mark.parametrize(
    ("ago", "narrow", "wide"),
    [
        (0, "13:05:00", "13:05:00"),
        (13 * HOUR, "00:05:00", "00:05:00"),
        (14 * HOUR, "02-28 23:05", "2026-02-28 23:05:00"),
        (400 * DAY, "2025-01-25", "2025-01-25 13:05:00"),
    ],
)
def test_a_time_has_a_date_if_it_is_not_of_today(ago: int, narrow: str, wide: str) -> None:
    assert when(NOW - ago, TODAY, wide=False) == narrow.rjust(11)
    assert when(NOW - ago, TODAY, wide=True) == wide.rjust(19)


@pytest.mark.parametrize("cells", [58, 78, 118, 158])
@pytest.mark.parametrize("names", [True, False])
def test_a_line_fills_its_cells_and_stands_below_its_titles(cells: int, names: bool) -> None:
    titles = heading(cells, names=names)[0].text
    for event in a_week():
        line = line_of(event, TODAY)
        pieces = segments(line, cells, names=names)
        assert sum(piece.cell_length for piece in pieces) == cells, event.kind
        text = "".join(piece.text for piece in pieces)
        assert text[titles.index("EVENT") :].startswith(line.words[:10]), event.kind


def test_a_hostile_name_moves_nothing() -> None:
    line = line_of(replace(down(), monitor="\x1b[2J\u202e[/]"), TODAY)
    text = "".join(piece.text for piece in segments(line, 78))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_problems_and_changes_are_all_there_is() -> None:
    for event in a_week():
        assert is_shown(event, Shown.ALL)
        assert is_shown(event, Shown.PROBLEMS) is not is_shown(event, Shown.CHANGES)


async def test_the_newest_stands_on_top_with_its_time_server_and_what_happened(week: House) -> None:
    async with events(week, size=(120, 24)) as on:
        assert on.told[0] == "CPU 95% for 5m, critical from 90%"
        assert on.told[-1] == "receiver started for the first time"
        assert on.line(TOP + 1).split() == ["12:19:00", "✗", "mail", "down", "down,", "silent", "for", "5m"]


async def test_nothing_yet_is_said_in_words(house: MakeHouse) -> None:
    async with events(house()) as on:
        assert "Nothing has happened yet." in on.text
        await on.press("tab")
        assert "No problems so far." in on.text


async def test_what_happens_appears_on_top_and_the_selection_stays(week: House) -> None:
    async with events(week) as on:
        await on.press("j")
        assert on.line(TOP + 1).startswith("▌   12:19:00  ✗ mail")
        await on.happen(up())
        assert "up again, was down for 12m" in on.line(TOP)
        assert on.line(TOP + 2).startswith("▌   12:19:00  ✗ mail")


async def test_what_happened_while_it_was_covered_is_there_when_one_comes_back(week: House) -> None:
    async with events(week) as on:
        await on.press("enter")
        week.store.happened += numbered([up()], len(week.store.happened) + 1)
        await on.second()
        await on.press("escape")
        await until(on.pilot, lambda: on.told[0] == "up again, was down for 12m")


async def test_tab_goes_from_all_to_problems_to_changes(week: House) -> None:
    async with events(week) as on:
        everything = on.told
        await on.press("tab")
        problems = on.told
        assert "rebooted, 1m 35s after its last report" in problems
        assert "created" not in problems
        await on.press("tab")
        assert "renamed, was www" in on.told
        assert sorted([*problems, *on.told]) == sorted(everything)
        await on.press("tab")
        assert on.told == everything


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mail", ["down, silent for 5m"]),
        ("shared", ["two machines use its key: web-10 and web-11"]),
        ("Scratch DOWN", ["down, silent for 5m"]),
        ("network?", ["no reports from anyone for 6m 20s, all 10 are silent: is it this machine's network?"]),
        ("nowhere", []),
    ],
)
async def test_it_filters_by_server_kind_and_sentence_as_one_types(week: House, typed: str, found: list[str]) -> None:
    async with events(week) as on:
        await on.press("/", *typed)
        assert on.told == found
        assert f"{len(found)} of 19" in on.text
        assert ("No event matches" in on.text) is (not found)


async def test_esc_clears_the_filter_and_then_goes_back(week: House) -> None:
    async with events(week) as on:
        await on.press("/", *"mail", "enter", "escape")
        assert len(on.told) == 19
        assert "Filter /" not in on.text
        await on.press("escape")
        assert isinstance(on.house.app.screen, FleetScreen)


async def test_an_event_that_the_filter_keeps_stays_selected(week: House) -> None:
    async with events(week) as on:
        await on.press("j", "/", *"mail")
        await on.press("escape")
        assert on.line(TOP + 1).startswith("▌   12:19:00  ✗ mail")


async def test_enter_opens_the_charts_at_the_events_time(week: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with events(week) as on:
        opened: list[tuple[int, int | None]] = []
        monkeypatch.setattr(on.house.app, "open_history", lambda *where: opened.append(where))
        await on.press("enter", "j", "enter")
        assert opened == [(4, None), (6, NOW - 46 * MINUTE + MARGIN_MS)]


async def test_from_the_charts_esc_leads_back_to_the_event(week: House) -> None:
    async with events(week) as on:
        await on.press("j", "enter")
        assert isinstance(on.house.app.screen, HistoryScreen)
        await on.press("escape")
        assert on.line(TOP + 1).startswith("▌   12:19:00  ✗ mail")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("scratch", "scratch was deleted since, and its history with it"),
        ("receiver", "This event is about no single server"),
    ],
)
async def test_where_there_are_no_charts_enter_says_so(week: House, typed: str, said: str) -> None:
    async with events(week) as on:
        await on.press("/", *typed, "enter", "enter")
        assert toasts(on.house.app) == [said]
        assert on.events_screen
        assert "enter Charts" not in on.text


async def test_the_whole_sentence_stands_below_with_what_became_of_the_server(week: House) -> None:
    async with events(week) as on:
        await on.press("/", *"anyone", "enter")
        assert "all 10 are silent: is it this machine's network?" in " ".join(on.text.split())
        await on.press("escape", "/", *"scratch", "enter")
        assert "scratch, deleted since" in on.text
        on.house.store.put(replace(small_fleet()[5], name="post"))
        await on.second()
        await on.press("escape", "/", *"mail", "enter")
        assert "mail, now post" in on.text


@pytest.mark.parametrize("via", [(), ("enter",)])
async def test_the_events_of_one_server_are_a_key_away(week: House, via: tuple[str, ...]) -> None:
    async with events(week, *via, "e") as on:
        assert " Events  of mail" in on.line(0)
        assert on.told == ["down, silent for 5m"]
        assert "SERVER" not in on.line(1)
        await on.press("escape")
        assert isinstance(on.house.app.screen, ServerScreen if via else FleetScreen)


async def test_events_of_another_server_do_not_come_into_a_servers_events(week: House) -> None:
    async with events(week, "e") as on:
        await on.happen(down(7, "vpn"), degraded(), up())
        assert on.told == ["up again, was down for 12m", "down, silent for 5m"]


async def test_older_pages_are_read_as_one_comes_to_the_end(house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_pages, "PAGE", 50)
    made = house()
    made.store.happened = numbered([down(number, f"web-{number}") for number in range(1, 201)])
    async with events(made) as on:
        assert len(on.told) == 50
        await on.press("G")
        await until(on.pilot, lambda: len(on.told) == 100)
        assert "▌   13:05:00  ✗ web-151" in on.text
        await on.press("G", "G", "G", "G")
        await until(on.pilot, lambda: len(on.told) == 200)


async def test_a_filter_looks_through_older_pages_until_it_fills_the_screen(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_pages, "PAGE", 50)
    made = house()
    made.store.happened = numbered([down(number, f"web-{number}") for number in range(1, 201)])
    async with events(made) as on:
        await on.press("/", *"web-7")
        await until(on.pilot, lambda: len(on.told) == 11)
        assert "11 of 200" in on.text


async def test_no_more_are_kept_than_is_good_and_it_is_said(house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_pages, "PAGE", 50)
    monkeypatch.setattr(event_pages, "MOST", 100)
    made = house()
    made.store.happened = numbered([down(number, f"web-{number}") for number in range(1, 201)])
    async with events(made) as on:
        await on.press("/", *"web-7")
        await until(on.pilot, lambda: "the newest" in on.line(0))
        assert "No event matches" in on.text


async def test_more_than_a_page_at_once_leaves_no_hole(house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_pages, "PAGE", 5)
    pages, store = event_pages.EventPages(), house().store
    store.happened = numbered([down(number) for number in range(1, 4)])
    await pages.read_newer(store)
    store.happened += numbered([down(number) for number in range(1, 10)], 4)
    await pages.read_newer(store)
    assert [event.id for event in pages.events] == [12, 11, 10, 9, 8]
    while pages.has_older:
        await pages.read_older(store)
    assert [event.id for event in pages.events] == list(range(12, 0, -1))


async def test_a_database_that_cannot_be_read_is_said_and_tried_again(week: House) -> None:
    week.store.error = StoreUnavailableError("the disk is gone")
    async with events(week) as on:
        assert "the disk is gone" in on.text
        week.store.error = None
        await on.second()
        await until(on.pilot, lambda: len(on.told) == 19)


async def test_a_new_day_gives_yesterdays_events_their_date(week: House) -> None:
    async with events(week) as on:
        await on.second(12 * 3600)
        assert "03-01 12:19  ✗ mail" in on.line(TOP + 1)


async def test_a_second_without_events_reads_and_draws_nothing(week: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with events(week) as on:
        drawn: list[object] = []
        monkeypatch.setattr(LineList, "refresh", lambda widget, *regions, **_: drawn.append(regions))
        monkeypatch.setattr(event_pages.EventPages, "read_newer", lambda pages, reader: drawn.append("read"))
        await on.second(3)
        assert drawn == []


async def test_a_click_selects_and_a_second_one_opens(week: House) -> None:
    async with events(week) as on:
        await on.pilot.click(LineList, offset=(30, 2))
        assert on.line(TOP + 1).startswith("▌")
        await on.pilot.click(LineList, offset=(30, 2))
        await until(on.pilot, lambda: isinstance(on.house.app.screen, HistoryScreen))


def looking(house: House, ready: str, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    return steps(house, EventsScreen(), ready, *keys)


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (60, 15)], ids=str)
def test_events_look_as_they_did(snap_compare: SnapCompare, week: House, size: tuple[int, int]) -> None:
    run = looking(week, "CPU 95%", "j")
    assert snap_compare(week.app, terminal_size=size, run_before=run)


def test_filtered_events_look_as_they_did(snap_compare: SnapCompare, week: House) -> None:
    run = looking(week, "CPU 95%", "tab", "/", *"down")
    assert snap_compare(week.app, terminal_size=(80, 24), run_before=run)


def test_no_events_look_as_they_did(snap_compare: SnapCompare, house: MakeHouse) -> None:
    made = house()
    assert snap_compare(made.app, terminal_size=(80, 24), run_before=looking(made, "Nothing has happened"))
