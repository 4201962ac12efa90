"""How the fleet and the help look: one picture each, to be looked at when it changes."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest
from textual.pilot import Pilot

from store.models import Monitor
from tests.tui.conftest import MakeHouse
from tui.app import ConsoleApp


class SnapCompare(Protocol):
    """What pytest-textual-snapshot hands in."""

    def __call__(
        self, app: ConsoleApp, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Awaitable[None]]
    ) -> bool:
        """Compare the app's screen with its stored picture."""
        ...


CASES: dict[str, tuple[tuple[int, int], tuple[str, ...], list[Monitor] | None]] = {
    "fleet": ((80, 24), (), None),
    "wide": ((160, 50), ("j", "j"), None),
    "medium": ((120, 30), ("D",), None),
    "empty": ((80, 24), (), []),
    "filtered": ((80, 24), ("/", "w", "e", "b"), None),
    "help": ((80, 24), ("?",), None),
}


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
        await pilot.pause()

    assert snap_compare(house(monitors).app, terminal_size=size, run_before=settle)
