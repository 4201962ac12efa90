"""Which servers are marked, to be acted on together. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marks:
    """The ids of marked monitors; sorting, filtering and refreshing leave them as they are."""

    ids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Return whether any is marked."""
        return bool(self.ids)

    def turned(self, monitor_id: int) -> "Marks":
        """Return the marks with one set, or taken away if it was."""
        return Marks(self.ids ^ {monitor_id})

    def all_or_none(self, shown: Iterable[int]) -> "Marks":
        """Return the marks with all that are shown; none, hidden ones included, if those are marked already."""
        wanted = frozenset(shown)
        return Marks() if wanted <= self.ids else Marks(self.ids | wanted)

    def among(self, existing: Collection[int]) -> "Marks":
        """Return the marks without those of monitors that are gone."""
        left = frozenset(monitor_id for monitor_id in self.ids if monitor_id in existing)
        return self if left == self.ids else Marks(left)

    def words(self, shown: Collection[int]) -> str:
        """Return how many are marked, and how many of those are not shown; empty if none is."""
        if not self.ids:
            return ""
        hidden = sum(monitor_id not in shown for monitor_id in self.ids)
        return f"{len(self.ids)} marked" + (f", {hidden} not shown" if hidden else "")
