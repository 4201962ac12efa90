"""For the tests of history: a database lived through under a clock, and the slow way to roll its reports up."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosqlite

from server.upkeep import Upkeep, UpkeepOptions
from store import changes, runs
from store.buckets import COUNTERS, SCALES, USAGE_SCALE
from store.models import Monitor, Report, Sample
from store.reader import Reader
from store.rollup import apart
from store.schema import prepare_database
from store.series import Plan, Point, Series, read_points
from store.sizes import kibibytes
from store.tiers import ROLLED, Retention, Tier
from store.writer import Writer
from tests.conftest import Clock

KEY = "amk_history"
Span = tuple[float, float, float]
"""The average, least and greatest of some numbers."""


@dataclass(slots=True)
class Bucket:
    """What a bucket must hold, by the reference."""

    count: int
    numbers: dict[str, Span]
    network_s: float = 0.0
    moved: dict[str, int] = field(default_factory=dict)
    mounts: dict[str, Span] = field(default_factory=dict)
    sizes: dict[str, Span | None] = field(default_factory=dict)


def reference(
    samples: Sequence[Sample], width_ms: int, elapsed_s: Mapping[int, float], apart_at: Callable[[int], dict[str, int]]
) -> dict[int, Bucket]:
    """Roll reports up the slow way.

    `elapsed_s` gives the seconds since the report before, by time; `apart_at` what holds for two reports at a time.
    """
    grouped: dict[int, list[Report]] = defaultdict(list)
    for sample in samples:
        grouped[sample.at // width_ms].append(sample.report)
    buckets = {number: _bucket(reports) for number, reports in grouped.items()}
    for before, after in pairwise(samples):
        _move(buckets[after.at // width_ms], before, after, elapsed_s[after.at] * 1000, apart_at(after.at))
    return buckets


def _bucket(reports: Sequence[Report]) -> Bucket:
    numbers = {name: _span(getattr(report, name) for report in reports) for name in SCALES}
    usages: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, list[int | None]] = defaultdict(list)
    for mount in (mount for report in reports for mount in report.disk_usage):
        usages[mount.mount].append(mount.usage)
        sizes[mount.mount].append(kibibytes(mount.size))
    return Bucket(
        len(reports),
        {name: span for name, span in numbers.items() if span},
        mounts={mount: span for mount, values in usages.items() if (span := _span(values))},
        sizes={mount: _span(values) for mount, values in sizes.items()},
    )


def _span(values: Iterable[float | None]) -> Span | None:
    known = [value for value in values if value is not None]
    return (sum(known) / len(known), min(known), max(known)) if known else None


def _move(bucket: Bucket, before: Sample, after: Sample, elapsed_ms: float, apart_ms: dict[str, int]) -> None:
    steps = {}
    for way in ("rx", "tx"):
        old, new = (getattr(sample.report, f"network_{way}_bytes") for sample in (before, after))
        if old is not None and new is not None:
            steps[way] = new - old
    if not steps or min(steps.values()) < 0:
        return
    makes_rate = apart_ms["least_ms"] <= elapsed_ms <= apart_ms["gap_ms"]
    suffix = "bytes" if makes_rate else "gap_bytes"
    if makes_rate:
        bucket.network_s += elapsed_ms / 1000
    for way, step in steps.items():
        bucket.moved[f"{way}_{suffix}"] = bucket.moved.get(f"{way}_{suffix}", 0) + step


class History:
    """One monitor's life: reports, housekeeping and restarts, and all reports that were ever stored."""

    def __init__(self, path: Path, clock: Clock, retention: Retention | None = None) -> None:
        """Use it as a context; the database is new."""
        self.path = path
        self.clock = clock
        self.apart: dict[Tier, dict[int, dict[str, int]]] = {tier: {} for tier in ROLLED}
        self._heard_s: list[float | None] = []
        self._retention = retention or Retention()
        self._seen: dict[int, Sample] = {}
        self._rolled = -1
        self._storing: list[asyncio.Task[None]] = []
        prepare_database(path)

    async def __aenter__(self) -> Self:
        await self._open()
        create = partial(changes.create_monitors, names=["a"], now=self.clock.wall(), agent_key=KEY)
        await self.writer.change(create)
        self.reader = await Reader.open(self.path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.writer.close()
        await self.reader.close()
        await asyncio.gather(*self._storing)

    async def _open(self) -> None:
        self.writer = await Writer.open(self.path, self.clock.wall, self.clock.listening_s)
        self._run = await self.writer.transact(partial(runs.begin_run, now=self.clock.wall()))
        options = UpkeepOptions(self._retention)
        self.upkeep = Upkeep(self.writer, options, self.clock.wall, self.clock.listening_s)

    async def report(self, report: Report) -> None:
        """Let a report arrive now; it may be stored together with later ones."""
        self._heard_s.append(self.clock.listening)
        self._storing.append(asyncio.create_task(self.writer.store(KEY, report, "::1")))
        await asyncio.sleep(0)  # so that it is stamped

    async def settle(self) -> None:
        """Wait until all that arrived is stored."""
        storing, self._storing = self._storing, []
        await asyncio.gather(*storing)

    async def restart(self) -> None:
        """Close the receiver's writer and open another."""
        await self.settle()
        await self.writer.close()
        await self._open()
        self._heard_s.append(None)

    async def go_round(self) -> None:
        """Do the housekeeping, and remember what the reference needs before it forgets."""
        await self.settle()
        await self.writer.transact(partial(runs.beat, run_id=self._run, now=self.clock.wall()))
        new = await self.reader.samples(1, self._rolled + 1, 2**60)
        self._seen |= {sample.at: sample for sample in new}
        if new:
            self._rolled = new[-1].at
            for tier in ROLLED:
                self._note_apart(tier, new[0].at // tier.width_ms)
        await self.upkeep.go_round()

    def _note_apart(self, tier: Tier, first: int) -> None:
        holds = apart(self.writer.lives[1].monitor.interval_s)
        numbers = (at // tier.width_ms for at in self._seen)
        self.apart[tier] |= {number: holds for number in numbers if number >= first}

    def apart_at(self, tier: Tier) -> Callable[[int], dict[str, int]]:
        """Return what held for two reports when a tier's bucket was last made, by time."""
        return lambda at: self.apart[tier][at // tier.width_ms]

    @property
    def elapsed_s(self) -> dict[int, float]:
        """Return the seconds between each report and the one before, by its time: by stamps over a restart."""
        ats, elapsed = sorted(self._seen), {}
        heard_s: float | None = None
        place = 0
        for each in self._heard_s:
            if each is not None and place < len(ats):
                by_stamp = (ats[place] - ats[place - 1]) / 1000
                elapsed[ats[place]] = by_stamp if heard_s is None else each - heard_s
                place += 1
            heard_s = each
        return elapsed

    @property
    def samples(self) -> list[Sample]:
        """All reports that were rolled up, also those that are forgotten."""
        return [self._seen[at] for at in sorted(self._seen)]

    async def monitor(self) -> Monitor:
        """Return the monitor as a reader sees it."""
        monitor = await self.reader.monitor("a")
        assert monitor is not None
        return monitor

    async def tier(self, tier: Tier) -> Series:
        """Return all that a tier holds."""
        return await self.reader.tier_points(await self.monitor(), tier, 0, 2**50)

    async def points(self, plan: Plan) -> tuple[Point, ...]:
        """Return the whole history in points of a given width."""
        async with aiosqlite.connect(self.path) as connection:
            connection.row_factory = sqlite3.Row
            await connection.create_function("kibibytes", 1, kibibytes)
            return (await read_points(connection, 1, 0, 2**50, plan, 60.0)).points


def differences(point: Point, bucket: Bucket, *, tolerance: float = 1.01) -> list[str]:
    """Return where a point is not what the reference says; `tolerance` is in units of the stored integers."""
    wrong = [] if point.count == bucket.count else [f"count {point.count}, not {bucket.count}"]
    if point.numbers.keys() != bucket.numbers.keys():
        wrong.append(f"numbers {sorted(point.numbers)}, not {sorted(bucket.numbers)}")
    for name, spread in point.numbers.items():
        _compare(wrong, name, (spread.avg, spread.min, spread.max), bucket.numbers.get(name), tolerance / SCALES[name])
    if abs(point.network_s - bucket.network_s) > tolerance:
        wrong.append(f"network_s {point.network_s}, not {bucket.network_s}")
    moved = {name: value for name in COUNTERS if (value := getattr(point, name)) is not None}
    if moved != bucket.moved:
        wrong.append(f"moved {moved}, not {bucket.moved}")
    if {mount.mount for mount in point.mounts} != bucket.mounts.keys():
        wrong.append(f"mounts {[mount.mount for mount in point.mounts]}, not {list(bucket.mounts)}")
    for mount in point.mounts:
        usage = (mount.usage.avg, mount.usage.min, mount.usage.max)
        _compare(wrong, mount.mount, usage, bucket.mounts.get(mount.mount), tolerance / USAGE_SCALE)
        size = bucket.sizes.get(mount.mount)
        if (size is None) != (mount.size_kb is None) or abs((mount.size_kb or 0) - (size[0] if size else 0)) > 1:
            wrong.append(f"size of {mount.mount} {mount.size_kb}, not {size}")
    return wrong


def _compare(wrong: list[str], name: str, found: Span, wanted: Span | None, tolerance: float) -> None:
    if wanted and any(abs(a - b) > tolerance for a, b in zip(found, wanted, strict=True)):
        wrong.append(f"{name} {found}, not {wanted}")
