"""The console's picture of the fleet, and how it is kept fresh: by reading the store and asking the receiver.

Plain values and two awaitables, no timers: the app decides when to call them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from store.errors import AgentmonError, DatabaseReplacedError, ReceiverUnreachableError
from store.events import Event
from store.models import FleetChange, Monitor, ReceiverInfo, Sample
from store.policy import Defaults
from tui.ports import Admin

if TYPE_CHECKING:
    # SQLite comes with these, which is not waited for before the first picture.
    from store.channels import Channel
    from store.rejections import Rejection
    from store.series import Series

LATELY_MS = 600_000
"""How long a refused report is pointed to."""


class FleetReader(Protocol):
    """What the console reads of the store; `store.reader.Reader` is one."""

    async def changes(self, since: int = 0) -> FleetChange:
        """Return the monitors that changed after a sequence number, and the ids of all."""
        ...

    async def monitor(self, name: str) -> Monitor | None:
        """Return the monitor of that name."""
        ...

    async def samples(self, monitor_id: int, since: int, until: int) -> list[Sample]:
        """Return stored reports, oldest first."""
        ...

    async def fleet_at(self, at: int) -> tuple[Monitor, ...]:
        """Return the fleet as it was at a time (ms)."""
        ...

    async def series(self, monitor: Monitor, since: int, until: int, points: int) -> "Series":
        """Return a period of a monitor's history (ms, half open) as at most `points` points."""
        ...

    async def receiver_runs(self, since: int, until: int) -> list[tuple[int, int]]:
        """Return the times (ms, from and to) in a period during which a receiver ran, oldest first."""
        ...

    async def traffic(self, monitor_id: int, since: int, until: int) -> tuple[int, int]:
        """Return the bytes (received, sent) that moved in a period, to the hour."""
        ...

    async def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        since: int | None = None,
        monitor_id: int | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """Return at most `limit` events, newest first, between two ids (exclusive), not older than `since` (ms)."""
        ...

    async def rejections(self) -> "list[Rejection]":
        """Return what was refused lately, the latest first."""
        ...

    async def channels(self) -> "list[Channel]":
        """Return where alerts go, by name, without secrets."""
        ...

    async def defaults(self) -> Defaults:
        """Return the settings of all monitors that have none of their own, beside what is built in."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


@dataclass(frozen=True, slots=True)
class FleetChanged:
    """A second has passed: which monitors are new or changed since the last one, which are gone, what happened.

    `events` stand oldest first. Published every second even if nothing changed, for clocks tick all the same.
    """

    changed_ids: frozenset[int] = frozenset()
    gone_ids: frozenset[int] = frozenset()
    events: tuple[Event, ...] = ()


class FleetFeed:
    """The fleet as last read, and the receiver as it last answered.

    `problem` says why the store could not be read, `receiver_problem` why the receiver did not answer; None
    when all is well. While there is a problem the last good picture stays. `unreachable` is true while that problem
    is that no receiver answers, so that nothing can be changed. `loaded` is true once the fleet has been read.
    `rejections` are what was refused lately, the latest first.
    """

    def __init__(self, open_reader: Callable[[], Awaitable[FleetReader]], admin: Admin) -> None:
        """Prepare a feed; the reader is opened at the first refresh, and again later if that fails."""
        self.monitors: dict[int, Monitor] = {}
        self._fresh = self.monitors
        self.reader: FleetReader | None = None
        self.receiver: ReceiverInfo | None = None
        self.problem: str | None = None
        self.receiver_problem: str | None = None
        self.unreachable = False
        self.loaded = False
        self.rejections: list[Rejection] = []
        self._open_reader = open_reader
        self._reading = asyncio.Lock()
        self._admin = admin
        self._seq = 0
        self._event_id: int | None = None

    def freeze(self) -> None:
        """Leave `monitors` as they are from now on, while they are read on."""
        self._fresh = dict(self.monitors)

    def thaw(self) -> None:
        """Show in `monitors` what has been read since `freeze`, and what will be."""
        self.monitors = self._fresh

    async def refresh(self) -> FleetChanged:
        """Read what changed in the store into `monitors`, and return what that was."""
        change = FleetChanged()
        async with self._reading:  # one at a time: two that found no reader would open one each, and lose one
            try:
                if self.reader is None:
                    self.reader = await self._open_reader()
                change = self._take(await self.reader.changes(self._seq))
                self.loaded = True
                events = await self._new_events(self.reader)
            except AgentmonError as error:
                self.problem = str(error)
                if isinstance(error, DatabaseReplacedError):
                    await self._let_go()
                return change
            self.problem = None
            return replace(change, events=events)

    async def _new_events(self, reader: FleetReader) -> tuple[Event, ...]:
        """Return what happened since the last time, oldest first; the first time nothing, as all of it is old."""
        if self._event_id is None:
            newest = await reader.events(limit=1)
            self._event_id = newest[0].id if newest else 0
            return ()
        found = await reader.events(after=self._event_id)
        self._event_id = found[0].id if found else self._event_id
        return tuple(reversed(found))

    async def read_rejections(self) -> None:
        """Read what was refused lately into `rejections`; does nothing before the first refresh."""
        async with self._reading:
            if self.reader is None:
                return
            try:
                self.rejections = await self.reader.rejections()
            except AgentmonError as error:
                self.problem = str(error)

    def refused_lately(self, now: int) -> int:
        """Return how many kinds of refusals there were in the last `LATELY_MS` before `now` (ms)."""
        return sum(1 for each in self.rejections if now - each.last_at < LATELY_MS)

    def _take(self, change: FleetChange) -> FleetChanged:
        self._seq = max(self._seq, change.seq)
        gone = self._fresh.keys() - change.ids
        for monitor_id in gone:
            del self._fresh[monitor_id]
        changed = {monitor.id: monitor for monitor in change.monitors if monitor.id in change.ids}
        self._fresh.update(changed)
        return FleetChanged(frozenset(changed), frozenset(gone))

    async def ask_receiver(self) -> None:
        """Ask the receiver how it is, into `receiver` or `receiver_problem`."""
        try:
            self.receiver = await self._admin.receiver()
        except AgentmonError as error:
            self.receiver, self.receiver_problem = None, str(error)
            self.unreachable = isinstance(error, ReceiverUnreachableError)
        else:
            self.receiver_problem, self.unreachable = self.receiver.problem, False

    @property
    def newest_at(self) -> int | None:
        """When (ms) the last report of all that are shown came, None if none did."""
        return max((each.last_report_at for each in self.monitors.values() if each.last_report_at), default=None)

    async def close(self) -> None:
        """Let go of the database."""
        async with self._reading:
            await self._let_go()

    async def _let_go(self) -> None:
        """Close the reader; the next refresh opens one on whatever lies at the path, and reads all of it."""
        if self.reader is not None:
            reader, self.reader = self.reader, None
            self._seq, self._event_id = 0, None
            await reader.close()
