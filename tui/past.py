"""The moment of the past that the fleet is looked at, and the fleet as it was then.

Plain values and an awaitable, as in `tui.feed`: the screen decides when to read.
"""

from dataclasses import dataclass

from store.models import Monitor
from tui.feed import FleetReader


@dataclass(frozen=True, slots=True)
class Picture:
    """The fleet as it was at a time (ms)."""

    at: int
    monitors: tuple[Monitor, ...]


class Past:
    """Which time (ms) is `wanted`, None being now, and which `picture` has been read, which may lag behind."""

    def __init__(self) -> None:
        """Start in the present."""
        self.wanted: int | None = None
        self.picture: Picture | None = None

    @property
    def behind(self) -> bool:
        """Whether another time is wanted than the picture's."""
        return self.wanted is not None and (self.picture is None or self.picture.at != self.wanted)

    def go(self, at: int | None) -> None:
        """Want another time; None is now."""
        self.wanted = at
        if at is None:
            self.picture = None

    def stay(self) -> None:
        """Want no other time than the picture's, or now if there is none."""
        self.wanted = self.picture.at if self.picture else None

    async def read(self, reader: FleetReader) -> None:
        """Read the picture that is wanted now; what is wanted meanwhile takes another read, the last of it only."""
        at = self.wanted
        if at is None:
            return
        monitors = await reader.fleet_at(at)
        if self.wanted is not None:
            self.picture = Picture(at, monitors)
