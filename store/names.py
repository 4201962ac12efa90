"""What reports name again and again, their mounts and host facts: stored once a monitor, and forgotten in the end.

A name is gone from the first report on that comes without it. A report costs the same whatever was ever named, since
only names that come or go touch the tables.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

import aiosqlite

from store.errors import ReportRefusedError
from store.ledger import Ledger
from store.live import Live
from store.models import Report
from store.tiers import END_OF_TIME, ONE_HOUR, ROLLED, Retention

MAX_MOUNTS = 10_000
"""Different mounts of a monitor; a report that names more is refused."""

MAX_HOSTS = 1_000
"""Different host facts (system, host name and kernel together) of a monitor, likewise."""

KEPT_MOUNTS = MAX_MOUNTS // 2
KEPT_HOSTS = MAX_HOSTS // 2
"""How many are left by the housekeeping, which forgets first what is gone for longest: no server that names ever new
ones, such as volumes of containers, is refused for longer than until it comes by."""

ROWS = 400
"""Rows removed at once: some 3 ms."""

_KEPT = {"mount": KEPT_MOUNTS, "host": KEPT_HOSTS}
_COUNT = {table: f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE monitor_id = ? LIMIT ?)" for table in _KEPT}
_FIND_MOUNTS = "SELECT path, id FROM mount WHERE monitor_id = ? AND path IN (SELECT value FROM json_each(?))"
_TAKE_MOUNTS = (
    "INSERT INTO mount (monitor_id, path) SELECT ?, value FROM json_each(?) WHERE true"
    " ON CONFLICT (monitor_id, path) DO UPDATE SET gone_at = NULL"
)
_LEAVE_MOUNTS = (
    "UPDATE mount SET gone_at = ?, full_at = NULL WHERE monitor_id = ? AND path IN (SELECT value FROM json_each(?))"
)
_OLDEST_REPORT = "SELECT coalesce(min(at), ?2) FROM sample WHERE monitor_id = ?1"
_GONE = {
    table: f"SELECT id, gone_at FROM {table} WHERE monitor_id = ? AND gone_at >= 0 ORDER BY gone_at LIMIT ?"
    for table in _KEPT
}
_DELETE = {table: f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))" for table in _KEPT}
_DELETE_HISTORY = tuple(
    f"DELETE FROM rollup_mount_{tier.name} WHERE (mount_id, bucket) IN (SELECT mount_id, bucket"
    f" FROM rollup_mount_{tier.name} WHERE mount_id IN (SELECT value FROM json_each(?)) LIMIT ?)"
    for tier in ROLLED
)
_FIND_HOST = "SELECT id FROM host WHERE monitor_id = ? AND os IS ? AND hostname IS ? AND kernel IS ?"
_LEAVE_HOST = "UPDATE host SET gone_at = ? WHERE monitor_id = ? AND os IS ? AND hostname IS ? AND kernel IS ?"


async def intern(connection: aiosqlite.Connection, live: Live, report: Report, at: int) -> Live:
    """Return a monitor with the ids of all that a report of the time `at` (ms) names, and no other ids.

    Raises `ReportRefusedError`, before it writes anything, if the monitor would have too many names.
    """
    before = live.monitor.report
    paths = {mount.mount for mount in report.disk_usage}
    gone = {mount.mount for mount in before.disk_usage} - paths if before else set[str]()
    new = paths - live.mount_ids.keys()
    new_host = live.host_id is None or before is None or _facts(before) != _facts(report)
    if not (gone or new or new_host):
        return live
    monitor_id = live.monitor.id
    host_id = await _find_host(connection, monitor_id, report) if new_host else live.host_id
    if new:
        await _require_room_for_mounts(connection, monitor_id, new)
    if new_host:
        host_id = await _take_host(connection, monitor_id, host_id, before, report, at)
    if gone:
        await connection.execute(_LEAVE_MOUNTS, (at, monitor_id, json.dumps(sorted(gone))))
    ids = {path: known for path, known in live.mount_ids.items() if path in paths}
    if new:
        listed = json.dumps(sorted(new))
        await connection.execute(_TAKE_MOUNTS, (monitor_id, listed))
        ids |= await _find_mounts(connection, monitor_id, listed)
    return replace(live, host_id=host_id, mount_ids=ids)


def _facts(report: Report) -> tuple[str | None, str | None, str | None]:
    return report.os, report.hostname, report.kernel


async def _find_mounts(connection: aiosqlite.Connection, monitor_id: int, listed: str) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in await connection.execute_fetchall(_FIND_MOUNTS, (monitor_id, listed))}


async def _require_room_for_mounts(connection: aiosqlite.Connection, monitor_id: int, new: Collection[str]) -> None:
    unknown = len(new) - len(await _find_mounts(connection, monitor_id, json.dumps(sorted(new))))
    if unknown and await _count(connection, "mount", monitor_id, MAX_MOUNTS) + unknown > MAX_MOUNTS:
        raise ReportRefusedError(
            "disk_usage", f"too many different mounts: at most {MAX_MOUNTS} are kept of one server"
        )


async def _find_host(connection: aiosqlite.Connection, monitor_id: int, report: Report) -> int | None:
    """Return the id of a report's host facts, None if they are new and there is room for them."""
    for row in await connection.execute_fetchall(_FIND_HOST, (monitor_id, *_facts(report))):
        return int(row[0])
    if await _count(connection, "host", monitor_id, MAX_HOSTS) >= MAX_HOSTS:
        said = f"too many different host names, systems or kernels: at most {MAX_HOSTS} are kept of one server"
        raise ReportRefusedError("hostname", said)
    return None


async def _take_host(
    connection: aiosqlite.Connection,
    monitor_id: int,
    host_id: int | None,
    before: Report | None,
    report: Report,
    at: int,
) -> int:
    if before is not None and _facts(before) != _facts(report):
        await connection.execute(_LEAVE_HOST, (at, monitor_id, *_facts(before)))
    if host_id is not None:
        await connection.execute("UPDATE host SET gone_at = NULL WHERE id = ?", (host_id,))
        return host_id
    cursor = await connection.execute(
        "INSERT INTO host (monitor_id, os, hostname, kernel) VALUES (?, ?, ?, ?)", (monitor_id, *_facts(report))
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


async def _count(connection: aiosqlite.Connection, table: str, monitor_id: int, most: int) -> int:
    ((count,),) = await connection.execute_fetchall(_COUNT[table], (monitor_id, most))
    return int(count)


async def forget_names(
    connection: aiosqlite.Connection, ledger: Ledger, *, monitor_ids: Sequence[int], now: int, retention: Retention
) -> bool:
    """Forget a few names of some monitors; returns whether there may be more to forget.

    For `Writer.transact`. Forgotten is what no kept report or bucket has, and what is too much: of that, mounts lose
    their rolled-up history, and raw reports that still have it are read without it.
    """
    for monitor_id in monitor_ids:
        ((oldest,),) = await connection.execute_fetchall(_OLDEST_REPORT, (monitor_id, END_OF_TIME))
        # An hour more: a bucket is as old as its start, and what was seen in it may have gone at its end.
        rolled_up = now - retention.one_hour - ONE_HOUR.width_ms
        for table, until in (("mount", min(oldest, rolled_up)), ("host", oldest)):
            if await _forget(connection, table, monitor_id, until):
                return True
    return False


async def _forget(connection: aiosqlite.Connection, table: str, monitor_id: int, until: int) -> bool:
    """Forget some names that were gone by `until` (ms), or are more than are kept, the longest gone first."""
    surplus = await _count(connection, table, monitor_id, _KEPT[table] + ROWS) - _KEPT[table]
    gone = await connection.execute_fetchall(_GONE[table], (monitor_id, ROWS))
    doomed = [row[0] for place, row in enumerate(gone) if row[1] <= until or place < surplus]
    if not doomed:
        return False
    listed, left = json.dumps(doomed), ROWS
    for statement in _DELETE_HISTORY if table == "mount" else ():
        cursor = await connection.execute(statement, (listed, left))
        left -= cursor.rowcount
        if left <= 0:
            return True
    await connection.execute(_DELETE[table], (listed,))
    return True
