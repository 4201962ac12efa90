"""A running console on the fleet screen, and what one can see of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tests.tui.house import House, shown
from tui.screens.fleet import FleetScreen
from tui.widgets.fleet_table import FleetTable

TOP_OF_TABLE = 3


class Fleet:
    """A running console on the fleet screen, and what one can see of it."""

    def __init__(self, house: House, pilot: Pilot[None]) -> None:
        self.house = house
        self.pilot = pilot

    @property
    def screen(self) -> FleetScreen:
        screen = self.house.app.screen_stack[0]
        assert isinstance(screen, FleetScreen)
        return screen

    @property
    def table(self) -> FleetTable:
        return self.screen.table

    @property
    def names(self) -> list[str]:
        return [monitor.name for monitor in self.table.monitors]

    @property
    def selected(self) -> str | None:
        return self.table.current_monitor.name if self.table.current_monitor else None

    def line(self, y: int) -> str:
        return self.text.splitlines()[y]

    @property
    def text(self) -> str:
        return shown(self.house.app)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def second(self, count: int = 1) -> None:
        """Let seconds pass on the clock, and the console notice."""
        self.house.seconds += count
        await self.house.app.refresh_fleet()
        await self.pilot.pause()


@asynccontextmanager
async def running(house: House, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Fleet]:
    async with house.app.run_test(size=size) as pilot:
        await pilot.pause()
        fleet = Fleet(house, pilot)
        await house.app.feed.ask_receiver()
        await fleet.second(0)
        yield fleet
