"""Fixtures of the console's tests."""

import asyncio
from collections.abc import Callable

import pytest

from store.models import Monitor
from tests.tui.fleets import small_fleet
from tests.tui.house import House, SnapCompare
from tests.tui.house import utc as utc
from tests.tui.leaping import LeapingLoop, leaping_clock
from tui import look


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let the console's tests pass in no time, but for those that wait for other processes."""
    return {"loop": LeapingLoop if _may_leap(item) else asyncio.SelectorEventLoop}


def _may_leap(item: pytest.Item) -> bool:
    return item.get_closest_marker("real_time") is None


@pytest.fixture(autouse=True)
def _timers_leap_with_the_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Textual's timers go by the clock of the loop that they wait on."""
    if _may_leap(request.node):
        monkeypatch.setattr("textual._time.get_time", leaping_clock)


@pytest.fixture
def snap_compare(snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch) -> SnapCompare:
    """Return what compares pictures, on a loop that leaps: it runs the console on one of its own."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", LeapingLoop)
    return snap_compare


@pytest.fixture(autouse=True)
def _no_terminal_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tmux or screen that the tests are run in out of them: its clipboard is someone's."""
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


MakeHouse = Callable[..., House]


@pytest.fixture(autouse=True)
def _dark() -> None:
    """Begin in the dark look, whatever the test before has left."""
    look.use(look.DARK.name)


@pytest.fixture
def house() -> MakeHouse:
    """Return what builds a `House` of a list of monitors, by default those of `small_fleet`."""

    def build(monitors: list[Monitor] | None = None, *, read_only: bool = False) -> House:
        return House(*(small_fleet() if monitors is None else monitors), read_only=read_only)

    return build
