"""One transaction's worth of reports: stamping them, interning their names, and the rows they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiosqlite

from store.agents import user_agent_of
from store.codec import encode_gaps, encode_report
from store.errors import ReportRefusedError
from store.event_log import record
from store.events import Event, EventKind
from store.ledger import Key, Ledger
from store.live import Live, advance, elapsed_s, stamp
from store.models import AgentInfo, Report
from store.names import intern
from store.rates import STAMP_SLACK_MS, UNKNOWN_MS
from store.rejections import record_ended_keys
from store.thresholds import encode_tracks
from store.told import told_by_report
from store.verdicts import RECORD_VERDICT

INSERT_SAMPLE = f"INSERT INTO sample VALUES ({','.join('?' * 14)})"
INSERT_MOUNTS = f"INSERT INTO sample_mount VALUES ({','.join('?' * 8)})"
UPDATE_LATEST = """
UPDATE latest SET seq = ?, status = ?, status_since = ?, last_report_at = ?, address = ?, gaps = ?, report = ?,
       network_rx_rate = ?, network_tx_rate = ?, cpu_course = ?, tracks = ?, unsaid = 0, shared_at = ?
WHERE monitor_id = ?
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A validated report on its way into the store; the key's owner is looked up when it is written.

    `agent` is what sent it, if that is one of ours.
    """

    agent_key: str
    report: Report
    address: str
    agent: AgentInfo | None
    received_at: int
    heard_s: float
    steady_s: float


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch has changed, to be remembered once it is committed; `refused` are entries by their place in it."""

    lives: dict[int, Live]
    newest_keys: tuple[Key, ...]
    refused: dict[int, ReportRefusedError]


async def write_batch(connection: aiosqlite.Connection, ledger: Ledger, entries: Sequence[Entry]) -> Stored:
    """Write reports inside the caller's transaction; every entry's key must stand in the ledger."""
    lives: dict[int, Live] = {}
    samples: list[tuple[Any, ...]] = []
    mounts: list[tuple[Any, ...]] = []
    raised: list[tuple[Any, ...]] = []
    events: list[Event] = []
    newest: dict[int, Key] = {}
    refused: dict[int, ReportRefusedError] = {}
    for place, entry in enumerate(entries):
        key = ledger.keys[entry.agent_key]
        before = lives.get(key.monitor_id) or ledger.lives[key.monitor_id]
        at = stamp(before, entry.received_at)
        try:
            before = await intern(connection, before, entry.report, at)
        except ReportRefusedError as error:
            refused[place] = error
            continue
        elapsed_ms = _elapsed_ms(before, at, entry.steady_s)
        live = advance(
            before,
            entry.report,
            at,
            entry.heard_s,
            entry.address,
            ledger.next_seq(),
            steady_s=entry.steady_s,
            agent=entry.agent,
        )
        if key.ends_older or not key.is_newest:
            live = use_key(live, key, events)
        lives[key.monitor_id] = live
        events.extend(told_by_report(before, live))
        if live.monitor.status_since == at:
            raised.append((key.monitor_id, at, live.monitor.status))
        samples.append(_sample_row(live, at, entry.report, elapsed_ms))
        mounts.extend(_mount_rows(live, at, entry.report))
        if key.ends_older:
            newest[key.monitor_id] = max(key, newest.get(key.monitor_id, key), key=lambda k: k.id)
    await connection.executemany(INSERT_SAMPLE, samples)
    await connection.executemany(INSERT_MOUNTS, mounts)
    await connection.executemany(UPDATE_LATEST, [_latest_row(live) for live in lives.values()])
    if raised:
        await connection.executemany(RECORD_VERDICT, raised)
    await record(connection, events)
    await _write_agents(connection, ledger, lives)
    await _write_key_use(connection, ledger, lives, newest)
    return Stored(lives, tuple(newest.values()), refused)


def use_key(live: Live, key: Key, events: list[Event]) -> Live:
    """Return a monitor after a report with one of several keys, and add what that tells to `events`."""
    monitor = live.monitor
    at = monitor.last_report_at
    assert at is not None
    if monitor.rotated_at is None:
        return live
    if key.is_newest:
        for_s = max(0, at - monitor.rotated_at) / 1000
        events.append(Event.of(EventKind.NEW_KEY_USED, at, monitor, for_s=for_s))
        return replace(live, monitor=replace(monitor, rotated_at=None, old_key_used=False))
    if not monitor.old_key_used:
        events.append(Event.of(EventKind.OLD_KEY_USED, at, monitor, address=monitor.address))
        return replace(live, monitor=replace(monitor, old_key_used=True))
    return live


async def _write_agents(connection: aiosqlite.Connection, ledger: Ledger, lives: Mapping[int, Live]) -> None:
    """Note which agents reported, where they are others than before, which is seldom."""
    changed = [
        (live.monitor.agent and user_agent_of(live.monitor.agent), monitor_id)
        for monitor_id, live in lives.items()
        if live.monitor.agent != ledger.lives[monitor_id].monitor.agent
    ]
    if changed:
        await connection.executemany("UPDATE latest SET user_agent = ? WHERE monitor_id = ?", changed)


async def _write_key_use(
    connection: aiosqlite.Connection, ledger: Ledger, lives: Mapping[int, Live], newest: Mapping[int, Key]
) -> None:
    for monitor_id, live in lives.items():
        now, was = live.monitor, ledger.lives[monitor_id].monitor
        if (now.rotated_at, now.old_key_used) != (was.rotated_at, was.old_key_used):
            await connection.execute(
                "UPDATE monitor SET rotated_at = ?, old_key_used = ? WHERE id = ?",
                (now.rotated_at, now.old_key_used, monitor_id),
            )
    for key in newest.values():
        now = lives[key.monitor_id].monitor
        assert now.last_report_at is not None
        ended = ledger.keys_before(key)
        await record_ended_keys(connection, ended, now.name, "rotated", now.last_report_at)
        await connection.execute("DELETE FROM agent_key WHERE monitor_id = ? AND id < ?", (key.monitor_id, key.id))


def remember(ledger: Ledger, stored: Stored) -> None:
    """Take a committed batch into the ledger."""
    ledger.lives.update(stored.lives)
    for key in stored.newest_keys:
        ledger.drop_keys_before(key)


def _sample_row(live: Live, at: int, report: Report, elapsed_ms: int | None) -> tuple[Any, ...]:
    return (
        live.monitor.id,
        at,
        live.host_id,
        report.cpu_usage,
        report.cpu_iowait,
        report.memory_usage,
        report.memory_total_mb,
        report.swap_usage,
        report.network_rx_bytes,
        report.network_tx_bytes,
        report.load_1m,
        report.load_5m,
        report.load_15m,
        elapsed_ms,
    )


def _elapsed_ms(before: Live, at: int, steady_s: float) -> int | None:
    """Return the time since the report before as it is stored: None if it is what the stamps say, 0 if unknown."""
    last = before.monitor.last_report_at
    if last is None:
        return None
    known_s = elapsed_s(before, at, steady_s)
    if known_s is None:
        return UNKNOWN_MS
    elapsed_ms = max(1, round(known_s * 1000))
    return None if abs(elapsed_ms - (at - last)) <= STAMP_SLACK_MS else elapsed_ms


def _mount_rows(live: Live, at: int, report: Report) -> list[tuple[Any, ...]]:
    return [
        (live.monitor.id, at, position, live.mount_ids[m.mount], m.usage, m.size, m.used, m.avail)
        for position, m in enumerate(report.disk_usage)
    ]


def _latest_row(live: Live) -> tuple[Any, ...]:
    monitor = live.monitor
    assert monitor.report is not None
    return (
        monitor.seq,
        monitor.status,
        monitor.status_since,
        monitor.last_report_at,
        monitor.address,
        encode_gaps(live.gaps),
        encode_report(monitor.report),
        monitor.network_rx_rate,
        monitor.network_tx_rate,
        live.course,
        encode_tracks(live.tracks),
        monitor.shared_at,
        monitor.id,
    )
