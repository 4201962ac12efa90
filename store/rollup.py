"""Rolling raw reports up into buckets of 5 minutes and 1 hour.

Made from what is new: a monitor's reports after the last one that was rolled up, with the whole of the bucket that
the first of them falls into. Times rise strictly per monitor, so nothing comes in below that mark, and making a
bucket again gives the same row: it is idempotent, also after days without a receiver.
"""

import time
from collections.abc import Callable, Sequence

import aiosqlite

from store.buckets import insert_mounts, insert_reports
from store.ledger import Ledger
from store.rates import least_elapsed_s
from store.tiers import END_OF_TIME, MINUTE_MS, ROLLED, Tier

LEAST_GAP_MS = 15 * MINUTE_MS
GAP_INTERVALS = 3
"""Two reports further apart than both have a gap between them."""

BUDGET_S = 0.01
"""How long rolling up goes on in one transaction, so that no report waits long for it, also on a slow machine."""

_INSERTS = {tier: (insert_reports(tier), insert_mounts(tier)) for tier in ROLLED}
_NEW = """
SELECT min(at), max(at) FROM sample WHERE monitor_id = ?1
AND at > coalesce((SELECT at FROM rolled_up WHERE monitor_id = ?1 AND tier = ?2), -1)
"""


def gap_ms(interval_s: float | None) -> int:
    """Return how far apart two reports of a monitor may be without a gap between them, by its learned interval."""
    return max(LEAST_GAP_MS, round(GAP_INTERVALS * (interval_s or 0.0) * 1000))


def apart(interval_s: float | None) -> dict[str, int]:
    """Return the parameters that say which pairs of reports make a rate, by the learned interval."""
    return {"least_ms": round(least_elapsed_s(interval_s) * 1000), "gap_ms": gap_ms(interval_s)}


async def roll_up(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    *,
    monitor_ids: Sequence[int],
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """Roll up what is new of some monitors in all tiers, as many as the time allows; returns how many of them.

    For `Writer.transact`. One is done at least, however long it takes: some 2 ms with a few mounts.
    """
    began = clock()
    for done, monitor_id in enumerate(monitor_ids):
        if done and clock() - began >= budget_s:
            return done
        if live := ledger.lives.get(monitor_id):
            for tier in ROLLED:
                await _roll_tier(connection, monitor_id, tier, live.monitor.interval_s)
    return len(monitor_ids)


async def _roll_tier(connection: aiosqlite.Connection, monitor_id: int, tier: Tier, interval_s: float | None) -> None:
    ((first, last),) = await connection.execute_fetchall(_NEW, (monitor_id, tier.name))
    if first is None:
        return
    period = {
        "monitor_id": monitor_id,
        "since": first - first % tier.width_ms,
        "until": END_OF_TIME,
        "width_ms": tier.width_ms,
        **apart(interval_s),
    }
    for insert in _INSERTS[tier]:
        await connection.execute(insert, period)
    await connection.execute("INSERT OR REPLACE INTO rolled_up VALUES (?, ?, ?)", (monitor_id, tier.name, last))
