"""Where alerts go: the channels that people made, and the messages that wait for each."""

from dataclasses import dataclass
from enum import StrEnum

import aiosqlite

from store.policy import Level


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
