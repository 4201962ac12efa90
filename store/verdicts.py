"""Writing what the judge decided."""

from dataclasses import dataclass, replace

import aiosqlite

from store.event_log import record
from store.events import Event
from store.ledger import Ledger
from store.live import Live
from store.thresholds import encode_tracks

RECORD_VERDICT = "INSERT OR REPLACE INTO verdict (monitor_id, at, status) VALUES (?, ?, ?)"
"""Every change of status is recorded with its time, so that the fleet can be shown as it was."""

_UPDATE = "UPDATE latest SET seq = ?, status = ?, status_since = ?, tracks = ?, unsaid = ? WHERE monitor_id = ?"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a judge decided at once: monitors as they are from now on, those that change, and what to say of it."""

    changed: tuple[Live, ...] = ()
    events: tuple[Event, ...] = ()


async def write_ruling(connection: aiosqlite.Connection, ledger: Ledger, *, ruling: Ruling) -> dict[int, Live]:
    """Write a ruling inside the caller's transaction; returns the changed monitors with their sequence numbers."""
    lives = {
        live.monitor.id: replace(live, monitor=replace(live.monitor, seq=ledger.next_seq())) for live in ruling.changed
    }
    rows, verdicts = [], []
    for monitor_id, live in lives.items():
        now = live.monitor
        rows.append((now.seq, now.status, now.status_since, encode_tracks(live.tracks), live.unsaid, monitor_id))
        if now.status is not ledger.lives[monitor_id].monitor.status:
            verdicts.append((monitor_id, now.status_since, now.status))
    await connection.executemany(_UPDATE, rows)
    await connection.executemany(RECORD_VERDICT, verdicts)
    await record(connection, ruling.events)
    return lives
