"""Forgetting what is older than its retention, a small batch at a time.

Each function is for `Writer.transact`, does a few milliseconds of work and says whether there is more, so that
reports go in between. Freed pages are used again by what comes; what stays free beyond that is given back to the
file system in small steps.
"""

from collections.abc import Sequence

import aiosqlite

from store.ledger import Ledger
from store.tiers import ONE_HOUR, ROLLED, Retention, Tier

ROWS = 400
"""Rows removed at once: some 3 ms."""

PAGES = 64
"""Pages given back at once."""

SPARE_PAGES = 2_048
"""Free pages (8 MB) that are left in the file for what comes next."""

_DELETE_RAW = (
    "DELETE FROM sample_mount WHERE (monitor_id, at, position) IN (SELECT monitor_id, at, position"
    " FROM sample_mount WHERE monitor_id = ? AND at < ? LIMIT ?)",
    "DELETE FROM sample WHERE (monitor_id, at) IN (SELECT monitor_id, at"
    " FROM sample WHERE monitor_id = ? AND at < ? LIMIT ?)",
)
_OPEN_SINCE = "SELECT min(at - at % ?) FROM rolled_up WHERE monitor_id = ?"
_DELETE_ROLLED = {
    tier: (
        f"DELETE FROM rollup_{tier.name} WHERE (monitor_id, bucket) IN (SELECT monitor_id, bucket"
        f" FROM rollup_{tier.name} WHERE monitor_id = ?1 AND bucket < ?2 LIMIT ?3)",
        f"DELETE FROM rollup_mount_{tier.name} WHERE (mount_id, bucket) IN (SELECT mount_id, bucket"
        f" FROM rollup_mount_{tier.name} JOIN mount ON mount.id = mount_id"
        " WHERE monitor_id = ?1 AND bucket < ?2 LIMIT ?3)",
    )
    for tier in ROLLED
}
"""The names come from `ROLLED`, never from outside."""

_DELETE_VERDICTS = """
DELETE FROM verdict WHERE monitor_id = ?1 AND at < (
    SELECT max(at) FROM verdict WHERE monitor_id = ?1 AND at < ?2
)
"""


async def expire(
    connection: aiosqlite.Connection, ledger: Ledger, *, monitor_id: int, now: int, retention: Retention
) -> bool:
    """Remove a little of a monitor's history that is past its retention; returns whether there may be more."""
    if await _expire_raw(connection, monitor_id, now - retention.raw):
        return True
    for tier in ROLLED:
        if await _expire_tier(connection, tier, monitor_id, now - retention.of(tier)):
            return True
    await connection.execute(_DELETE_VERDICTS, (monitor_id, now - retention.of(ONE_HOUR)))
    return False


async def give_back(connection: aiosqlite.Connection, ledger: Ledger) -> bool:
    """Return a few free pages to the file system; returns whether there are more to return."""
    ((free,),) = await connection.execute_fetchall("PRAGMA freelist_count")
    if free <= SPARE_PAGES:
        return False
    # The pragma works row by row: it must be read to its end, and takes no parameter.
    await connection.execute_fetchall(f"PRAGMA incremental_vacuum({PAGES:d})")
    return True


async def analyze(connection: aiosqlite.Connection, ledger: Ledger) -> None:
    """Keep the query planner's statistics fresh; looks at a sample of rows only, so it takes milliseconds."""
    await connection.execute("PRAGMA analysis_limit = 200")
    await connection.execute("PRAGMA optimize")


async def _expire_raw(connection: aiosqlite.Connection, monitor_id: int, before: int) -> bool:
    # What a bucket that is still open is made from stays, however old it is: the bucket may be made again.
    ((open_since,),) = await connection.execute_fetchall(_OPEN_SINCE, (ONE_HOUR.width_ms, monitor_id))
    if open_since is None:
        return False
    return await _delete(connection, _DELETE_RAW, monitor_id, min(before, open_since))


async def _expire_tier(connection: aiosqlite.Connection, tier: Tier, monitor_id: int, before: int) -> bool:
    return await _delete(connection, _DELETE_ROLLED[tier], monitor_id, before // tier.width_ms)


async def _delete(connection: aiosqlite.Connection, statements: Sequence[str], monitor_id: int, before: int) -> bool:
    for statement in statements:
        cursor = await connection.execute(statement, (monitor_id, before, ROWS))
        if cursor.rowcount == ROWS:
            return True
    return False
