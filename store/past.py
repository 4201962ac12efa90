"""The fleet as it was at a time: each monitor's last report up to then, and what its status was.

Where raw reports have expired, the bucket of 5 minutes or of an hour that the time falls into stands for them, with
its averages; host facts, which buckets lack, are those of today.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

import aiosqlite

from store.buckets import SCALES, USAGE_SCALE
from store.models import COURSE_LENGTH, Monitor, MountUsage, Report, Status
from store.rates import rate
from store.rows import MONITOR_QUERY, REPORT_COLUMNS, monitor_of, report_of
from store.tiers import HOUR_MS, ROLLED, Tier

# CROSS JOIN keeps the order of the tables: a few monitors first, then one row of each by key. With statistics at
# hand the planner would now and then read the whole history instead.
_VERDICTS = """
SELECT verdict.monitor_id, at, status FROM monitor CROSS JOIN verdict ON verdict.monitor_id = monitor.id
AND at = (SELECT max(at) FROM verdict WHERE monitor_id = monitor.id AND at <= :at)
"""
_REPORTS = f"""
SELECT sample.monitor_id, sample.at, {REPORT_COLUMNS},
    before.network_rx_bytes AS before_rx, before.network_tx_bytes AS before_tx,
    coalesce(sample.elapsed_ms, sample.at - before.at) / 1000.0 AS elapsed_s
FROM monitor CROSS JOIN sample ON sample.monitor_id = monitor.id
    AND sample.at = (SELECT max(at) FROM sample WHERE monitor_id = monitor.id AND at <= :at)
LEFT JOIN host ON host.id = sample.host_id
LEFT JOIN sample AS before ON before.monitor_id = monitor.id
    AND before.at = (SELECT max(at) FROM sample AS s WHERE s.monitor_id = monitor.id AND s.at < sample.at)
"""
_MOUNTS = """
SELECT sample_mount.monitor_id, path, usage, size, used, avail
FROM monitor CROSS JOIN sample_mount ON sample_mount.monitor_id = monitor.id
    AND at = (SELECT max(at) FROM sample WHERE monitor_id = monitor.id AND at <= :at)
JOIN mount ON mount.id = mount_id ORDER BY position
"""
_COURSES = """
SELECT monitor_id, cpu_usage FROM sample
WHERE monitor_id IN (SELECT id FROM monitor) AND at > :at - :hour AND at <= :at ORDER BY monitor_id, at
"""
_BUCKETS = {
    tier: f"""
SELECT rollup.* FROM monitor CROSS JOIN rollup_{tier.name} AS rollup ON rollup.monitor_id = monitor.id
    AND bucket = (SELECT max(bucket) FROM rollup_{tier.name} WHERE monitor_id = monitor.id AND bucket <= :bucket)
"""
    for tier in ROLLED
}
_BUCKET_MOUNTS = {
    tier: f"""
SELECT mount.monitor_id, path, usage_avg, bucket FROM mount CROSS JOIN rollup_mount_{tier.name} ON mount_id = mount.id
    AND bucket = (SELECT max(bucket) FROM rollup_{tier.name} WHERE monitor_id = mount.monitor_id AND bucket <= :bucket)
ORDER BY mount.id
"""
    for tier in ROLLED
}


async def fleet_at(connection: aiosqlite.Connection, at: int) -> tuple[Monitor, ...]:
    """Return the monitors that exist now and existed at `at` (ms), as they were then, by name."""
    found = await connection.execute_fetchall(MONITOR_QUERY + " WHERE created_at <= ? ORDER BY name", (at,))
    today = {monitor.id: monitor for monitor in map(monitor_of, found)}
    then = await _reported(connection, at, today)
    for tier in ROLLED:
        if len(then) < len(today):
            then = await _rolled(connection, tier, at, today) | then
    verdicts = {row[0]: (row[1], Status(row[2])) for row in await connection.execute_fetchall(_VERDICTS, {"at": at})}
    return tuple(
        _as_it_was(monitor, then.get(monitor.id, _Then()), verdicts.get(monitor.id)) for monitor in today.values()
    )


def _as_it_was(today: Monitor, then: "_Then", verdict: tuple[int, Status] | None) -> Monitor:
    since, status = verdict or (today.created_at, Status.UP if then.report else Status.PENDING)
    return replace(
        today,
        status=status,
        status_since=since,
        paused_until=None,
        address=None,
        agent=None,
        last_report_at=then.at,
        report=then.report,
        network_rx_rate=then.rx_rate,
        network_tx_rate=then.tx_rate,
        cpu_course=then.cpu_course,
        full_at={},
    )


@dataclass(frozen=True, slots=True)
class _Then:
    """What a monitor's last report up to then said; nothing if there was none."""

    at: int | None = None
    report: Report | None = None
    rx_rate: float | None = None
    tx_rate: float | None = None
    cpu_course: tuple[float, ...] = ()


async def _reported(connection: aiosqlite.Connection, at: int, today: dict[int, Monitor]) -> dict[int, _Then]:
    mounts: dict[int, list[MountUsage]] = {}
    for monitor_id, *mount in await connection.execute_fetchall(_MOUNTS, {"at": at}):
        mounts.setdefault(monitor_id, []).append(MountUsage(*mount))
    courses: dict[int, list[float]] = {}
    for monitor_id, cpu_usage in await connection.execute_fetchall(_COURSES, {"at": at, "hour": HOUR_MS}):
        courses.setdefault(monitor_id, []).append(cpu_usage)
    return {
        row["monitor_id"]: _Then(
            row["at"],
            report_of(row, tuple(mounts.get(row["monitor_id"], ()))),
            _rate(row, "rx", today),
            _rate(row, "tx", today),
            tuple(courses.get(row["monitor_id"], ())[-COURSE_LENGTH:]),
        )
        for row in await connection.execute_fetchall(_REPORTS, {"at": at})
        if row["monitor_id"] in today
    }


def _rate(row: sqlite3.Row, way: str, today: dict[int, Monitor]) -> float | None:
    interval_s = today[row["monitor_id"]].interval_s
    return rate(row[f"before_{way}"], row[f"network_{way}_bytes"], row["elapsed_s"], interval_s)


async def _rolled(connection: aiosqlite.Connection, tier: Tier, at: int, today: dict[int, Monitor]) -> dict[int, _Then]:
    place = {"bucket": at // tier.width_ms}
    mounts: dict[int, list[MountUsage]] = {}
    for monitor_id, path, usage, _ in await connection.execute_fetchall(_BUCKET_MOUNTS[tier], place):
        mounts.setdefault(monitor_id, []).append(MountUsage(path, usage / USAGE_SCALE))
    rows: Iterable[sqlite3.Row] = await connection.execute_fetchall(_BUCKETS[tier], place)
    return {
        row["monitor_id"]: _Then(
            min(at, (row["bucket"] + 1) * tier.width_ms),
            _average(row, mounts.get(row["monitor_id"], []), today[row["monitor_id"]].report),
            _per_second(row, "rx_bytes"),
            _per_second(row, "tx_bytes"),
        )
        for row in rows
        if row["monitor_id"] in today
    }


def _average(row: sqlite3.Row, mounts: list[MountUsage], today: Report | None) -> Report:
    numbers = {field: row[f"{field}_avg"] for field in SCALES}
    scaled = {field: None if n is None else n / SCALES[field] for field, n in numbers.items()}
    facts = {fact: getattr(today, fact, None) for fact in ("os", "hostname", "kernel")}
    return Report(**(scaled | {"memory_total_mb": numbers["memory_total_mb"]} | facts), disk_usage=tuple(mounts))  # type: ignore[arg-type]


def _per_second(row: sqlite3.Row, counter: str) -> float | None:
    moved, seconds = row[counter], row["network_s"]
    return moved / seconds if moved is not None and seconds else None
