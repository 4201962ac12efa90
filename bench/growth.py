"""What a report and the history cost after ever more different mounts and host names of one monitor.

    python -m bench.growth [--names 0 30000 60000]

Each report names 500 mounts and a host name that no report named before. When that is refused the housekeeping has
its turn, as it has every five minutes in a receiver. Then reports with one new mount are timed, and what
`agentmon history` reads: the raw reports of a day as points, as it prints them, and as CSV with a column a mount.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from server.upkeep import Upkeep, UpkeepOptions
from store import changes
from store.errors import ReportRefusedError
from store.models import MountUsage, Report
from store.schema import prepare_database
from store.writer import Writer, wall_clock_ms

MOUNTS = 500
TIMED = 50
FORMS = {"lines": (), "CSV": ("--csv",), "5m": ("--step", "5m")}


def report(host: str, *mounts: str) -> Report:
    """Return a report that names these."""
    disks = tuple(MountUsage(mount, 50.0, "50G", "25G", "25G") for mount in mounts)
    return Report(cpu_usage=1, memory_usage=2, memory_total_mb=1024, disk_usage=disks, hostname=host)


async def name_more(writer: Writer, key: str, first: int, until: int) -> None:
    """Store reports that name mounts by number, with housekeeping where one is refused."""
    upkeep = Upkeep(writer, UpkeepOptions(), wall_clock_ms)
    for start in range(first, until, MOUNTS):
        named = report(f"host-{start}", *(f"/mnt/volume-{start + number}" for number in range(MOUNTS)))
        try:
            await writer.store(key, named, "192.0.2.1")
        except ReportRefusedError:
            await upkeep.go_round()
            await writer.store(key, named, "192.0.2.1")


async def report_ms(writer: Writer, key: str, label: str) -> float:
    """Return the median time of a report with one new mount."""
    times = []
    for number in range(TIMED):
        began = time.perf_counter()
        await writer.store(key, report("host", "/", f"/new-{label}-{number}"), "192.0.2.1")
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def history_s(path: Path, *options: str) -> float:
    """Return how long `agentmon history` takes."""
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("agentmon")), "--db", str(path), "history", "server", *options]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


async def measure(path: Path, counts: list[int]) -> None:
    """Measure at each number of names, in rising order."""
    prepare_database(path)
    writer = await Writer.open(path)
    try:
        ((_, _, key),) = await writer.change(partial(changes.create_monitors, names=["server"], now=wall_clock_ms()))
        named = 0
        for count in sorted(counts):
            await name_more(writer, key, named, count)
            named = count
            per_report = await report_ms(writer, key, str(count))
            times = [f"{form} {history_s(path, *options):.2f} s" for form, options in FORMS.items()]
            print(f"{count:7,} names: {per_report:6.2f} ms a report; history {', '.join(times)}", flush=True)
    finally:
        await writer.close()


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description="Measure what ever more names cost.")
    parser.add_argument("--names", type=int, nargs="+", default=[0, 30_000, 60_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder) / "a.db", options.names))


if __name__ == "__main__":
    main()
