"""What 400 days of history weigh, and what they cost to read and to keep.

    python -m bench.history DATABASE [--servers 100] [--days 400] [--rounds 5] [--only-measure]

Seeds a database with the real writer, roll-up and expiry under a simulated clock, then measures it: size, query
times, start-up, and how long reports wait for their commit with and without the housekeeping at work. Servers with
two mounts report hourly in the oldest part, every 5 minutes in the last 14 days (of which a bucket of 5 minutes
looks no different) and each minute in the last 72 hours. So every tier is as full as the default retention leaves
it after 400 days of minutely reports, and raw reports have been expiring at their full rate for a day. The
measuring of reports goes on from there with time running 60 times as fast, so that 100 reports a second of 100
servers make roll-up and expiry work as they would in steady state, only that much more often.
"""

import argparse
import asyncio
import itertools
import math
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from server.upkeep import MONITORS_AT_ONCE, Upkeep, UpkeepOptions
from store import changes, expiry
from store.models import Monitor, MountUsage, Report
from store.reader import Reader
from store.rollup import roll_up
from store.schema import companions, prepare_database
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS, Retention
from store.writer import Writer

BEGIN_MS = 1_750_000_000_000
CHART_POINTS = 150
REPEATS = 20
SPEED = 60
REPORTS_PER_S = 100
ROUND_S = 15.0
RANGES = {"1 h": 1, "6 h": 6, "24 h": 24, "7 d": 7 * 24, "30 d": 30 * 24, "400 d": 400 * 24}
TABLES = {
    "raw": ("sample", "sample_mount"),
    "5m": ("rollup_5m", "rollup_mount_5m"),
    "1h": ("rollup_1h", "rollup_mount_1h"),
}


class Server:
    """A machine whose figures wander as real ones do."""

    def __init__(self, name: str) -> None:
        """Begin somewhere."""
        self._random = random.Random(name)
        self._name = name
        self._cpu, self._memory, self._root, self._data = (self._random.uniform(5, 80) for _ in range(4))
        self._rx, self._tx = self._random.randrange(10**12), self._random.randrange(10**11)

    def report(self, seconds: int) -> Report:
        """Return what it reports so many seconds after the last time."""
        draw = self._random
        self._cpu = min(100.0, max(0.5, self._cpu + draw.gauss(0, 4)))
        self._memory = min(99.0, max(5.0, self._memory + draw.gauss(0, 0.5)))
        self._root, self._data = (min(99.0, max(5.0, u + draw.gauss(0, 0.05))) for u in (self._root, self._data))
        self._rx += draw.randrange(200_000) * seconds
        self._tx += draw.randrange(50_000) * seconds
        load = self._cpu / 25
        return Report(
            cpu_usage=round(self._cpu, 1),
            cpu_iowait=round(draw.expovariate(1), 1),
            memory_usage=round(self._memory, 1),
            memory_total_mb=16_003,
            swap_usage=round(self._memory / 9, 1),
            disk_usage=(_mount("/", self._root, 49), _mount("/var/lib", self._data, 984)),
            network_rx_bytes=self._rx,
            network_tx_bytes=self._tx,
            load_1m=round(load * draw.uniform(0.8, 1.2), 2),
            load_5m=round(load * draw.uniform(0.9, 1.1), 2),
            load_15m=round(load, 2),
            os="Debian GNU/Linux 12 (bookworm)",
            hostname=self._name,
            kernel="6.1.0-13-amd64",
        )


def _mount(path: str, usage: float, size: int) -> MountUsage:
    used = size * usage / 100
    return MountUsage(path, round(usage, 1), f"{size}G", f"{used:.1f}G", f"{size - used:.1f}G")


class Time:
    """A simulated time of day; the seconds of the other clocks follow it."""

    def __init__(self, ms: int) -> None:
        """Begin at `ms`."""
        self.ms = ms

    def wall(self) -> int:
        """Return UTC milliseconds."""
        return self.ms

    def seconds(self) -> float:
        """Return the seconds of a clock that nobody sets."""
        return self.ms / 1000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the history: how long, how far apart its reports are, how often it is rolled up (all ms)."""

    length: int
    step: int
    upkeep: int


def stretches(days: int) -> tuple[Stretch, ...]:
    """Return the parts of the seed, oldest first."""
    return (
        Stretch((days - 14) * DAY_MS, HOUR_MS, DAY_MS),
        Stretch(11 * DAY_MS, 5 * MINUTE_MS, 2 * HOUR_MS),
        Stretch(3 * DAY_MS, MINUTE_MS, 10 * MINUTE_MS),
    )


async def seed(path: Path, servers: int, days: int) -> None:
    """Make the database."""
    prepare_database(path)
    clock = Time(BEGIN_MS)
    writer = await Writer.open(path, clock.wall, clock.seconds)
    names = [f"server-{number}" for number in range(servers)]
    made = await writer.change(partial(changes.create_monitors, names=names, now=clock.ms))
    fleet = [(key, Server(name)) for _, name, key in made]
    for stretch in stretches(days):
        began = time.monotonic()
        for _ in range(stretch.length // stretch.upkeep):
            storing = []
            for _ in range(stretch.upkeep // stretch.step):
                clock.ms += stretch.step
                reports = [(key, server.report(stretch.step // 1000)) for key, server in fleet]
                storing += [asyncio.create_task(writer.store(key, report, "192.0.2.1")) for key, report in reports]
                await asyncio.sleep(0)  # so that they are stamped; they are stored while the next are made
            await asyncio.gather(*storing)
            await keep_up(writer, clock.ms)
        print(f"seeded {stretch.length / DAY_MS:.0f} days in {time.monotonic() - began:.0f} s", flush=True)
    await writer.transact(expiry.analyze)
    await writer.close()


async def keep_up(writer: Writer, now: int) -> None:
    """Do the housekeeping without its pauses."""
    ids = list(writer.lives)
    await writer.transact(partial(roll_up, monitor_ids=ids, budget_s=math.inf))
    for some in itertools.zip_longest(*[iter(ids)] * MONITORS_AT_ONCE, fillvalue=0):
        while await writer.transact(partial(expiry.expire, monitor_ids=some, now=now, retention=Retention())):
            pass
    while await writer.transact(expiry.give_back):
        pass


def show_size(path: Path) -> None:
    """Print what the file holds, by tier."""
    connection = sqlite3.connect(path)
    try:
        size = path.stat().st_size
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        wal = companions(path)[0]
        print(f"file {size / 1e6:.1f} MB, of it free {free * 4096 / 1e6:.1f} MB;", end=" ")
        print(f"write-ahead log {wal.stat().st_size / 1e6 if wal.exists() else 0:.1f} MB")
        sizes = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        for tier, tables in TABLES.items():
            (rows,) = connection.execute(f"SELECT count(*) FROM {tables[0]}").fetchone()
            taken = sum(sizes.pop(table) for table in tables)
            print(f"  {tier:4}{rows:10,} rows {taken / 1e6:8.1f} MB {taken / rows:8.1f} bytes each, mounts included")
        print(f"  rest {sum(sizes.values()) / 1e6:.1f} MB")
    finally:
        connection.close()


def forget_pages(path: Path) -> None:
    """Ask the operating system to drop the file from its cache; only while nobody has the database open."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


async def timed_ms(path: Path, query: Callable[[Reader], object], *, cold: bool) -> float:
    """Return how long a query takes on a new connection, with the file's pages dropped, or the second time."""
    if cold:
        forget_pages(path)
    reader = await Reader.open(path)
    try:
        if not cold:
            await query(reader)  # type: ignore[misc]
        began = time.perf_counter()
        await query(reader)  # type: ignore[misc]
        return (time.perf_counter() - began) * 1000
    finally:
        await reader.close()


async def show_query(path: Path, name: str, queries: Iterator[Callable[[Reader], object]]) -> None:
    """Print the medians of a query, cold and warm; each is asked of another server."""
    times = {}
    for cold in (True, False):
        times[cold] = [await timed_ms(path, query, cold=cold) for query in itertools.islice(queries, REPEATS)]
    cold_ms, warm_ms = (statistics.median(times[cold]) for cold in (True, False))
    print(f"  {name:16}{cold_ms:9.1f} ms cold {warm_ms:9.1f} ms warm {max(times[False]):9.1f} ms warm at most")


async def show_queries(path: Path) -> int:
    """Print the times of all queries; returns the time (ms) at which the history ends."""
    reader = await Reader.open(path)
    fleet = (await reader.changes()).monitors
    now = max(monitor.last_report_at or 0 for monitor in fleet) + 1
    await reader.close()

    def chart(monitor: Monitor, hours: int) -> Callable[[Reader], object]:
        return lambda reader: reader.series(monitor, now - hours * HOUR_MS, now, CHART_POINTS)

    def past(hours: int) -> Callable[[Reader], object]:
        return lambda reader: reader.fleet_at(now - hours * HOUR_MS)

    def traffic(monitor: Monitor) -> Callable[[Reader], object]:
        return lambda reader: reader.traffic(monitor.id, now - 62 * DAY_MS, now)

    print(f"queries, medians of {REPEATS}: charts of one server in {CHART_POINTS} points, the fleet as it was")
    for name, hours in RANGES.items():
        await show_query(path, name, (chart(monitor, hours) for monitor in itertools.cycle(fleet)))
    await show_query(path, "traffic 62 d", (traffic(monitor) for monitor in itertools.cycle(fleet)))
    for name, hours in {"1 h": 1, "7 d": 7 * 24, "100 d": 100 * 24}.items():
        await show_query(path, f"fleet {name} ago", itertools.repeat(past(hours)))
    await show_query(path, "fleet now", itertools.repeat(lambda reader: reader.changes()))
    return now


async def show_start(path: Path) -> None:
    """Print how long the receiver takes to have the store ready."""
    for cold in (True, False):
        times = []
        for _ in range(REPEATS):
            if cold:
                forget_pages(path)
            began = time.perf_counter()
            prepare_database(path)
            writer = await Writer.open(path)
            times.append((time.perf_counter() - began) * 1000)
            await writer.close()
        print(f"start-up {'cold' if cold else 'warm'}: {statistics.median(times):.1f} ms")


async def send(writer: Writer, fleet: list[tuple[str, Server]], clock: Time) -> list[float]:
    """Store reports at an even rate for a round; returns how long each waited, in ms, from when it was due."""
    began, waits, waiting = time.perf_counter(), list[float](), set[asyncio.Task[None]]()
    first_ms = clock.ms

    async def store(due: float, key: str, server: Server) -> None:
        await writer.store(key, server.report(SPEED), "192.0.2.1")
        waits.append((time.perf_counter() - due) * 1000)

    for number in range(round(ROUND_S * REPORTS_PER_S)):
        due = began + number / REPORTS_PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        clock.ms = max(clock.ms, first_ms + round((due - began) * 1000 * SPEED))
        task = asyncio.create_task(store(due, *fleet[number % len(fleet)]))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    return waits


async def show_ingest(path: Path, now: int, rounds: int) -> None:
    """Print how long reports wait, with the housekeeping always at work and without any, in turn."""
    clock = Time(now)
    writer = await Writer.open(path, clock.wall, clock.seconds)
    fleet = [(key, Server(name)) for name, key in await _keys(writer)]
    upkeep = Upkeep(writer, UpkeepOptions(every_s=0.0), clock.wall, clock.seconds)
    waits: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for busy in (False, True):
            task = asyncio.create_task(upkeep.run()) if busy else None
            waits[busy] += await send(writer, fleet, clock)
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
    await writer.close()
    print(f"reports at {REPORTS_PER_S}/s, {rounds} rounds of {ROUND_S:.0f} s each way: ms from due to committed")
    for busy, name in ((False, "without"), (True, "with roll-up and expiry")):
        ordered = sorted(waits[busy])
        p50, p99 = (ordered[int(len(ordered) * part)] for part in (0.5, 0.99))
        print(f"  {name:24} p50 {p50:6.1f}  p99 {p99:6.1f}  worst {ordered[-1]:6.1f}")


async def _keys(writer: Writer) -> list[tuple[str, str]]:
    names = [live.monitor.name for live in writer.lives.values()]
    return [
        (name, key)
        for _, name, key in await writer.change(partial(changes.create_monitors, names=names, now=0, if_missing=True))
    ]


async def measure(path: Path, rounds: int) -> None:
    """Measure the database."""
    show_size(path)
    now = await show_queries(path)
    await show_start(path)
    await show_ingest(path, now, rounds)
    show_size(path)


def main() -> None:
    """Seed and measure."""
    parser = argparse.ArgumentParser(description="Seed 400 days of history and measure it.")
    parser.add_argument("database", type=Path, help="a new file; kept afterwards")
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5, help="of storing reports, each way")
    parser.add_argument("--only-measure", action="store_true", help="the database is there already")
    options = parser.parse_args()
    if not options.only_measure:
        uvloop.run(seed(options.database, options.servers, options.days))
    uvloop.run(measure(options.database, options.rounds))


if __name__ == "__main__":
    main()
