"""History for charts and tables: as many points as can be drawn, from the tier that has them.

Times without data are no points: two points further apart than `Series.gap_ms` have a gap between them, and
whether the receiver was off in it says `Reader.receiver_runs`.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aiosqlite

from store.buckets import (
    COUNTERS,
    MOUNTS_FROM_RAW,
    MOUNTS_FROM_TIER,
    REPORTS_FROM_RAW,
    REPORTS_FROM_TIER,
    SCALES,
    USAGE_SCALE,
)
from store.rollup import apart
from store.tiers import FIVE_MINUTES, ONE_HOUR, Tier

RAW = "raw"
"""The step of a series that is made from the reports themselves."""

GAP_STEPS = 1.5
GAP_INTERVALS = 2.5
"""Points further apart than both have a gap between them."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over a time: its average, least and greatest value."""

    avg: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class MountSpread:
    """A mount over a time; sizes in KiB, None if the agent did not tell."""

    mount: str
    usage: Spread
    size_kb: int | None
    used_kb: int | None


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch of history that begins at `at` (ms): how many reports, and their numbers by field name.

    `numbers` lacks what no report had. `network_s` are the seconds over which the bytes moved; bytes that moved
    during a gap in the reports stand apart, since they would be a spike.
    """

    at: int
    count: int
    numbers: Mapping[str, Spread]
    network_s: int
    rx_bytes: int | None
    tx_bytes: int | None
    rx_gap_bytes: int | None
    tx_gap_bytes: int | None
    mounts: tuple[MountSpread, ...] = ()

    @property
    def rx_rate(self) -> float | None:
        """Bytes received per second, None if unknown."""
        return self.rx_bytes / self.network_s if self.rx_bytes is not None and self.network_s else None

    @property
    def tx_rate(self) -> float | None:
        """Bytes sent per second, None if unknown."""
        return self.tx_bytes / self.network_s if self.tx_bytes is not None and self.network_s else None


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one monitor, oldest first; `step` names the tier and `step_ms` is the width of a point."""

    step: str
    step_ms: int
    gap_ms: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which tier to read (None: raw reports) and how wide a point is to be."""

    tier: Tier | None
    step_ms: int


@dataclass(frozen=True, slots=True)
class Oldest:
    """Where tiers begin, as times (ms), None where they have nothing.

    `raw` and `five_minutes` are the first of all that is left of them. `next_five` and `next_hour` are the first
    buckets that end after a period's start.
    """

    raw: int | None
    five_minutes: int | None
    next_five: int | None
    next_hour: int | None


def plan(since: int, until: int, points: int, oldest: Oldest) -> Plan:
    """Choose the tier for a period, and points so wide that at most `points` fit; two is the least to ask for.

    The widest tier that is still fine enough costs least to read. One that begins after the period does, and after
    what a wider one has of it, has expired there, so the next wider takes its place.
    """
    # One point less, since a period that begins within a bucket touches one more.
    ideal_ms = max(1, -(-(until - since) // max(1, points - 1)))
    by_five = _reaches(oldest.raw, FIVE_MINUTES, oldest.next_five)
    if ideal_ms < FIVE_MINUTES.width_ms and by_five and _reaches(oldest.raw, ONE_HOUR, oldest.next_hour):
        return Plan(None, ideal_ms)
    if ideal_ms < ONE_HOUR.width_ms and _reaches(oldest.five_minutes, ONE_HOUR, oldest.next_hour):
        return _plan_tier(FIVE_MINUTES, ideal_ms)
    return _plan_tier(ONE_HOUR, ideal_ms)


def _plan_tier(tier: Tier, ideal_ms: int) -> Plan:
    return Plan(tier, tier.width_ms * -(-ideal_ms // tier.width_ms))


def _reaches(first: int | None, wider: Tier, next_wider: int | None) -> bool:
    if next_wider is None:
        return True
    return first is not None and first - first % wider.width_ms <= next_wider


_OLDEST = f"""
SELECT (SELECT min(at) FROM sample WHERE monitor_id = :monitor_id) AS raw,
    (SELECT min(bucket) * {FIVE_MINUTES.width_ms} FROM rollup_5m WHERE monitor_id = :monitor_id) AS five_minutes,
    (SELECT min(bucket) * {FIVE_MINUTES.width_ms} FROM rollup_5m
        WHERE monitor_id = :monitor_id AND bucket >= :since / {FIVE_MINUTES.width_ms}) AS next_five,
    (SELECT min(bucket) * {ONE_HOUR.width_ms} FROM rollup_1h
        WHERE monitor_id = :monitor_id AND bucket >= :since / {ONE_HOUR.width_ms}) AS next_hour
"""
_MOUNTS = "SELECT id, path FROM mount WHERE id IN (SELECT value FROM json_each(?))"


async def read_oldest(connection: aiosqlite.Connection, monitor_id: int, since: int) -> Oldest:
    """Return where the tiers of a monitor begin, seen from a period's start (ms)."""
    (row,) = await connection.execute_fetchall(_OLDEST, {"monitor_id": monitor_id, "since": since})
    return Oldest(**row)


async def read_points(
    connection: aiosqlite.Connection, monitor_id: int, since: int, until: int, chosen: Plan, interval_s: float | None
) -> Series:
    """Read a period (ms, half open) as planned."""
    tier, step_ms = chosen.tier, chosen.step_ms
    if tier is None:
        period = {"since": since, "until": until, "width_ms": step_ms, **apart(interval_s)}
        reports, mounts = REPORTS_FROM_RAW + " ORDER BY bucket", MOUNTS_FROM_RAW + " ORDER BY bucket"
    else:
        first, last = since // tier.width_ms, -(-until // tier.width_ms)
        period = {"first": first, "last": last, "times": step_ms // tier.width_ms}
        reports, mounts = REPORTS_FROM_TIER[tier], MOUNTS_FROM_TIER[tier]
    period["monitor_id"] = monitor_id
    rows = await connection.execute_fetchall(reports, period)
    disks = list(await connection.execute_fetchall(mounts, period))
    named = json.dumps(sorted({row["mount_id"] for row in disks}))
    paths = {row[0]: row[1] for row in await connection.execute_fetchall(_MOUNTS, (named,))}
    gap_ms = max(GAP_STEPS * step_ms, GAP_INTERVALS * (interval_s or 0.0) * 1000)
    points = _points(rows, disks, paths, step_ms)
    return Series(tier.name if tier else RAW, step_ms, round(gap_ms), points)


def _points(
    rows: Iterable[sqlite3.Row], disks: Iterable[sqlite3.Row], paths: Mapping[int, str], step_ms: int
) -> tuple[Point, ...]:
    mounts: dict[int, list[MountSpread]] = {}
    for row in disks:
        usage = _spread(row, "usage", USAGE_SCALE)
        if usage is not None and row["mount_id"] in paths:
            spread = MountSpread(paths[row["mount_id"]], usage, row["size_kb"], row["used_kb"])
            mounts.setdefault(row["bucket"], []).append(spread)
    return tuple(_point(row, tuple(mounts.get(row["bucket"], ())), step_ms) for row in rows)


def _point(row: sqlite3.Row, mounts: tuple[MountSpread, ...], step_ms: int) -> Point:
    spreads = {field: _spread(row, field, scale) for field, scale in SCALES.items()}
    return Point(
        row["bucket"] * step_ms,
        row["count"],
        {field: spread for field, spread in spreads.items() if spread is not None},
        row["network_s"] or 0,
        **{counter: row[counter] for counter in COUNTERS},
        mounts=mounts,
    )


def _spread(row: sqlite3.Row, name: str, scale: int) -> Spread | None:
    average = row[f"{name}_avg"]
    if average is None:
        return None
    return Spread(average / scale, row[f"{name}_min"] / scale, row[f"{name}_max"] / scale)
