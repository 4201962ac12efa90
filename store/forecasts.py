"""Judging anew when mounts will be full, and writing it down; for `Writer.transact`, one monitor at a time."""

from itertools import groupby

import aiosqlite

from store.buckets import USAGE_SCALE
from store.forecast import WINDOW_MS, full_at
from store.ledger import Ledger
from store.tiers import ONE_HOUR

_USAGES = """
SELECT mount_id, bucket, usage_avg FROM rollup_mount_1h
WHERE mount_id IN (SELECT id FROM mount WHERE monitor_id = ? AND gone_at IS NULL) AND bucket >= ?
ORDER BY mount_id, bucket
"""
_MOUNTS = "SELECT id, full_at FROM mount WHERE monitor_id = ? AND gone_at IS NULL"


async def forecast(connection: aiosqlite.Connection, ledger: Ledger, *, monitor_id: int, now: int) -> None:
    """Judge all mounts of a monitor by their last days; those without data there lose their forecast."""
    since = (now - WINDOW_MS) // ONE_HOUR.width_ms
    rows = await connection.execute_fetchall(_USAGES, (monitor_id, since))
    found = {}
    for mount_id, group in groupby(rows, key=lambda row: row[0]):
        found[mount_id] = full_at([(row[1] * ONE_HOUR.width_ms, row[2] / USAGE_SCALE) for row in group], now)
    mounts = await connection.execute_fetchall(_MOUNTS, (monitor_id,))
    changed = [(found.get(row[0]), row[0]) for row in mounts if row[1] != found.get(row[0])]
    if changed:
        await connection.executemany("UPDATE mount SET full_at = ? WHERE id = ?", changed)
        await connection.execute("UPDATE latest SET seq = ? WHERE monitor_id = ?", (ledger.next_seq(), monitor_id))
