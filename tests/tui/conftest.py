"""Fixtures of the console's tests."""

from collections.abc import Callable

import pytest

from store.models import Monitor
from tests.tui.fleets import small_fleet
from tests.tui.standins import House
from tests.tui.standins import berlin_machine as berlin_machine
from tests.tui.standins import utc as utc
from tui import look


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
