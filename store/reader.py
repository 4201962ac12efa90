"""Reading the store: the fleet, what changed in it, one monitor, stored reports.

Every method fetches all and finishes, since an open cursor would pin the write-ahead log. All raise
`StoreUnavailableError` when the database cannot be read.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterable
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from store.channels import Channel, read_channels
from store.connection import open_reader
from store.errors import DatabaseRefusedError, DatabaseReplacedError, StoreUnavailableError
from store.event_log import is_told_of, read_events
from store.events import Event
from store.models import FleetChange, Monitor, Sample
from store.past import fleet_at
from store.place import READ_ONLY, Frozen, Place
from store.policy import Defaults
from store.rejections import Rejection, read_rejections
from store.rows import MONITOR_QUERY, MOUNT_QUERY, SAMPLE_QUERY, monitor_of, samples_of
from store.schema import inspect_database, is_frozen, migrations
from store.series import RAW, Plan, Series, plan, read_oldest, read_points
from store.text import normal_name, safe_text
from store.tiers import ONE_HOUR, Tier

T = TypeVar("T")

PAGE = 2000
"""Reports fetched at once: long histories are read in pages, so that none holds all memory or a long cursor."""


class Reader:
    """A read-only view of a database that another connection may be writing."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        """Wrap an open read-only connection; use `open` to get one."""
        self._connection = connection
        self._place = Place(path)
        self._frozen = Frozen(path) if is_frozen(path) else None

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open a database to read; raises `DatabaseRefusedError` if it is not one of ours or not of this version."""
        version, newest = inspect_database(path), migrations()[-1].version
        if version < newest:
            raise DatabaseRefusedError(
                f"{safe_text(str(path))} is from an older agentmon (schema {version}): agentmon serve upgrades it"
            )
        return cls(await open_reader(path), path)

    async def close(self) -> None:
        """Close the connection; without this the process would wait for its thread at exit."""
        await self._connection.close()

    async def changes(self, since: int = 0) -> FleetChange:
        """Return the monitors that changed after the sequence number `since`; 0 asks for the whole fleet.

        Raises `DatabaseReplacedError` if another database was put where this one was; one that was only moved away
        or deleted is read on.
        """
        if self._place.is_replaced():
            raise DatabaseReplacedError("another database was put in this one's place")
        if not self._place.is_safe():
            raise StoreUnavailableError(READ_ONLY)
        rows = await self._fetch(MONITOR_QUERY + " WHERE seq > ? ORDER BY name", (since,))
        ids = await self._fetch("SELECT id FROM monitor", ())
        newest = max((row["seq"] for row in rows), default=since)
        return FleetChange(newest, tuple(monitor_of(row) for row in rows), frozenset(row["id"] for row in ids))

    async def monitor(self, name: str) -> Monitor | None:
        """Return the monitor of that name, None if there is none."""
        rows = await self._fetch(MONITOR_QUERY + " WHERE name = ?", (normal_name(name),))
        return monitor_of(rows[0]) if rows else None

    async def agent_key(self, name: str) -> str | None:
        """Return the newest key of the monitor of that name, None if there is no such monitor."""
        rows = await self._fetch(
            "SELECT agent_key FROM agent_key JOIN monitor ON monitor.id = monitor_id WHERE name = ?"
            " ORDER BY agent_key.id DESC LIMIT 1",
            (normal_name(name),),
        )
        return str(rows[0]["agent_key"]) if rows else None

    async def samples(self, monitor_id: int, since: int, until: int) -> list[Sample]:
        """Return the reports stored with `since <= at < until` (milliseconds), oldest first."""
        return [sample async for page in self.sample_pages(monitor_id, since, until) for sample in page]

    async def sample_pages(self, monitor_id: int, since: int, until: int) -> AsyncIterator[list[Sample]]:
        """Yield the same reports in pages of at most `PAGE`."""
        while True:
            rows = await self._fetch(SAMPLE_QUERY, (monitor_id, since, until, PAGE))
            if not rows:
                return
            first, last = rows[0]["at"], rows[-1]["at"]
            mounts = await self._fetch(MOUNT_QUERY, (monitor_id, first, last))
            yield samples_of(rows, mounts)
            if len(rows) < PAGE:
                return
            since = last + 1

    async def series(self, monitor: Monitor, since: int, until: int, points: int) -> Series:
        """Return a period of a monitor's history (ms, half open) as at most `points` points."""
        oldest = await self._read(read_oldest(self._connection, monitor.id, since))
        chosen = plan(since, until, points, oldest)
        return await self._read(read_points(self._connection, monitor.id, since, until, chosen, monitor.interval_s))

    async def finest_step(self, monitor: Monitor, since: int, until: int, points: int) -> str:
        """Return the step ("raw", "5m", "1h") that `series` would read for so many points."""
        chosen = plan(since, until, points, await self._read(read_oldest(self._connection, monitor.id, since)))
        return chosen.tier.name if chosen.tier else RAW

    async def tier_points(self, monitor: Monitor, tier: Tier, since: int, until: int) -> Series:
        """Return a period as a tier holds it, bucket by bucket."""
        chosen = Plan(tier, tier.width_ms)
        return await self._read(read_points(self._connection, monitor.id, since, until, chosen, monitor.interval_s))

    async def receiver_runs(self, since: int, until: int) -> list[tuple[int, int]]:
        """Return the times (ms, from and to) in a period during which a receiver ran, oldest first.

        One that was killed ran at least until its last heartbeat.
        """
        rows = await self._fetch(
            "SELECT max(started_at, ?1), min(coalesce(stopped_at, alive_at), ?2) FROM receiver_run"
            " WHERE started_at < ?2 AND coalesce(stopped_at, alive_at) >= ?1 ORDER BY started_at",
            (since, until),
        )
        return [(row[0], row[1]) for row in rows]

    async def fleet_at(self, at: int) -> tuple[Monitor, ...]:
        """Return the fleet as it was at a time (ms), by name; see `store.past`."""
        return await self._read(fleet_at(self._connection, at))

    async def traffic(self, monitor_id: int, since: int, until: int) -> tuple[int, int]:
        """Return the bytes (received, sent) that moved in a period, to the hour, also during gaps in the reports.

        An hour belongs to the period in which it begins, so that two periods side by side share none, also where
        they meet within an hour: a month at +5:30 does.
        """
        rows = await self._fetch(
            "SELECT CAST(total(rx_bytes) + total(rx_gap_bytes) AS INTEGER),"
            " CAST(total(tx_bytes) + total(tx_gap_bytes) AS INTEGER)"
            " FROM rollup_1h WHERE monitor_id = ? AND bucket >= ? AND bucket < ?",
            (monitor_id, -(-since // ONE_HOUR.width_ms), -(-until // ONE_HOUR.width_ms)),
        )
        return rows[0][0], rows[0][1]

    async def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        since: int | None = None,
        monitor_id: int | None = None,
        limit: int = 1000,
        oldest_first: bool = False,
    ) -> list[Event]:
        """Return at most `limit` events, newest first, between two ids (exclusive), not older than `since` (ms)."""
        return await self._read(
            read_events(
                self._connection,
                after=after,
                before=before,
                since=since,
                monitor_id=monitor_id,
                limit=limit,
                oldest_first=oldest_first,
            )
        )

    async def is_told_of(self, monitor: str) -> bool:
        """Return whether an event is kept of a monitor that had this name then."""
        return await self._read(is_told_of(self._connection, monitor))

    async def rejections(self) -> list[Rejection]:
        """Return what was refused lately, the latest first."""
        return await self._read(read_rejections(self._connection))

    async def channels(self) -> list[Channel]:
        """Return where alerts go, by name, without secrets."""
        return await self._read(read_channels(self._connection))

    async def defaults(self) -> Defaults:
        """Return the settings of all monitors that have none of their own, beside what is built in."""
        (row,) = await self._fetch("SELECT settings, configured FROM defaults", ())
        return Defaults(json.loads(row["settings"]), json.loads(row["configured"]))

    async def _fetch(self, query: str, parameters: Iterable[Any]) -> list[sqlite3.Row]:
        return list(await self._read(self._connection.execute_fetchall(query, parameters)))

    async def _read(self, answer: Awaitable[T]) -> T:
        """Await what is read; raises `StoreUnavailableError` if that fails or may have been written meanwhile."""
        try:
            read = await answer
        except sqlite3.Error as error:
            raise unreadable(error) from error
        if self._frozen is not None and not self._frozen.is_same():
            raise DatabaseReplacedError("the database has been opened to be written: read it again")
        return read


def unreadable(error: sqlite3.Error) -> StoreUnavailableError:
    """Return the error that a reader raises for trouble of the database."""
    return StoreUnavailableError(f"the database cannot be read: {error}")
