"""A picture that stands still while data goes on: what it holds back, and the part of the console that stops it."""

from abc import abstractmethod
from dataclasses import dataclass, field

from textual.app import App

from tui.feed import FleetChanged, FleetFeed
from tui.screens.base import ConsoleScreen

MOST_EVENTS = 1000
"""Events that are kept for the picture while it stands still; older ones are in the store."""


@dataclass(slots=True)
class Standstill:
    """Since when (ms) the picture stands still, None if it does not, and what has changed since."""

    since: int | None = None
    missed: FleetChanged = field(default_factory=FleetChanged)

    def hold_back(self, change: FleetChanged) -> None:
        """Keep what has changed for later."""
        before = self.missed
        self.missed = FleetChanged(
            (before.changed_ids | change.changed_ids) - change.gone_ids,
            before.gone_ids | change.gone_ids,
            (before.events + change.events)[-MOST_EVENTS:],
        )

    def end(self) -> FleetChanged:
        """Return all that was missed, and hold back nothing more."""
        missed, self.missed, self.since = self.missed, FleetChanged(), None
        return missed


class FreezeApp(App[None], inherit_bindings=False):
    """The part of the console that freezes the picture: the fleet as read and the clock that screens see.

    The store is read on, so that alerts come as ever and the picture catches up at once.
    """

    feed: FleetFeed
    standstill: Standstill

    @property
    def frozen_at(self) -> int | None:
        """When (ms) the picture was frozen, None if it moves."""
        return self.standstill.since

    @abstractmethod
    def now(self) -> int:
        """Return the time (ms) that screens show."""

    @abstractmethod
    def publish(self, change: FleetChanged) -> None:
        """Tell the screens what changed, unless the picture stands still."""

    def action_freeze(self) -> None:
        """Stop the picture, or let it go on from how things are now."""
        if self.frozen_at is None:
            self.standstill.since = self.now()
            self.feed.freeze()
        else:
            self.feed.thaw()
            self.publish(self.standstill.end())
        if isinstance(self.screen, ConsoleScreen):
            self.screen.show_on_top()
