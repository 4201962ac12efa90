"""What becomes of rolled-up history when the reports that it was made from are moved to other times.

It is made anew from them. Only what has no raw reports any more is moved as it is, by whole buckets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiosqlite

from store.buckets import merge_mounts, merge_reports
from store.live import Live
from store.shift import Shift, elapsed_after
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
    whole = await _whole_from(connection, monitor_id, shift, before, earliest)
    last = await _last_in_the_way(connection, live, shift, before, earliest)
    if not shift.goes_back and whole > shift.first:  # no step back is taken back that reached further than raw reports
        return Place(None)
    first = -(-shift.first // HOUR_MS) * HOUR_MS
    for tier in ROLLED:
        if whole > shift.first:
            await _move_buckets(connection, monitor_id, tier, shift, min(first, earliest), whole)
        await _drop_buckets(connection, monitor_id, tier, whole // tier.width_ms)
    if whole > earliest:
        return await _leave_rolled_up(connection, monitor_id, shift, whole)
    # The first hour may hold reports that stay where they are.
    rolled_to = min(before, whole - whole % HOUR_MS - 1)
    await _unroll(connection, monitor_id, rolled_to)
    previous = before if before >= 0 and shift.is_known_between(before, earliest) else None
    return Place(earliest, previous, last, rolled_to)


async def _leave_rolled_up(connection: aiosqlite.Connection, monitor_id: int, shift: Shift, whole: int) -> Place:
    """Move the reports up to `whole`, which stay as they are rolled up; returns where to go on.

    They come before the hour that the next one comes into, which is made anew and must not count them again.
    """
    ((following,),) = await connection.execute_fetchall(
        "SELECT min(at) FROM sample WHERE monitor_id = ? AND at >= ?", (monitor_id, whole)
    )
    rows = await connection.execute_fetchall(
        "SELECT at, elapsed_ms FROM sample WHERE monitor_id = ? AND at >= ? AND at < ? ORDER BY at",
        (monitor_id, shift.first, whole),
    )
    old = [row[0] for row in rows]
    hour = shift.of(whole if following is None else following) // HOUR_MS
    new = _up_to(hour * HOUR_MS, [shift.of(at) for at in old])
    changes = [
        (moved, elapsed_after(stored, at, previous, moved - (before or 0), shift), monitor_id, at)
        for (at, stored), previous, moved, before in zip(rows, [None, *old], new, [None, *new], strict=False)
    ]
    await move_rows(connection, changes)
    await _unroll(connection, monitor_id, new[-1])
    known = following is not None and shift.is_known_between(old[-1], following)
    return Place(following, old[-1] if known else None, new[-1], new[-1])


def _up_to(end: int, times: Sequence[int]) -> list[int]:
    """Return times that rise strictly and end before `end`, none later than it was."""
    moved = []
    for at in reversed(times):
        end = min(at, end - 1)
        moved.append(end)
    return moved[::-1]


async def move_rows(connection: aiosqlite.Connection, changes: Iterable[tuple[int, int | None, int, int]]) -> None:
    """Give reports other times, in this order: (new time, time since the one before it or None, monitor, old time)."""
    changes = list(changes)
    await connection.executemany("UPDATE sample SET at = ?, elapsed_ms = ? WHERE monitor_id = ? AND at = ?", changes)
    await connection.executemany(
        "UPDATE sample_mount SET at = ? WHERE monitor_id = ? AND at = ?", [(new, i, at) for new, _, i, at in changes]
    )


async def roll_up_anew(connection: aiosqlite.Connection, live: Live, shift: Shift, place: Place) -> None:
    """Have a monitor's reports rolled up from where they were moved to, whatever was done with them on the way."""
    if place.rolled_to is None:
        return
    if shift.goes_back and live.monitor.last_report_at is not None:
        for tier in ROLLED:
            after = shift.of(live.monitor.last_report_at) // tier.width_ms + 1
            await _drop_buckets(connection, live.monitor.id, tier, after)
    await _unroll(connection, live.monitor.id, place.rolled_to)


async def _whole_from(
    connection: aiosqlite.Connection, monitor_id: int, shift: Shift, before: int, earliest: int
) -> int:
    """Return from when on (ms) all is there to roll up anew what is moved: from its first, or from an hour after it.

    Its first report, stored at `earliest`, needs the one `before` it, from which its bytes are counted.
    """
    hour = earliest // HOUR_MS
    ((forgotten, older),) = await connection.execute_fetchall(
        "SELECT count(*) FILTER (WHERE bucket >= ?2), count(*) FROM rollup_1h WHERE monitor_id = ?1 AND bucket < ?3",
        (monitor_id, -(-shift.first // HOUR_MS), hour),
    )
    if await _is_partly_forgotten(connection, monitor_id, hour) or (before < 0 and older):
        return (hour + 1) * HOUR_MS
    return hour * HOUR_MS if forgotten else shift.first


async def _last_in_the_way(
    connection: aiosqlite.Connection, live: Live, shift: Shift, before: int, earliest: int
) -> int:
    """Return after which time (ms) moved reports are to be: the last report before them, which was stored at `before`.

    Where raw reports of the hour that they come into are forgotten already, it is the end of that hour.
    """
    hour = shift.of(earliest) // HOUR_MS
    end = (hour + 1) * HOUR_MS - 1
    fits = live.monitor.last_report_at is not None and end < shift.of(live.monitor.last_report_at)
    return max(before, end) if fits and await _is_partly_forgotten(connection, live.monitor.id, hour) else before


async def _is_partly_forgotten(connection: aiosqlite.Connection, monitor_id: int, hour: int) -> bool:
    """Return whether an hour was rolled up from more reports than are left, so that it cannot be rolled up anew."""
    ((kept, rolled),) = await connection.execute_fetchall(
        "SELECT (SELECT count(*) FROM sample WHERE monitor_id = ?1 AND at >= ?2 * ?3 AND at < (?2 + 1) * ?3),"
        " coalesce((SELECT count FROM rollup_1h WHERE monitor_id = ?1 AND bucket = ?2), 0)",
        (monitor_id, hour, HOUR_MS),
    )
    return bool(rolled > kept)


async def _move_buckets(
    connection: aiosqlite.Connection, monitor_id: int, tier: Tier, shift: Shift, since: int, until: int
) -> None:
    """Move buckets from `since` up to `until` (ms) by as many as the shift takes, upon others where there are some."""
    first, last = since // tier.width_ms, until // tier.width_ms - 1
    by = shift.by_ms // tier.width_ms
    mounts = await connection.execute_fetchall("SELECT id FROM mount WHERE monitor_id = ?", (monitor_id,))
    for owner, table, column, merge in (
        (monitor_id, f"rollup_{tier.name}", "monitor_id", merge_reports(tier)),
        *((row[0], f"rollup_mount_{tier.name}", "mount_id", merge_mounts(tier)) for row in mounts),
    ):
        query = f"SELECT bucket FROM {table} WHERE {column} = ? AND bucket BETWEEN ? AND ? ORDER BY bucket"
        found = [row[0] for row in await connection.execute_fetchall(query, (owner, first, last))]
        taken = {
            row[0] for row in await connection.execute_fetchall(query, (owner, first + by, min(last + by, first - 1)))
        }
        here = f"WHERE {column} = :owner AND bucket = :source"
        moves = [{"owner": owner, "source": bucket, "target": bucket + by} for bucket in found]
        free = [move for move in moves if move["target"] not in taken]
        await connection.executemany(f"UPDATE OR IGNORE {table} SET bucket = :target {here}", free)
        for move in (move for move in moves if move["target"] in taken):
            await connection.execute(merge, move)
            await connection.execute(f"DELETE FROM {table} {here}", move)


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
