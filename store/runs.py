"""When the receiver ran: a time without reports in which nobody listened is no server's silence.

The functions are for `Writer.transact`. The heartbeat also shows whether the store takes writes when no report
comes.
"""

from typing import Any

import aiosqlite

from store.event_log import record
from store.events import Event, EventKind
from store.ledger import Ledger


async def begin_run(connection: aiosqlite.Connection, ledger: Ledger, *, now: int) -> int:
    """Record that a receiver runs since `now` (ms); returns the run's id."""
    last = await connection.execute_fetchall(
        "SELECT coalesce(stopped_at, alive_at), stopped_at IS NULL FROM receiver_run ORDER BY id DESC LIMIT 1"
    )
    detail: dict[str, Any] = {"off_s": None, "killed": False}
    for ended_at, killed in last:
        detail = {"off_s": max(0, now - ended_at) / 1000, "killed": bool(killed)}
    await record(connection, [Event(EventKind.RECEIVER_STARTED, now, detail=detail)])
    return await _insert(connection, now)


async def _insert(connection: aiosqlite.Connection, now: int) -> int:
    cursor = await connection.execute("INSERT INTO receiver_run (started_at, alive_at) VALUES (?, ?)", (now, now))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


async def beat(connection: aiosqlite.Connection, ledger: Ledger, *, run_id: int, now: int) -> None:
    """Record that the run is still alive."""
    await connection.execute("UPDATE receiver_run SET alive_at = ? WHERE id = ?", (now, run_id))


async def split_run(connection: aiosqlite.Connection, ledger: Ledger, *, run_id: int, before: int, now: int) -> int:
    """Record that the clock was set forward from `before` to `now`; returns the id of the run from then on.

    So the times in between are such in which no receiver ran.
    """
    await connection.execute("UPDATE receiver_run SET alive_at = ?1, stopped_at = ?1 WHERE id = ?2", (before, run_id))
    return await _insert(connection, now)


async def read_runs(connection: aiosqlite.Connection, ledger: Ledger) -> list[tuple[int, int]]:
    """Return from when to when (ms) receivers ran, oldest first."""
    rows = await connection.execute_fetchall(
        "SELECT started_at, coalesce(stopped_at, alive_at) FROM receiver_run ORDER BY id"
    )
    return [(row[0], row[1]) for row in rows]


async def end_run(connection: aiosqlite.Connection, ledger: Ledger, *, run_id: int, now: int) -> None:
    """Record that the run ended in good order."""
    ((started_at,),) = await connection.execute_fetchall("SELECT started_at FROM receiver_run WHERE id = ?", (run_id,))
    for_s = max(0, now - started_at) / 1000
    await record(connection, [Event(EventKind.RECEIVER_STOPPED, now, detail={"for_s": for_s})])
    await connection.execute("UPDATE receiver_run SET alive_at = ?, stopped_at = ? WHERE id = ?", (now, now, run_id))


async def forget_runs(connection: aiosqlite.Connection, ledger: Ledger, *, before: int) -> None:
    """Forget runs that ended before the oldest history (ms), but not the last one, whose clock may be set just now."""
    await connection.execute(
        "DELETE FROM receiver_run WHERE coalesce(stopped_at, alive_at) < ? AND id < (SELECT max(id) FROM receiver_run)",
        (before,),
    )
