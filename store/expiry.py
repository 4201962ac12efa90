"""Forgetting what is older than its retention, a small batch at a time.

Each function is for `Writer.transact`, does a few milliseconds of work and says whether there is more, so that
reports go in between. Freed pages are used again by what comes; what stays free beyond that is given back to the
file system in small steps.
"""

from collections.abc import Iterator, Sequence

import aiosqlite

from store.ledger import Ledger
from store.tiers import ONE_HOUR, ROLLED, Retention

ROWS = 400
"""Rows removed at once: some 3 ms."""

PAGES = 64
"""Pages given back at once."""

MAX_VERDICTS = 10_000
"""Changes of status kept of a monitor: one an hour for longer than a year."""

MAX_EVENTS = 10_000
"""Events kept of a monitor, so that none takes the place of all others' in the log."""

SPARE_PAGES = 2_048
"""Free pages (8 MB) that are left in the file for what comes next."""

# What an hour that is still open is made from stays, however old it is: its bucket may be made again. To that
# belongs the report before it, from which its first bytes are counted. NULL, which nothing is less than, if there
# is no such report or nothing is rolled up yet.
_RAW_BEFORE = f"""min(?2, (SELECT max(at) FROM sample WHERE monitor_id = ?1
    AND at < (SELECT min(at - at % {ONE_HOUR.width_ms}) FROM rolled_up WHERE monitor_id = ?1)))"""
_DELETE_RAW = tuple(
    f"DELETE FROM {table} WHERE ({key}) IN"
    f" (SELECT {key} FROM {table} WHERE monitor_id = ?1 AND at < {_RAW_BEFORE} LIMIT ?3)"
    for table, key in (("sample_mount", "monitor_id, at, position"), ("sample", "monitor_id, at"))
)
_DELETE_ROLLED = {
    tier: (
        f"DELETE FROM rollup_{tier.name} WHERE (monitor_id, bucket) IN (SELECT monitor_id, bucket"
        f" FROM rollup_{tier.name} WHERE monitor_id = ?1 AND bucket < ?2 LIMIT ?3)",
        f"DELETE FROM rollup_mount_{tier.name} WHERE (mount_id, bucket) IN (SELECT mount_id, bucket"
        f" FROM mount CROSS JOIN rollup_mount_{tier.name} ON mount_id = mount.id"
        " WHERE monitor_id = ?1 AND bucket < ?2 LIMIT ?3)",
    )
    for tier in ROLLED
}
"""The names come from `ROLLED`, never from outside."""

_DELETE_VERDICTS = """
DELETE FROM verdict WHERE (monitor_id, at) IN (
    SELECT monitor_id, at FROM verdict WHERE monitor_id = ?1
    AND at < (SELECT max(at) FROM verdict WHERE monitor_id = ?1 AND at < ?2) LIMIT ?3
)
"""
"""The last one before the time stays: it tells the status from then on."""

_DELETE_SURPLUS_VERDICTS = """
DELETE FROM verdict WHERE (monitor_id, at) IN (
    SELECT monitor_id, at FROM verdict WHERE monitor_id = ?1
    AND at <= (SELECT at FROM verdict WHERE monitor_id = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2) LIMIT ?3
)
"""


_DELETE_SURPLUS_EVENTS = """
DELETE FROM event WHERE id IN (
    SELECT id FROM event WHERE monitor_id = ?1
    AND id <= (SELECT id FROM event WHERE monitor_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) ORDER BY id LIMIT ?3
)
"""


async def expire(
    connection: aiosqlite.Connection, ledger: Ledger, *, monitor_ids: Sequence[int], now: int, retention: Retention
) -> bool:
    """Remove at most `ROWS` of what is past its retention of some monitors; returns whether there may be more."""
    left = ROWS
    for monitor_id in monitor_ids:
        for statement, limit in _past(now, retention):
            cursor = await connection.execute(statement, (monitor_id, limit, left))
            left -= cursor.rowcount
            if left <= 0:
                return True
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


def _past(now: int, retention: Retention) -> Iterator[tuple[str, int]]:
    """Yield the statements that remove what is past its retention or too much, each with its limit.

    That is a time or a bucket, or how many are kept.
    """
    yield from ((statement, now - retention.raw) for statement in _DELETE_RAW)
    for tier in ROLLED:
        bucket = (now - retention.of(tier)) // tier.width_ms
        yield from ((statement, bucket) for statement in _DELETE_ROLLED[tier])
    yield _DELETE_VERDICTS, now - retention.one_hour
    yield _DELETE_SURPLUS_VERDICTS, MAX_VERDICTS
    yield _DELETE_SURPLUS_EVENTS, MAX_EVENTS
