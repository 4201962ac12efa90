"""History as a person meets it in a real tmux: a chart of each range, and the fleet before an outage and back."""

import asyncio
import re
from functools import partial
from pathlib import Path

import pytest

from server.upkeep import Upkeep, UpkeepOptions
from store import changes
from store.models import Status
from store.schema import prepare_database
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS
from store.writer import Writer, wall_clock_ms
from tests.conftest import Clock, make_report, ruled
from tests.e2e.harness import Station, wait_for
from tests.e2e.tmux import Pane, in_tmux

DAYS = 35
MINUTES = 300
SILENT = range(120, 180)
"""Minutes before now in which db-1 sends nothing; web-1 always does."""

RANGES = "123456"
BRAILLE = re.compile("[\u2801-\u28ff]")


async def _seed(path: Path) -> None:
    clock = Clock(ms=wall_clock_ms() - DAYS * DAY_MS)
    now = clock.ms + DAYS * DAY_MS
    writer = await Writer.open(path, clock.wall, clock.listening_s)
    made = await writer.change(partial(changes.create_monitors, names=["db-1", "web-1"], now=clock.ms))
    (_, _, db), (_, _, web) = made
    while (left := now - clock.ms) > 0:
        minute = left // MINUTE_MS
        # It rises over the weeks and swings from minute to minute, so that no range of time is flat.
        usage = 45.0 - 35 * left / (DAYS * DAY_MS) + clock.ms // MINUTE_MS % 34
        if minute not in SILENT:
            await writer.store(db, make_report(cpu_usage=usage), "192.0.2.8")
        elif minute == SILENT.stop - 10:
            await writer.rejudge(ruled(Status.DOWN, clock.ms, made[0][0]))
        await writer.store(web, make_report(cpu_usage=89 - usage), "192.0.2.7")
        clock.advance((MINUTE_MS if left <= MINUTES * MINUTE_MS else HOUR_MS) / 1000)
    await Upkeep(writer, UpkeepOptions(), clock.wall, clock.listening_s).go_round()
    await writer.close()


@pytest.fixture
def remembered(station: Station) -> Station:
    """A database that remembers five weeks, with an outage two hours ago."""
    prepare_database(station.database)
    asyncio.run(_seed(station.database))
    return station


def travel_before_the_outage_and_back(pane: Pane) -> None:
    """Look at the outage, at the time before it, and at now again."""
    pane.keys("T")
    pane.expect("Show the fleet as it was")
    pane.type("-150m")
    pane.expect("2h 30m ago")
    pane.keys("Enter")
    pane.expect(r"^ PAST ")
    pane.expect(r"1 down .* 1 up")
    pane.expect(r"down .* db-1 ")
    pane.keys("{")
    pane.expect(r"^ *\S 2 up")
    pane.expect(r"up .* db-1 ")
    pane.keys("Escape")
    pane.expect_gone(r"^ PAST ")
    pane.expect(r"agentmon .* healthy")


def look_at_each_range(pane: Pane) -> None:
    """Open the first server's charts and see data that moves in every range."""
    pane.keys("Enter")
    pane.expect("agent key")
    pane.keys("h")
    pane.expect("30d")
    for key in RANGES:
        before = pane.screen()
        pane.keys(key)
        wait_for(f"the chart of range {key}", partial(drawn_anew, pane, before))
        assert len(rows_with_data(pane.screen())) >= 3, f"range {key} is flat:\n{pane.screen()}"


def drawn_anew(pane: Pane, before: str) -> bool:
    """Tell whether another chart than before, with data in it, is on the screen."""
    screen = pane.screen()
    return screen != before and bool(rows_with_data(screen))


def rows_with_data(screen: str) -> list[str]:
    """Return the lines of the screen through which a chart's line runs."""
    return [line for line in screen.splitlines() if BRAILLE.search(line)]


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 50)])
def test_a_person_looks_back(remembered: Station, columns: int, lines: int) -> None:
    with in_tmux(remembered, columns, lines) as pane:
        pane.command("agentmon serve --tui --host 127.0.0.1 --port 0; echo exit=$?")
        pane.expect(r"2 up")
        travel_before_the_outage_and_back(pane)
        look_at_each_range(pane)
        pane.keys("q")
        pane.expect("exit=0")
