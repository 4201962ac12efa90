"""What lets servers of a list be marked, and acted on together."""

from collections.abc import Collection

from store.models import Monitor
from tui.marks import Marks
from tui.screens.base import ConsoleScreen
from tui.widgets.fleet_table import FleetTable


class MarkingScreen(ConsoleScreen):
    """A screen with a fleet table whose servers can be marked."""

    def __init__(self) -> None:
        """Start without marks."""
        super().__init__()
        self._marks = Marks()

    @property
    def table(self) -> FleetTable:
        """The table."""
        return self.query_one(FleetTable)

    @property
    def marked(self) -> list[Monitor]:
        """The marked servers: those that are shown as they stand, then the others by name."""
        shown = [monitor.id for monitor in self.table.monitors]
        place = {monitor_id: index for index, monitor_id in enumerate(shown)}
        known = self.console.feed.monitors
        found = [known[monitor_id] for monitor_id in self._marks.ids if monitor_id in known]
        return sorted(found, key=lambda monitor: (place.get(monitor.id, len(place)), monitor.name))

    @property
    def marked_words(self) -> str:
        """How many servers are marked, and how many of those are not shown; empty if none is."""
        return self._marks.words({monitor.id for monitor in self.table.monitors})

    def subject(self) -> Monitor | None:
        """Return the selected monitor."""
        return self.table.current_monitor

    def take_subject(self) -> Monitor | None:
        """Return the selected monitor and keep the cursor on it, so that pressing again means the same server."""
        self.table.move_by(0)
        return self.table.current_monitor

    def take_subjects(self) -> list[Monitor]:
        """Return the marked servers if there are any, else the selected one."""
        return self.marked or super().take_subjects()

    def action_mark(self) -> None:
        """Mark the selected server, or take its mark away, and go on to the next."""
        if monitor := self.take_subject():
            self._mark(self._marks.turned(monitor.id))
            self.table.move_by(1)

    def action_mark_all(self) -> None:
        """Mark all servers that are shown; if they are, take all marks away."""
        self._mark(self._marks.all_or_none(monitor.id for monitor in self.table.monitors))

    def keep_marks(self, existing: Collection[int]) -> None:
        """Forget the marks of servers that are gone."""
        self._mark(self._marks.among(existing))

    def clear_marks(self) -> bool:
        """Take all marks away; returns whether there were any."""
        had_any = bool(self._marks)
        self._mark(Marks())
        return had_any

    def _mark(self, marks: Marks) -> None:
        if marks != self._marks:
            self._marks = marks
            self.table.mark(marks.ids)
            self.marks_changed()

    def marks_changed(self) -> None:
        """Show how many are marked."""
