"""Alerts on their way: which events wait to become messages, and which messages wait for their channel.

Messages are made in the transaction that moves the mark past their events, so that a crash at any moment loses none
and makes none twice. What is delivered is deleted.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiosqlite

from store.channels import ChannelKind, Target, record_attempt
from store.connection import open_reader
from store.errors import StoreUnavailableError
from store.events import Event, EventKind
from store.incidents import READ_INCIDENTS, Incident, incident_of, read_incidents, write_incidents
from store.ledger import Ledger
from store.live import Live
from store.place import READ_ONLY, Place
from store.policy import Level

MAX_WAITING = 100
"""Messages kept for a channel that takes none: beyond that the oldest are given up."""

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What a channel gets: a message or None, which monitors it is about, and what the channel was told with that.

    `monitor_ids` None means that it is about more than monitors, so that it stays when these are deleted.
    """

    content: Mapping[str, Any] | None
    monitor_ids: Collection[int] | None
    incidents: tuple[Incident, ...]


Choose = Callable[[Mapping[int, Live], Level, tuple[Incident, ...]], Choice]
"""Takes all monitors, a channel's level and what it was told."""

ALERTING = (
    EventKind.UP,
    EventKind.DOWN,
    EventKind.DEGRADED,
    EventKind.RECOVERED,
    EventKind.SILENCE,
    EventKind.REPORTS_AGAIN,
    EventKind.SHARED_KEY,
)
"""The kinds of events that people are told of where they are."""

UNSENT = """
SELECT id, at, kind, monitor_id, monitor, detail FROM event
WHERE id > ?1 AND id <= ?2 AND kind IN (SELECT value FROM json_each(?3)) ORDER BY id LIMIT ?4
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far alerts have come: the last event that is in a message, and until when (ms) reminders were sent."""

    event_id: int
    reminded_at: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A channel that messages wait for; `failing` if the last attempt to deliver there failed."""

    channel_id: int
    name: str
    failing: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A message (`content` is JSON) and where to deliver it; `attempts` failed so far."""

    id: int
    target: Target
    content: Mapping[str, Any]
    attempts: int


class Outbox:
    """What waits, read through a connection of its own; every method raises `StoreUnavailableError`."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        """Wrap an open read-only connection; use `open` to get one."""
        self._connection = connection
        self._place = Place(path)

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the outbox of a database."""
        try:
            return cls(await open_reader(path), path)
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"cannot read the alerts: {error}") from error

    async def close(self) -> None:
        """Close the connection; without this the process would wait for its thread at exit."""
        await self._connection.close()

    async def mark(self) -> Mark:
        """Return how far alerts have come."""
        ((event_id, reminded_at),) = await self._fetch("SELECT event_id, reminded_at FROM notified")
        return Mark(event_id, reminded_at)

    async def unsent(self, after: int) -> tuple[list[Event], int]:
        """Return the alerting events after an id, oldest first, and the id up to which that is all."""
        ((newest,),) = await self._fetch("SELECT coalesce(max(id), ?1) FROM event WHERE id > ?1", after)
        if newest == after:
            return [], after
        rows = list(await self._fetch(UNSENT, after, newest, json.dumps(ALERTING), PAGE))
        return [event_of(row) for row in rows], rows[-1]["id"] if len(rows) == PAGE else newest

    async def told(self) -> list[Incident]:
        """Return what any channel was told of and not yet that it is over."""
        return [incident_of(*row[1:]) for row in await self._fetch(READ_INCIDENTS)]

    async def waiting(self) -> list[Waiting]:
        """Return the channels that messages wait for."""
        rows = await self._fetch(
            "SELECT id, name, problem IS NOT NULL FROM channel"
            " WHERE EXISTS (SELECT 1 FROM message WHERE channel_id = channel.id) ORDER BY id"
        )
        return [Waiting(row[0], row[1], bool(row[2])) for row in rows]

    async def next(self, channel_id: int) -> Message | None:
        """Return the oldest message that waits for a channel."""
        rows = await self._fetch(
            "SELECT message.id, channel_id, kind, target, content, attempts FROM message"
            " JOIN channel ON channel.id = channel_id WHERE channel_id = ? ORDER BY message.id LIMIT 1",
            channel_id,
        )
        for row in rows:
            target = Target(row["channel_id"], ChannelKind(row["kind"]), row["target"])
            return Message(row["id"], target, json.loads(row["content"]), row["attempts"])
        return None

    async def _fetch(self, query: str, *values: Any) -> Iterable[sqlite3.Row]:
        if not self._place.is_safe():
            raise StoreUnavailableError(READ_ONLY)
        try:
            return await self._connection.execute_fetchall(query, values)
        except (sqlite3.Error, ValueError) as error:  # ValueError: it was closed meanwhile
            raise StoreUnavailableError(f"cannot read the alerts: {error}") from error


def event_of(row: sqlite3.Row) -> Event:
    """Return the event of a row of the event table."""
    return Event(
        EventKind(row["kind"]), row["at"], row["monitor_id"], row["monitor"], json.loads(row["detail"]), row["id"]
    )


async def queue_messages(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    *,
    choose: Choose,
    mark: Mark,
    now: int,
    keep: int = MAX_WAITING,
) -> None:
    """Move the mark, and give each channel what is chosen for it, if there is something."""
    told = await read_incidents(connection)
    for channel_id, level in list(await connection.execute_fetchall("SELECT id, level FROM channel")):
        before = told.get(channel_id, ())
        choice = choose(ledger.lives, Level(level), before)
        if choice.content is not None:
            monitors = None if choice.monitor_ids is None else json.dumps(sorted(choice.monitor_ids))
            await connection.execute(
                "INSERT INTO message (channel_id, made_at, content, monitors) VALUES (?, ?, ?, ?)",
                (channel_id, now, json.dumps(choice.content), monitors),
            )
        await write_incidents(connection, channel_id, before, choice.incidents)
    await connection.execute("UPDATE notified SET event_id = ?, reminded_at = ?", (mark.event_id, mark.reminded_at))
    for (channel_id,) in await connection.execute_fetchall("SELECT id FROM channel"):
        cursor = await connection.execute(
            "DELETE FROM message WHERE id IN"
            " (SELECT id FROM message WHERE channel_id = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (channel_id, keep),
        )
        if cursor.rowcount:
            await connection.execute(
                "UPDATE channel SET dropped = dropped + ? WHERE id = ?", (cursor.rowcount, channel_id)
            )


async def withdraw_messages(connection: aiosqlite.Connection) -> None:
    """Remove what waits to be told of monitors that are all deleted, inside the caller's transaction."""
    await connection.execute(
        "DELETE FROM message WHERE monitors IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM json_each(message.monitors) AS each JOIN monitor ON monitor.id = each.value)"
    )


async def settle(
    connection: aiosqlite.Connection, ledger: Ledger, *, message: Message, now: int, problem: str | None
) -> None:
    """Remember how the delivery of a message ended; one that arrived waits no more."""
    if problem is None:
        await connection.execute("DELETE FROM message WHERE id = ?", (message.id,))
    else:
        await connection.execute("UPDATE message SET attempts = attempts + 1 WHERE id = ?", (message.id,))
    await record_attempt(connection, ledger, channel_id=message.target.channel_id, now=now, problem=problem)
