"""The tiers of history: how wide their buckets are and how long they are kept by default."""

from dataclasses import dataclass

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
END_OF_TIME = 2**62
"""Later than any report."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A rolled-up tier; `name` is its step on the command line and in its tables' names."""

    name: str
    width_ms: int


FIVE_MINUTES = Tier("5m", 5 * MINUTE_MS)
ONE_HOUR = Tier("1h", HOUR_MS)
ROLLED = (FIVE_MINUTES, ONE_HOUR)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each tier is kept, in milliseconds.

    Raw reports are kept for two hours at least, since an hour's bucket is made from them until it closes.
    """

    raw: int = 48 * HOUR_MS
    five_minutes: int = 14 * DAY_MS
    one_hour: int = 400 * DAY_MS

    def __post_init__(self) -> None:
        """Raise ValueError for times that would lose what a wider tier is still made from."""
        if self.raw < 2 * HOUR_MS:
            raise ValueError("raw reports are kept for at least 2 hours")
        if not self.raw <= self.five_minutes <= self.one_hour:
            raise ValueError("a wider tier is kept at least as long as a narrower one")

    def of(self, tier: Tier) -> int:
        """Return how long a rolled-up tier is kept."""
        return self.five_minutes if tier is FIVE_MINUTES else self.one_hour
