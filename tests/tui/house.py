"""The house around the console: built of stand-ins, looked at, and waited for."""

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from store.models import Monitor, Sample
from tests.tui.standins import NOW, MemoryAdmin, MemoryStore
from tests.zones import stand_in_zone
from tui.app import ConsoleApp
from tui.settings import ConsoleSettings


class House:
    """A console on a store and a receiver in memory; `seconds` is its clock, `settings` are `ConsoleSettings`."""

    def __init__(self, *monitors: Monitor, samples: list[Sample] | None = None, **settings: Any) -> None:
        """Build the house around some monitors."""
        self.store = MemoryStore(*monitors, samples=samples)
        self.admin = MemoryAdmin(self.store)
        self.seconds = NOW / 1000
        self.app = ConsoleApp(
            Path("nowhere.db"),
            self.admin,
            settings=ConsoleSettings(**settings),
            clock=lambda: self.seconds,
            reader=self.store,
        )

    async def show(self, pilot: Pilot[Any], screen: Screen[Any]) -> None:
        """Read the fleet, open a screen and wait until it has drawn itself."""
        await self.app.refresh_fleet()
        await self.app.push_screen(screen)
        await until(pilot, lambda: self.app.screen is screen and bool(shown(self.app).strip()))
        await pilot.pause()


async def until(pilot: Pilot[Any], condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Let the app work until a condition holds; fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not so within {within_s} s; on the screen:\n{shown(pilot.app)}"
        await pilot.pause(0.01)


def shown(app: App[Any]) -> str:
    """Return what the top screen has on its cells, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips(app.size))


def dom_text(app: App[Any]) -> str:
    """Return the text of every widget of every screen, drawn or not, and of the toasts."""
    widgets: list[Widget] = [widget for screen in app.screen_stack for widget in screen.walk_children(Widget)]
    return "\n".join([*(repr(vars(widget)) + str(widget.render()) for widget in widgets), *toasts(app)])


def toasts(app: App[Any]) -> list[str]:
    """Return the messages that the app is showing as toasts."""
    return [toast.message for toast in app._notifications]


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine stand in the zone UTC, so that times of day are the same everywhere."""
    yield from stand_in_zone(monkeypatch, "UTC")


SnapCompare = Callable[..., bool]
"""What pytest-textual-snapshot hands to a test as `snap_compare`."""


def steps(house: House, screen: Screen[Any], ready: str, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what opens a screen, waits until it says `ready`, and then presses keys; for `snap_compare`."""

    async def run(pilot: Pilot[Any]) -> None:
        await house.show(pilot, screen)
        await until(pilot, lambda: ready in shown(house.app))
        await pilot.press(*keys)
        await pilot.pause()

    return run
