"""What becomes of rolled-up history when the reports that it was made from are moved to other times.

It is made anew from them. Only what has no raw reports any more is moved as it is, by whole buckets.
"""

from dataclasses import dataclass

import aiosqlite

from store.live import Live
from store.shift import Shift
from store.tiers import HOUR_MS, ROLLED, Tier


@dataclass(frozen=True, slots=True)
class Place:
    """How far the reports of a monitor are moved.

    `at` is the next one's time, None if that was all. `last` is the time that the one before it has, `previous` the
    one that it had before, None if the time between the two is not known. `rolled_to` is the time up to which nothing
    is to be rolled up anew, None if nothing moved.
    """

    at: int | None
    previous: int | None = None
    last: int = -1
    rolled_to: int | None = None


async def make_room(connection: aiosqlite.Connection, live: Live, shift: Shift, earliest: int) -> Place:
    """Take away what was rolled up from a monitor's reports, of which `earliest` (ms) is the first that is moved."""
    monitor_id = live.monitor.id
    ((before,),) = await connection.execute_fetchall(
        "SELECT coalesce(max(at), -1) FROM sample WHERE monitor_id = ? AND at < ?", (monitor_id, earliest)
    )
    whole = await _whole_from(connection, monitor_id, shift, earliest)
    if whole > shift.first:
        # They are past their retention and rolled up; what is left of their hour would not make it whole again.
        for table in ("sample", "sample_mount"):
            await connection.execute(
                f"DELETE FROM {table} WHERE monitor_id = ? AND at BETWEEN ? AND ?",
                (monitor_id, shift.first, whole - 1),
            )
    for tier in ROLLED:
        if whole > shift.first:
            await _move_buckets(connection, monitor_id, tier, shift, whole)
        await _drop_buckets(connection, monitor_id, tier, whole // tier.width_ms)
    # The first hour may hold reports that stay where they are.
    rolled_to = min(before, whole - whole % HOUR_MS - 1)
    await _unroll(connection, monitor_id, rolled_to)
    last = await _last_in_the_way(connection, live, shift, before)
    previous = before if before >= 0 and shift.is_known_between(before, earliest) else None
    return Place(max(earliest, whole), previous, last, rolled_to)


async def roll_up_anew(connection: aiosqlite.Connection, live: Live, shift: Shift, place: Place) -> None:
    """Have a monitor's reports rolled up from where they were moved to, whatever was done with them on the way."""
    if place.rolled_to is None:
        return
    if shift.goes_back and live.monitor.last_report_at is not None:
        for tier in ROLLED:
            after = shift.of(live.monitor.last_report_at) // tier.width_ms + 1
            await _drop_buckets(connection, live.monitor.id, tier, after)
    await _unroll(connection, live.monitor.id, place.rolled_to)


async def _whole_from(connection: aiosqlite.Connection, monitor_id: int, shift: Shift, earliest: int) -> int:
    """Return from when on (ms) all raw reports of what is moved are there: from its first, or from an hour after it."""
    hour = earliest // HOUR_MS
    ((kept, rolled, older),) = await connection.execute_fetchall(
        "SELECT (SELECT count(*) FROM sample WHERE monitor_id = ?1 AND at >= ?2 * ?3 AND at < (?2 + 1) * ?3),"
        " coalesce((SELECT count FROM rollup_1h WHERE monitor_id = ?1 AND bucket = ?2), 0),"
        " EXISTS (SELECT 1 FROM rollup_1h WHERE monitor_id = ?1 AND bucket >= ?4 AND bucket < ?2)",
        (monitor_id, hour, HOUR_MS, -(-shift.first // HOUR_MS)),
    )
    if rolled > kept:
        return int(hour + 1) * HOUR_MS
    return hour * HOUR_MS if older else shift.first


async def _last_in_the_way(connection: aiosqlite.Connection, live: Live, shift: Shift, before: int) -> int:
    """Return after which time (ms) moved reports are to be: the last report before them, which was stored at `before`.

    Where raw reports of its hour are forgotten already, that is the end of the hour, which could not be made anew.
    """
    hour = before // HOUR_MS
    ((kept, rolled),) = await connection.execute_fetchall(
        "SELECT (SELECT count(*) FROM sample WHERE monitor_id = ?1 AND at >= ?2 * ?3 AND at < (?2 + 1) * ?3),"
        " coalesce((SELECT count FROM rollup_1h WHERE monitor_id = ?1 AND bucket = ?2), 0)",
        (live.monitor.id, hour, HOUR_MS),
    )
    end = (hour + 1) * HOUR_MS - 1
    fits = live.monitor.last_report_at is not None and end < shift.of(live.monitor.last_report_at)
    return int(end) if rolled > kept and fits else int(before)


async def _move_buckets(
    connection: aiosqlite.Connection, monitor_id: int, tier: Tier, shift: Shift, until: int
) -> None:
    """Move buckets by as many as the shift takes; one that would come upon another stays where it is."""
    first, last = -(-shift.first // tier.width_ms), until // tier.width_ms - 1
    by = shift.by_ms // tier.width_ms
    await connection.execute(
        f"UPDATE OR IGNORE rollup_{tier.name} SET bucket = bucket + ? WHERE monitor_id = ? AND bucket BETWEEN ? AND ?",
        (by, monitor_id, first, last),
    )
    await connection.execute(
        f"UPDATE OR IGNORE rollup_mount_{tier.name} SET bucket = bucket + ?"
        " WHERE mount_id IN (SELECT id FROM mount WHERE monitor_id = ?) AND bucket BETWEEN ? AND ?",
        (by, monitor_id, first, last),
    )


async def _drop_buckets(connection: aiosqlite.Connection, monitor_id: int, tier: Tier, first: int) -> None:
    await connection.execute(
        f"DELETE FROM rollup_{tier.name} WHERE monitor_id = ? AND bucket >= ?", (monitor_id, first)
    )
    await connection.execute(
        f"DELETE FROM rollup_mount_{tier.name}"
        " WHERE mount_id IN (SELECT id FROM mount WHERE monitor_id = ?) AND bucket >= ?",
        (monitor_id, first),
    )


async def _unroll(connection: aiosqlite.Connection, monitor_id: int, at: int) -> None:
    await connection.execute("UPDATE rolled_up SET at = min(at, ?) WHERE monitor_id = ?", (at, monitor_id))
