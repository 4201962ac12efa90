"""The events in the database; each is written in the transaction of what it tells of."""

import json
from collections.abc import Iterable

import aiosqlite

from store.events import Event, EventKind
from store.ledger import Ledger
from store.text import normal_name

MAX_EVENTS = 100_000
"""Kept at most, some 15 MB; beyond that the oldest go before their retention is over."""

EXPIRE_ROWS = 500


async def record(connection: aiosqlite.Connection, events: Iterable[Event]) -> None:
    """Write events inside the caller's transaction."""
    rows = [(e.at, e.kind, e.monitor_id, e.monitor, json.dumps(e.detail)) for e in events]
    if rows:
        await connection.executemany(
            "INSERT INTO event (at, kind, monitor_id, monitor, detail) VALUES (?, ?, ?, ?, ?)", rows
        )


async def read_events(
    connection: aiosqlite.Connection,
    *,
    after: int = 0,
    before: int | None = None,
    since: int | None = None,
    monitor_id: int | None = None,
    limit: int = 1000,
    oldest_first: bool = False,
) -> list[Event]:
    """Return at most `limit` events, newest first: those with `after < id < before`, not older than `since` (ms)."""
    query = (
        "SELECT id, at, kind, monitor_id, monitor, detail FROM event"
        " WHERE id > ?1 AND (?2 IS NULL OR id < ?2) AND (?3 IS NULL OR at >= ?3)"
    )
    if monitor_id is not None:
        query += " AND monitor_id = ?4"
    query += " ORDER BY id LIMIT ?5" if oldest_first else " ORDER BY id DESC LIMIT ?5"
    rows = await connection.execute_fetchall(query, (after, before, since, monitor_id, limit))
    return [Event(EventKind(row[2]), row[1], row[3], row[4], json.loads(row[5]), row[0]) for row in rows]


async def read_silence(connection: aiosqlite.Connection, ledger: Ledger) -> Event | None:
    """Return the last event that told of no reports from anyone, or of their return; None if there is none."""
    rows = await connection.execute_fetchall(
        "SELECT kind, at FROM event WHERE kind IN (?, ?) ORDER BY id DESC LIMIT 1",
        (EventKind.SILENCE, EventKind.REPORTS_AGAIN),
    )
    return next((Event(EventKind(kind), at) for kind, at in rows), None)


async def is_told_of(connection: aiosqlite.Connection, monitor: str) -> bool:
    """Return whether an event is kept of a monitor that had this name then."""
    rows = await connection.execute_fetchall(
        "SELECT 1 FROM event WHERE monitor IN (?, ?) LIMIT 1", (monitor, normal_name(monitor))
    )
    return bool(rows)


async def expire_events(
    connection: aiosqlite.Connection, ledger: Ledger, *, before: int, keep: int = MAX_EVENTS
) -> bool:
    """Remove a few events older than `before` (ms) or beyond the newest `keep`; returns whether there may be more."""
    cursor = await connection.execute(
        "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < ?1"
        " OR id <= (SELECT max(id) FROM event) - ?2 ORDER BY id LIMIT ?3)",
        (before, keep, EXPIRE_ROWS),
    )
    return cursor.rowcount >= EXPIRE_ROWS
