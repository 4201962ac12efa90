"""A running console on the fleet screen, and what one can see of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from store.models import Monitor
from tests.tui.conftest import House, a_monitor, a_report
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
        return self.table.current.name if self.table.current else None

    def line(self, y: int) -> str:
        return "".join(segment.text for segment in self.house.app.screen._compositor.render_strips()[y])

    @property
    def text(self) -> str:
        return "\n".join(self.line(y) for y in range(self.house.app.size.height))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def second(self, count: int = 1) -> None:
        """Let seconds pass on the clock, and the console notice."""
        self.house.clock.at += count
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


def many(count: int = 100) -> list[Monitor]:
    return [a_monitor(i, f"node-{i}", report=a_report(cpu=i % 100)) for i in range(1, count + 1)]


async def until(fleet: Fleet, condition: Callable[[], bool]) -> None:
    """Wait until it holds: workers take a few turns of the loop."""
    for _ in range(100):
        if condition():
            return
        await fleet.pilot.pause()
    assert condition()
