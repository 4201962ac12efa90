"""The changes that people ask for, as functions to hand to `Writer.change`; each runs in one transaction.

All raise `ChangeRefusedError` when the change cannot be made; then nothing of it is kept.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import aiosqlite

from store.errors import ChangeRefusedError
from store.event_log import record
from store.events import Event, EventKind
from store.keys import key_problem, new_key
from store.ledger import Ledger
from store.live import Live, with_settings, with_status
from store.models import Monitor, Status
from store.outbox import withdraw_messages
from store.policy import Changes, Defaults, Settings, checked, read_policy
from store.rejections import record_ended_keys
from store.tags import Edit, checked_note, checked_tags, edited_tags
from store.text import name_problem, normal_name, safe_text
from store.tiers import ROLLED
from store.told import told_by_status
from store.verdicts import RECORD_VERDICT, Ruling, write_ruling

PURGE_ROWS = 500
"""History rows removed at once: some 2 ms, so that no report waits for a deletion."""

PURGE = (
    *(
        f"DELETE FROM rollup_mount_{tier.name} WHERE (mount_id, bucket) IN (SELECT mount_id, bucket"
        f" FROM rollup_mount_{tier.name} JOIN mount ON mount.id = mount_id WHERE monitor_id = ? LIMIT ?)"
        for tier in ROLLED
    ),
    *(
        f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE monitor_id = ? LIMIT ?)"
        for table, key in (
            *((f"rollup_{tier.name}", "monitor_id, bucket") for tier in ROLLED),
            ("sample_mount", "monitor_id, at, position"),
            ("sample", "monitor_id, at"),
            ("rolled_up", "monitor_id, tier"),
            ("verdict", "monitor_id, at"),
            ("mount", "id"),
            ("host", "id"),
        )
    ),
)
"""What a deleted monitor leaves behind; mounts go after the rollups that are found through them."""


async def create_monitors(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    *,
    names: Sequence[str],
    now: int,
    agent_key: str | None = None,
    if_missing: bool = False,
    tags: Sequence[str] = (),
    make_key: Callable[[], str] = new_key,
) -> list[tuple[int, str, str]]:
    """Create monitors, all or none, and return (id, name, newest key) of each in the order asked.

    With `if_missing` one that exists is returned as it is. `agent_key` is for a single name, `tags` are for all.
    """
    if agent_key is not None and len(names) != 1:
        raise ChangeRefusedError("a given key is for one monitor: name just one")
    given_tags = checked_tags(tags)
    made = []
    events: list[Event] = []
    for name in map(normal_name, names):
        _require(name_problem(name))
        found = await _find(connection, name)
        if found is not None and not if_missing:
            raise ChangeRefusedError(f"there is already a monitor called {safe_text(name)}")
        monitor_id = (
            found
            if found is not None
            else await _insert(
                connection, ledger, name, given_tags, now, make_key() if agent_key is None else agent_key
            )
        )
        if found is None:
            events.append(Event(EventKind.CREATED, now, monitor_id, name))
        made.append((monitor_id, name, await newest_key(connection, monitor_id)))
    await record(connection, events)
    return made


async def edit_monitor(connection: aiosqlite.Connection, ledger: Ledger, *, name: str, edit: Edit, now: int) -> None:
    """Give a monitor another name, tags or note, all or nothing."""
    monitor_id = await find_monitor(connection, name)
    before = ledger.lives[monitor_id].monitor
    after = replace(
        before,
        name=await _free_name(connection, before, edit.new_name),
        tags=edited_tags(before.tags, edit),
        note=before.note if edit.note is None else checked_note(edit.note),
    )
    if after == before:
        return
    await connection.execute(
        "UPDATE monitor SET name = ?, tags = ?, note = ? WHERE id = ?",
        (after.name, json.dumps(after.tags), after.note, monitor_id),
    )
    await _touch(connection, ledger, monitor_id)
    await record(connection, _told_of_edit(before, after, now))


async def _free_name(connection: aiosqlite.Connection, before: Monitor, new_name: str | None) -> str:
    if new_name is None or (new_name := normal_name(new_name)) == before.name:
        return before.name
    _require(name_problem(new_name))
    if await _find(connection, new_name) is not None:
        raise ChangeRefusedError(f"there is already a monitor called {safe_text(new_name)}")
    return new_name


def _told_of_edit(before: Monitor, after: Monitor, now: int) -> list[Event]:
    told = []
    if after.name != before.name:
        told.append(Event.of(EventKind.RENAMED, now, after, before=before.name))
    changed: dict[str, object] = {"tags": after.tags} if after.tags != before.tags else {}
    if after.note != before.note:
        changed["note"] = bool(after.note)
    if changed:
        told.append(Event.of(EventKind.EDITED, now, after, **changed))
    return told


async def rotate_key(
    connection: aiosqlite.Connection, ledger: Ledger, *, name: str, now: int, make_key: Callable[[], str] = new_key
) -> None:
    """Give a monitor a new key; older ones work until the first report with it."""
    monitor_id = await find_monitor(connection, name)
    await _insert_key(connection, monitor_id, make_key())
    await connection.execute("UPDATE monitor SET rotated_at = ?, old_key_used = 0 WHERE id = ?", (now, monitor_id))
    await _touch(connection, ledger, monitor_id)
    await record(connection, [Event.of(EventKind.KEY_ROTATED, now, ledger.lives[monitor_id].monitor)])


async def pause_monitor(
    connection: aiosqlite.Connection, ledger: Ledger, *, name: str, now: int, until: int | None = None
) -> None:
    """Stop judging a monitor, until `until` (ms) or until resumed."""
    monitor_id = await find_monitor(connection, name)
    await connection.execute("UPDATE monitor SET paused_until = ? WHERE id = ?", (until, monitor_id))
    live = ledger.lives[monitor_id]
    paused = with_status(replace(live, unsaid=False), Status.PAUSED, now)
    detail = {"for_s": None if until is None else (until - now) / 1000}
    said = Event.of(EventKind.PAUSED, now, live.monitor, **detail)
    await write_ruling(connection, ledger, ruling=Ruling((paused,), (said,)))


async def resume_monitor(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    *,
    name: str,
    now: int,
    verdict: Callable[[Live], Status],
    silence_s: Callable[[Live], float] = lambda _: 0.0,
) -> None:
    """Judge a monitor again, beginning with what `verdict` says of it; one that is not paused stays as it is."""
    monitor_id = await find_monitor(connection, name)
    live = ledger.lives[monitor_id]
    paused = live.monitor
    if paused.status is not Status.PAUSED:
        return
    await connection.execute("UPDATE monitor SET paused_until = NULL WHERE id = ?", (monitor_id,))
    judged = verdict(replace(live, monitor=replace(paused, status=await _before_pause(connection, paused))))
    resumed = with_status(live, judged, now)
    by_itself = paused.paused_until is not None and paused.paused_until <= now
    for_s = max(0, now - paused.status_since) / 1000
    said = Event.of(EventKind.RESUMED, now, paused, for_s=for_s, by_itself=by_itself)
    events = (said, *told_by_status(live, resumed, now, silence_s(live)))
    await write_ruling(connection, ledger, ruling=Ruling((resumed,), events))


async def _before_pause(connection: aiosqlite.Connection, paused: Monitor) -> Status:
    """Return the status that a pause interrupted, `pending` if reports that came since tell more.

    A pause in the millisecond of a resumption takes the place of its verdict, so that two pauses are in a row.
    """
    if paused.last_report_at is None or paused.last_report_at >= paused.status_since:
        return Status.PENDING
    rows = await connection.execute_fetchall(
        "SELECT status FROM verdict WHERE monitor_id = ? AND at < ? AND status <> ? ORDER BY at DESC LIMIT 1",
        (paused.id, paused.status_since, Status.PAUSED),
    )
    return next((Status(row[0]) for row in rows), Status.PENDING)


async def set_monitor(
    connection: aiosqlite.Connection, ledger: Ledger, *, name: str, settings: Changes, now: int
) -> None:
    """Change settings of one monitor (`store.policy`) and judge it by its limits; None returns to the default."""
    monitor_id = await find_monitor(connection, name)
    before = ledger.lives[monitor_id].monitor
    own = checked(ledger.defaults.merged, before.settings, settings)
    if own == before.settings:
        return
    await connection.execute("UPDATE monitor SET settings = ? WHERE id = ?", (json.dumps(own), monitor_id))
    said = Event.of(EventKind.SET, now, before, settings=_news(before.settings, settings))
    await _judge_limits(connection, ledger, {monitor_id: own}, ledger.defaults, now, said)


async def set_defaults(connection: aiosqlite.Connection, ledger: Ledger, *, settings: Changes, now: int) -> None:
    """Change what holds for all monitors that have nothing of their own; None returns to what is beneath."""
    before = ledger.defaults.settings
    defaults = checked(ledger.defaults.configured, before, settings)
    if defaults == before:
        return
    await connection.execute("UPDATE defaults SET settings = ?", (json.dumps(defaults),))
    own = {i: live.monitor.settings for i, live in ledger.lives.items()}
    said = Event(EventKind.SET, now, detail={"settings": _news(before, settings)})
    await _judge_limits(connection, ledger, own, replace(ledger.defaults, settings=defaults), now, said)


async def configure(connection: aiosqlite.Connection, ledger: Ledger, *, settings: Settings, now: int) -> bool:
    """Take over what the configuration file says of all monitors; returns whether that is news."""
    if settings == ledger.defaults.configured:
        return False
    await connection.execute("UPDATE defaults SET configured = ?", (json.dumps(dict(settings)),))
    own = {i: live.monitor.settings for i, live in ledger.lives.items()}
    await _judge_limits(connection, ledger, own, replace(ledger.defaults, configured=settings), now)
    return True


async def _judge_limits(
    connection: aiosqlite.Connection,
    ledger: Ledger,
    own: Mapping[int, Settings],
    defaults: Defaults,
    now: int,
    *said: Event,
) -> None:
    """Judge monitors by limits that may have changed: what these end or begin is told in the same transaction."""
    changed, events, for_all = [], list(said), json.dumps(dict(defaults.merged))
    for monitor_id, settings in own.items():
        before = ledger.lives[monitor_id]
        after = with_settings(before, settings, read_policy(for_all, json.dumps(settings)), now)
        changed.append(after)
        events.extend(told_by_status(before, after, now))
    await write_ruling(connection, ledger, ruling=Ruling(tuple(changed), tuple(events)))


async def delete_monitor(connection: aiosqlite.Connection, ledger: Ledger, *, name: str, now: int) -> None:
    """Remove a monitor and its keys at once; its history follows in `purge_deleted`, its events stay."""
    monitor_id = await find_monitor(connection, name)
    keys = [key for key, owner in ledger.keys.items() if owner.monitor_id == monitor_id]
    monitor = ledger.lives[monitor_id].monitor
    await record_ended_keys(connection, keys, monitor.name, "deleted", now)
    await connection.execute("DELETE FROM monitor WHERE id = ?", (monitor_id,))
    await withdraw_messages(connection)
    await connection.execute("INSERT INTO purge VALUES (?)", (monitor_id,))
    await record(connection, [Event.of(EventKind.DELETED, now, monitor)])


async def purge_deleted(connection: aiosqlite.Connection, ledger: Ledger) -> bool:
    """Remove a little of the history of deleted monitors; returns whether there is more to remove."""
    rows = list(await connection.execute_fetchall("SELECT monitor_id FROM purge LIMIT 1"))
    if not rows:
        return False
    monitor_id = rows[0][0]
    for delete in PURGE:
        cursor = await connection.execute(delete, (monitor_id, PURGE_ROWS))
        if cursor.rowcount:
            return True
    await connection.execute("DELETE FROM purge WHERE monitor_id = ?", (monitor_id,))
    return True


async def read_credentials(connection: aiosqlite.Connection, ledger: Ledger, *, name: str) -> tuple[int, str, str]:
    """Return (id, name, newest key) of a monitor."""
    monitor_id = await find_monitor(connection, name)
    return monitor_id, ledger.lives[monitor_id].monitor.name, await newest_key(connection, monitor_id)


async def find_monitor(connection: aiosqlite.Connection, name: str) -> int:
    """Return the id of the monitor of that name."""
    found = await _find(connection, name)
    if found is None:
        raise ChangeRefusedError(f"there is no monitor called {safe_text(name)}")
    return found


async def newest_key(connection: aiosqlite.Connection, monitor_id: int) -> str:
    """Return the key that people see."""
    rows = await connection.execute_fetchall(
        "SELECT agent_key FROM agent_key WHERE monitor_id = ? ORDER BY id DESC LIMIT 1", (monitor_id,)
    )
    return str(next(iter(rows))[0])


async def _find(connection: aiosqlite.Connection, name: str) -> int | None:
    rows = await connection.execute_fetchall("SELECT id FROM monitor WHERE name = ?", (normal_name(name),))
    return next((int(row[0]) for row in rows), None)


async def _insert(
    connection: aiosqlite.Connection, ledger: Ledger, name: str, tags: tuple[str, ...], now: int, agent_key: str
) -> int:
    cursor = await connection.execute(
        "INSERT INTO monitor (name, created_at, tags) VALUES (?, ?, ?)", (name, now, json.dumps(tags))
    )
    monitor_id = cursor.lastrowid
    assert monitor_id is not None
    await connection.execute(
        "INSERT INTO latest (monitor_id, seq, status, status_since) VALUES (?, ?, ?, ?)",
        (monitor_id, ledger.next_seq(), Status.PENDING, now),
    )
    await connection.execute(RECORD_VERDICT, (monitor_id, now, Status.PENDING))
    await _insert_key(connection, monitor_id, agent_key)
    return monitor_id


async def _insert_key(connection: aiosqlite.Connection, monitor_id: int, agent_key: str) -> None:
    _require(key_problem(agent_key))
    try:
        await connection.execute("INSERT INTO agent_key (agent_key, monitor_id) VALUES (?, ?)", (agent_key, monitor_id))
    except sqlite3.IntegrityError as error:
        raise ChangeRefusedError("this key belongs to another monitor already") from error


def _news(before: Settings, changes: Changes) -> Changes:
    return {key: value for key, value in changes.items() if before.get(key) != value}


async def _touch(connection: aiosqlite.Connection, ledger: Ledger, monitor_id: int) -> None:
    await connection.execute("UPDATE latest SET seq = ? WHERE monitor_id = ?", (ledger.next_seq(), monitor_id))


def _require(problem: str | None) -> None:
    if problem:
        raise ChangeRefusedError(problem)
