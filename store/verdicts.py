"""Writing what the judge decided."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import aiosqlite

from store.ledger import Ledger
from store.live import Live
from store.models import Monitor, Status

UPDATE_STATUS = "UPDATE latest SET seq = ?, status = ?, status_since = ? WHERE monitor_id = ?"
RECORD_VERDICT = "INSERT OR REPLACE INTO verdict (monitor_id, at, status) VALUES (?, ?, ?)"
"""Every change of status is recorded with its time, so that the fleet can be shown as it was."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A monitor as it was before a change of verdict, and its new status."""

    before: Monitor
    status: Status


async def write_statuses(
    connection: aiosqlite.Connection, ledger: Ledger, judged: Sequence[Judged], now: int
) -> dict[int, Live]:
    """Write new statuses as of `now` (ms) and return the monitors with them."""
    lives = {}
    for item in judged:
        live = ledger.lives[item.before.id]
        monitor = replace(live.monitor, seq=ledger.next_seq(), status=item.status, status_since=now)
        lives[monitor.id] = replace(live, monitor=monitor)
    monitors = [live.monitor for live in lives.values()]
    rows = [(m.seq, m.status, m.status_since, m.id) for m in monitors]
    await connection.executemany(UPDATE_STATUS, rows)
    await connection.executemany(RECORD_VERDICT, [(m.id, now, m.status) for m in monitors])
    return lives
