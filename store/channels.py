"""Where alerts go: the channels that people made.

Their targets hold secrets: only `read_target` returns one, for whoever delivers.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

import aiosqlite

from store.errors import ChangeRefusedError
from store.ledger import Ledger
from store.policy import Level
from store.text import MAX_NAME, name_problem, normal_name, safe_text

MAX_CHANNELS = 32
"""Each may hang, and while it does it costs a process of 44 MB."""

MAX_TARGET = 8_000
"""Characters of a URL or a command."""


class ChannelKind(StrEnum):
    """How a channel is served."""

    APPRISE = "apprise"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as people may see it: `shown` is its target without secrets.

    It takes what is at least as bad as `level`. `waiting` messages are not delivered yet; `sent_at` and `failed_at`
    (ms) tell of the last success and failure, `problem` why the last attempt failed (None: it did not), `dropped`
    how many messages were given up since the queue was full.
    """

    id: int
    name: str
    kind: ChannelKind
    shown: str
    level: Level
    created_at: int
    waiting: int = 0
    sent_at: int | None = None
    failed_at: int | None = None
    problem: str | None = None
    dropped: int = 0


async def read_channels(connection: aiosqlite.Connection) -> list[Channel]:
    """Return all channels by name, without their targets."""
    rows = await connection.execute_fetchall(
        "SELECT id, name, kind, shown, level, created_at,"
        " (SELECT count(*) FROM message WHERE channel_id = channel.id),"
        " sent_at, failed_at, problem, dropped FROM channel ORDER BY name"
    )
    return [Channel(row[0], row[1], ChannelKind(row[2]), row[3], Level(row[4]), *row[5:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Target:
    """What is needed to deliver to a channel; `address` is an Apprise URL or a command, with its secrets."""

    channel_id: int
    kind: ChannelKind
    address: str = field(repr=False)


async def add_channel(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    *,
    target: str,
    kind: ChannelKind,
    shown: str,
    level: Level,
    now: int,
    name: str | None = None,
    usual_name: str = "channel",
) -> str:
    """Add a channel and return its name: the one given, or a free one like `usual_name`."""
    taken = {row[0] for row in await connection.execute_fetchall("SELECT name FROM channel")}
    if len(taken) >= MAX_CHANNELS:
        raise ChangeRefusedError(f"there are {MAX_CHANNELS} channels already: remove one first")
    if name is None:
        name = free_name(usual_name, taken)
    name = normal_name(name)
    if problem := name_problem(name):
        raise ChangeRefusedError(problem)
    if name in taken:
        raise ChangeRefusedError(f"there is already a channel called {safe_text(name)}")
    await connection.execute(
        "INSERT INTO channel (name, kind, target, shown, level, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (name, kind, target, shown, level, now),
    )
    return name


def free_name(usual_name: str, taken: set[str]) -> str:
    """Return a name that none has: "ntfy", then "ntfy 2"."""
    short = normal_name(safe_text(usual_name, MAX_NAME - 4))
    return next(name for n in count(1) if (name := short if n == 1 else f"{short} {n}") not in taken)


async def remove_channel(connection: aiosqlite.Connection, ledger: Ledger, *, name: str) -> None:
    """Remove a channel and what waits for it."""
    cursor = await connection.execute("DELETE FROM channel WHERE name = ?", (normal_name(name),))
    if not cursor.rowcount:
        raise _unknown(name)


async def read_target(connection: aiosqlite.Connection, ledger: Ledger, *, name: str) -> Target:
    """Return where the channel of that name delivers to."""
    rows = await connection.execute_fetchall(
        "SELECT id, kind, target FROM channel WHERE name = ?", (normal_name(name),)
    )
    for channel_id, kind, target in rows:
        return Target(channel_id, ChannelKind(kind), target)
    raise _unknown(name)


async def record_attempt(
    connection: aiosqlite.Connection, ledger: Ledger, *, channel_id: int, now: int, problem: str | None
) -> None:
    """Remember how a delivery ended: `problem` says why it failed, None if it did not."""
    if problem is None:
        await connection.execute("UPDATE channel SET sent_at = ?, problem = NULL WHERE id = ?", (now, channel_id))
    else:
        await connection.execute(
            "UPDATE channel SET failed_at = ?, problem = ? WHERE id = ?", (now, safe_text(problem), channel_id)
        )


def _unknown(name: str) -> ChangeRefusedError:
    return ChangeRefusedError(f"there is no channel called {safe_text(name)}")
