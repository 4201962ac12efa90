"""When the receiver ran: a time without reports in which nobody listened is no server's silence.

The functions are for `Writer.transact`. The heartbeat also shows whether the store takes writes when no report
comes.
"""

import aiosqlite

from store.ledger import Ledger


async def begin_run(connection: aiosqlite.Connection, ledger: Ledger, *, now: int) -> int:
    """Record that a receiver runs since `now` (ms); returns the run's id."""
    cursor = await connection.execute("INSERT INTO receiver_run (started_at, alive_at) VALUES (?, ?)", (now, now))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


async def beat(connection: aiosqlite.Connection, ledger: Ledger, *, run_id: int, now: int) -> None:
    """Record that the run is still alive."""
    await connection.execute("UPDATE receiver_run SET alive_at = ? WHERE id = ?", (now, run_id))


async def end_run(connection: aiosqlite.Connection, ledger: Ledger, *, run_id: int, now: int) -> None:
    """Record that the run ended in good order."""
    await connection.execute("UPDATE receiver_run SET alive_at = ?, stopped_at = ? WHERE id = ?", (now, now, run_id))


async def forget_runs(connection: aiosqlite.Connection, ledger: Ledger, *, before: int) -> None:
    """Forget runs that ended before the oldest history (ms)."""
    await connection.execute("DELETE FROM receiver_run WHERE coalesce(stopped_at, alive_at) < ?", (before,))
