"""Moving what is stored to other times after the receiver's clock was set, a little at a time.

Nothing is lost by it: reports keep their order and the time that was between them (`sample.elapsed_ms`), and what was
rolled up from them is rolled up anew. A crash on the way leaves some in the future, where the next start finds them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import aiosqlite

from store.event_log import record
from store.events import Event, EventKind
from store.ledger import Ledger
from store.live import Live
from store.models import Monitor, Status
from store.rerolling import Place, make_room, move_rows, roll_up_anew
from store.rollup import BUDGET_S
from store.runs import read_runs
from store.shift import Shift, back, begins, elapsed_after
from store.thresholds import breaches, encode_tracks
from store.tiers import HOUR_MS

ROWS = 500
"""Reports moved at once: some 10 ms with a few mounts each."""

_TIMES = (
    ("event", "at"),
    ("receiver_run", "started_at"),
    ("receiver_run", "alive_at"),
    ("receiver_run", "stopped_at"),
    ("rejection", "first_at"),
    ("rejection", "last_at"),
    ("ended_key", "ended_at"),
    ("channel", "created_at"),
    ("channel", "sent_at"),
    ("channel", "failed_at"),
    ("message", "made_at"),
    ("receiver_address", "at"),
    ("mount", "gone_at"),
    ("host", "gone_at"),
)
"""Times that belong to no single monitor, or to none that lives, and since when names are gone."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one transaction did: how many monitors are done, where to go on with the next, and those that changed."""

    done: int
    place: Place | None
    lives: Mapping[int, Live]


async def plan_back(connection: aiosqlite.Connection, ledger: Ledger, *, now: int, by_ms: int, measured: bool) -> Shift:
    """Return the shift that brings back to `now` (ms) what a clock stored that was then set back by `by_ms`."""
    runs = await read_runs(connection, ledger)
    first = begins(now, by_ms, runs)
    around = [await _around(connection, monitor_id, first) for monitor_id in ledger.lives]
    earliest = min((after for _, after in around if after is not None), default=first)
    newest = max([now - by_ms, *(live.monitor.last_report_at or 0 for live in ledger.lives.values())])
    shift = back(by_ms, measured, earliest, newest, max((before for before, _ in around), default=-1))
    return replace(shift, first=first, starts=tuple(start for start, _ in runs))


async def _around(connection: aiosqlite.Connection, monitor_id: int, first: int) -> tuple[int, int | None]:
    """Return up to when (ms) a monitor has history before a time, and its first report from then on, None if none."""
    ((reported, hour, after),) = await connection.execute_fetchall(
        "SELECT (SELECT coalesce(max(at), -1) FROM sample WHERE monitor_id = ?1 AND at < ?2),"
        " (SELECT coalesce(max(bucket), -1) FROM rollup_1h WHERE monitor_id = ?1 AND bucket < ?2 / ?3),"
        " (SELECT min(at) FROM sample WHERE monitor_id = ?1 AND at >= ?2)",
        (monitor_id, first, HOUR_MS),
    )
    # An hour that begins after the last report is one whose raw reports are forgotten.
    return (hour + 1) * HOUR_MS - 1 if hour * HOUR_MS > reported else reported, after


async def shift_times(connection: aiosqlite.Connection, ledger: Ledger, *, shift: Shift) -> None:
    """Move the times of events, of the receiver's runs, of refusals and of channels."""
    place = {name: getattr(shift, name) for name in ("first", "last", "by_ms", "anchor", "scale")}
    since = "json_extract(detail, '$.since')"
    await connection.execute(
        f"UPDATE event SET detail = json_set(detail, '$.since', {_moved_sql(since)})"
        f" WHERE at BETWEEN :first AND :last AND {since} BETWEEN :first AND :last",
        place,
    )
    for table, column in _TIMES:
        await connection.execute(
            f"UPDATE {table} SET {column} = {_moved_sql(column)} WHERE {column} BETWEEN :first AND :last", place
        )


def _moved_sql(time: str) -> str:
    """Return what `Shift.of` does, as an expression of SQL."""
    closer = f":anchor + :by_ms - CAST((:anchor - {time}) * :scale AS INTEGER)"
    return f"CASE WHEN {time} >= :anchor THEN {time} + :by_ms ELSE {closer} END"


async def move_reminders(connection: aiosqlite.Connection, ledger: Ledger, *, by_ms: int) -> None:
    """Move the time up to which people were reminded, so that who is down since before is due when it was."""
    await connection.execute(
        "UPDATE notified SET reminded_at = max(0, reminded_at + ?) WHERE reminded_at > 0", (by_ms,)
    )


async def tell_step(
    connection: aiosqlite.Connection, ledger: Ledger, *, at: int, by_ms: int, says: int | None = None
) -> None:
    """Record that the clock was set by `by_ms`, at a time (ms) that the receiver goes by.

    `says` is what the clock says (ms), if that is not believed.
    """
    detail = {"by_s": by_ms / 1000, "says": says}
    await record(connection, [Event(EventKind.CLOCK_SET, at, detail=detail)])


async def move_monitors(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    *,
    ids: Sequence[int],
    shift: Shift,
    with_history: bool = True,
    place: Place | None = None,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> Moved:
    """Move what is known of some monitors, with or without their history, as many as the time allows.

    Until all its reports are moved, a monitor's new ones follow the old ones in the future and are moved along.
    """
    began, lives = clock(), dict[int, Live]()
    for done, monitor_id in enumerate(ids):
        if done and clock() - began >= budget_s:
            return Moved(done, None, lives)
        if (before := ledger.lives.get(monitor_id)) is None:
            place = None
            continue
        if with_history:
            place = await _move_samples(connection, before, shift, place)
            if place.at is not None:
                return Moved(done, place, lives)
            await roll_up_anew(connection, before, shift, place)
            await _move_verdicts(connection, monitor_id, shift)
        lives[monitor_id] = await _move_live(connection, ledger, before, shift)
        place = None
    return Moved(len(ids), None, lives)


async def _move_samples(connection: aiosqlite.Connection, before: Live, shift: Shift, place: Place | None) -> Place:
    """Move some of a monitor's reports; returns where to go on, with no time if that was all."""
    monitor_id, start = before.monitor.id, shift.first if place is None else place.at
    rows = list(
        await connection.execute_fetchall(
            "SELECT at, elapsed_ms FROM sample WHERE monitor_id = ? AND at BETWEEN ? AND ? ORDER BY at LIMIT ?",
            (monitor_id, start, shift.last, ROWS + 1 if shift.goes_back else -1),
        )
    )
    if not rows:
        return Place(None) if place is None else replace(place, at=None)
    if place is None:
        place = await make_room(connection, before, shift, rows[0]["at"])
        if place.at != rows[0]["at"]:  # some are moved already
            return place
    moved, rest = (rows[:ROWS], rows[ROWS:]) if shift.goes_back else (rows, [])
    previous, last = place.previous, place.last
    changes = []
    for at, elapsed_ms in moved:
        new = max(shift.of(at), last + 1)
        changes.append((new, elapsed_after(elapsed_ms, at, previous, new - last, shift), monitor_id, at))
        previous, last = at, new
    # From the end that is moved to: no report is ever where another one is.
    if not shift.goes_back:
        changes.reverse()
    await move_rows(connection, changes)
    return Place(rest[0]["at"] if rest else None, previous, last, place.rolled_to)


async def _move_verdicts(connection: aiosqlite.Connection, monitor_id: int, shift: Shift) -> None:
    rows = await connection.execute_fetchall(
        "SELECT at FROM verdict WHERE monitor_id = ? AND at BETWEEN ? AND ? ORDER BY at",
        (monitor_id, shift.first, shift.last),
    )
    changes = [(shift.of(at), monitor_id, at) for (at,) in rows]
    if not shift.goes_back:
        changes.reverse()
    await connection.executemany("UPDATE OR REPLACE verdict SET at = ? WHERE monitor_id = ? AND at = ?", changes)


async def _move_live(connection: aiosqlite.Connection, ledger: Ledger, before: Live, shift: Shift) -> Live:
    """Move the times that are known of a monitor, beside its history."""
    live = moved_live(before, shift)
    live = replace(live, monitor=replace(live.monitor, seq=ledger.next_seq()))
    monitor = live.monitor
    await connection.execute(
        "UPDATE latest SET seq = ?, status_since = ?, last_report_at = ?, shared_at = ?, tracks = ?"
        " WHERE monitor_id = ?",
        (
            monitor.seq,
            monitor.status_since,
            monitor.last_report_at,
            monitor.shared_at,
            encode_tracks(live.tracks),
            monitor.id,
        ),
    )
    await connection.execute(
        "UPDATE monitor SET created_at = ?, paused_until = ?, rotated_at = ? WHERE id = ?",
        (monitor.created_at, monitor.paused_until, monitor.rotated_at, monitor.id),
    )
    if shift.measured:
        await connection.execute(
            "UPDATE mount SET full_at = full_at + ? WHERE monitor_id = ? AND full_at IS NOT NULL",
            (shift.by_ms, monitor.id),
        )
    return live


def moved_live(live: Live, shift: Shift) -> Live:
    """Return a monitor with its times moved; what is to be over after a time is over after as long as before."""
    monitor = live.monitor
    tracks = tuple(replace(t, turned_at=shift.of(t.turned_at), since=shift.of(t.since)) for t in live.tracks)
    last = monitor.last_report_at
    moved = replace(
        monitor,
        created_at=shift.of(monitor.created_at),
        paused_until=_pause_ends(monitor, shift),
        status_since=shift.of(monitor.status_since),
        last_report_at=_moved(last, shift),
        rotated_at=_moved(monitor.rotated_at, shift),
        shared_at=_moved(monitor.shared_at, shift),
        breaches=breaches(tracks, monitor.policy),
    )
    unknown = not shift.measured and live.steady_s is None and moved.last_report_at != last
    return replace(live, monitor=moved, tracks=tracks, restamped=live.restamped or unknown)


def _moved(at: int | None, shift: Shift) -> int | None:
    return None if at is None else shift.of(at)


def _pause_ends(monitor: Monitor, shift: Shift) -> int | None:
    """Return until when a monitor is paused: a pause is a span, so it ends neither earlier nor later by the clock."""
    if monitor.paused_until is None or monitor.status is not Status.PAUSED:
        return monitor.paused_until
    by_this_clock = monitor.status_since <= shift.last if shift.measured else monitor.status_since >= shift.first
    return monitor.paused_until + shift.by_ms if by_this_clock else monitor.paused_until
