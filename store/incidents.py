"""What each channel was told of and not yet that it is over, so that each begin gets one end and no end comes alone."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiosqlite

from store.policy import Level

READ_INCIDENTS = "SELECT channel_id, monitor_id, subject, level, detail FROM incident ORDER BY rowid"

_FORGET = "DELETE FROM incident WHERE channel_id = ? AND monitor_id IS ? AND subject = ?"
_REMEMBER = "INSERT INTO incident (channel_id, monitor_id, subject, level, detail) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that a channel believes to last: of which monitor (None: of all), what, and how bad it was told to be.

    `subject` is "down", "silence", or a reading like "cpu" or "disk:/var"; `detail` is that of the event that began it.
    """

    monitor_id: int | None
    subject: str
    level: Level
    detail: Mapping[str, Any] = field(default_factory=dict)


def reading_subject(metric: str, mount: str | None) -> str:
    """Return the subject of incidents of a reading."""
    return metric if mount is None else f"{metric}:{mount}"


def incident_of(monitor_id: int | None, subject: str, level: str, detail: str) -> Incident:
    """Return the incident of the columns of a row."""
    return Incident(monitor_id, subject, Level(level), json.loads(detail))


async def read_incidents(connection: aiosqlite.Connection) -> Mapping[int, tuple[Incident, ...]]:
    """Return what each channel, by id, believes to last."""
    found: dict[int, tuple[Incident, ...]] = defaultdict(tuple)
    for channel_id, *columns in await connection.execute_fetchall(READ_INCIDENTS):
        found[channel_id] += (incident_of(*columns),)
    return found


async def write_incidents(
    connection: aiosqlite.Connection, channel_id: int, before: Sequence[Incident], after: Sequence[Incident]
) -> None:
    """Write what a channel believes to last, inside the caller's transaction."""
    gone = [incident for incident in before if incident not in after]
    new = [incident for incident in after if incident not in before]
    await connection.executemany(_FORGET, [(channel_id, each.monitor_id, each.subject) for each in gone])
    await connection.executemany(
        _REMEMBER,
        [(channel_id, each.monitor_id, each.subject, each.level, json.dumps(each.detail)) for each in new],
    )
