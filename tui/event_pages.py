"""Events as far as they were read: the newest, and older pages as one asks for them."""

from store.events import Event
from tui.feed import FleetReader

PAGE = 500
MOST = 20_000
"""Events that are kept at once; what is older is found with `agentmon events`."""


class EventPages:
    """The newest events, of all or of one monitor; `behind` says that newer ones are to be read."""

    def __init__(self, monitor_id: int | None = None) -> None:
        """Start without any."""
        self.events: list[Event] = []
        self.behind = True
        self._monitor_id = monitor_id
        self._complete = False

    @property
    def loaded(self) -> bool:
        """Whether anything was read, so that no events means that there are none."""
        return self._complete or bool(self.events)

    @property
    def full(self) -> bool:
        """Whether no more are kept though there are older ones."""
        return not self._complete and len(self.events) >= MOST

    @property
    def has_older(self) -> bool:
        """Whether there is an older page to read."""
        return bool(self.events) and not self._complete and not self.full

    async def read_newer(self, reader: FleetReader) -> None:
        """Read what happened since; if that was more than a page, begin anew with it."""
        self.behind = False
        newest = self.events[0].id if self.events else 0
        found = await reader.events(after=newest, monitor_id=self._monitor_id, limit=PAGE)
        if len(found) == PAGE:
            self.events, self._complete = found, False
        else:
            self._complete = self._complete or not self.events
            self.events = found + self.events

    async def read_older(self, reader: FleetReader) -> None:
        """Read the page before the oldest event."""
        found = await reader.events(before=self.events[-1].id, monitor_id=self._monitor_id, limit=PAGE)
        self._complete = len(found) < PAGE
        self.events = self.events + found
