"""How the fleet and the help look: one picture each, to be looked at when it changes."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from store.models import Monitor, Status
from tests.tui.conftest import MakeHouse
from tests.tui.fleets import small_fleet
from tests.tui.house import SnapCompare, shown, until
from tests.tui.standins import NOW
from tui.app import ConsoleApp


def an_outage() -> tuple[Monitor, ...]:
    """Return the small fleet as it was five minutes ago, when what is down today was up, and most else down."""
    return tuple(_then(monitor) for monitor in small_fleet())


def _then(monitor: Monitor) -> Monitor:
    if monitor.report is None:
        return monitor
    up = monitor.status is Status.DOWN
    age_s = 307 if up else 600 + 60 * monitor.id**3
    status = Status.UP if up else Status.DOWN
    return replace(monitor, status=status, last_report_at=NOW - 1000 * age_s, full_at={})


CASES: dict[str, tuple[tuple[int, int], tuple[str, ...], list[Monitor] | None]] = {
    "fleet": ((80, 24), (), None),
    "wide": ((160, 50), ("j", "j"), None),
    "medium": ((120, 30), ("D",), None),
    "empty": ((80, 24), (), []),
    "filtered": ((80, 24), ("/", "w", "e", "b"), None),
    "past": ((80, 24), ("[", "j"), None),
    "time": ((80, 24), ("T", *"12:05"), None),
    "help": ((80, 24), ("?",), None),
}


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize("case", CASES)
def test_the_fleet_looks_as_it_did(snap_compare: SnapCompare, house: MakeHouse, case: str) -> None:
    size, keys, monitors = CASES[case]

    async def settle(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await app.feed.ask_receiver()
        await app.refresh_fleet()
        await pilot.pause()
        await pilot.press(*keys)
        await until(pilot, lambda: "reading…" not in shown(app))
        await pilot.pause()

    made = house(monitors)
    made.store.past[0] = an_outage()
    assert snap_compare(made.app, terminal_size=size, run_before=settle)
