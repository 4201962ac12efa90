"""What the console costs: CPU and bytes sent while a fleet reports, and the time to its first picture.

    python -m bench.console [--seconds 30] [--keys '' U f] [--runs 11] [--themes dark ansi] [--per-second 17 0]

A console in a real terminal of 120x40 follows a real store in which 1,000 servers report once a minute, 17 a
second, or not at all, so that nothing changes but the clocks, while this process reads all that it sends. Each look
(dark is in true colour) is measured by itself. Its first frame and its first server's name on the wire are
timed from the start of the process, against an empty Textual app that shows one word, each in turn.
"""

import argparse
import asyncio
import fcntl
import os
import random
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import count, cycle, product
from pathlib import Path
from typing import cast

from store.changes import create_monitors
from store.models import MountUsage, ReceiverInfo, Report
from store.schema import prepare_database
from store.writer import Writer, wall_clock_ms

MONITORS = 1000
INTERVAL_S = 60
PER_SECOND = 17
COLUMNS, ROWS = 120, 40
KEYS = [f"amk_{number:040}" for number in range(MONITORS)]
SETTLE_S = 5
TICKS = os.sysconf("SC_CLK_TCK")
EMPTY_MARK, FRAME_MARK, FLEET_MARK = b"hello", b"Opening the database", b"node-0"


class OneReceiver:
    """An admin of a receiver that is always well; nothing else is asked of it here."""

    async def receiver(self) -> ReceiverInfo:
        """Return the receiver."""
        return ReceiverInfo(wall_clock_ms(), "http://192.0.2.1:8420")


def run_console(database: Path, theme: str) -> None:
    """Be the console that is measured."""
    from tui.app import ConsoleApp
    from tui.ports import Admin
    from tui.settings import ConsoleSettings

    ConsoleApp(database, cast(Admin, OneReceiver()), settings=ConsoleSettings(theme=theme)).run()


def run_empty() -> None:
    """Be an empty Textual app."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Empty(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(EMPTY_MARK.decode())

    Empty().run()


def a_report(random_number: random.Random, number: int) -> Report:
    """Return a report of two mounts with values that move."""
    return Report(
        cpu_usage=round(random_number.uniform(0, 100), 1),
        memory_usage=round(random_number.uniform(20, 90), 1),
        memory_total_mb=8192,
        swap_usage=3.0,
        disk_usage=(MountUsage("/", 45.0, "50G", "22G", "28G"), MountUsage("/var", 62.0 + number % 20)),
        network_rx_bytes=int(time.monotonic() * 1e6),
        network_tx_bytes=int(time.monotonic() * 3e5),
        load_1m=round(random_number.uniform(0, 4), 2),
        os="Debian GNU/Linux 12 (bookworm)",
        hostname=f"node-{number:04}",
    )


async def fill(database: Path) -> Writer:
    """Return a writer on a new database in which every server has reported within the last minute."""
    prepare_database(database)
    start, step = wall_clock_ms() - INTERVAL_S * 1000, count()
    filling = [True]
    writer = await Writer.open(
        database,
        clock=lambda: start + next(step) * INTERVAL_S * 1000 // MONITORS if filling[0] else wall_clock_ms(),
    )
    names, keys = [f"node-{number:04}" for number in range(1, MONITORS + 1)], iter(KEYS)
    await writer.change(partial(create_monitors, names=names, now=start, make_key=lambda: next(keys)))
    step, numbers = count(), random.Random(1)
    await asyncio.gather(*(writer.store(key, a_report(numbers, n), "192.0.2.7") for n, key in enumerate(KEYS)))
    filling[0] = False
    return writer


async def feed(writer: Writer, per_second: int) -> None:
    """Report on and on, each server in its turn."""
    numbers, turn = random.Random(2), cycle(enumerate(KEYS))
    while True:
        for number, key in (next(turn) for _ in range(per_second)):
            await writer.store(key, a_report(numbers, number), "192.0.2.7")
        await asyncio.sleep(1)


class Terminal:
    """A process in a pseudo terminal of its own, and what it has sent."""

    def __init__(self, mark: bytes, *arguments: str) -> None:
        """Start this module as another role; `mark` is what its first picture holds."""
        self.started = time.monotonic()
        self.sent = bytearray()
        self._awaited, self._shown = mark, asyncio.Event()
        self.pid, self.fd = os.forkpty()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(COLUMNS), LINES=str(ROWS))
            os.execv(sys.executable, [sys.executable, "-m", "bench.console", *arguments])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read(self) -> None:
        """Take what has been sent."""
        try:
            self.sent += os.read(self.fd, 1 << 16)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.fd)
        if self._awaited in self.sent:
            self._shown.set()

    async def first_picture_s(self) -> float:
        """Wait for the first picture and return the seconds from the start of the process to it."""
        async with asyncio.timeout(60):
            await self._shown.wait()
        return time.monotonic() - self.started

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.fd, keys.encode())

    def cpu_s(self) -> float:
        """Return the CPU time that the process has used, all threads, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def terminal(mark: bytes, *arguments: str) -> Iterator[Terminal]:
    """Run a role in a terminal that is read all the time; it is killed at the end."""
    process = Terminal(mark, *arguments)
    loop = asyncio.get_running_loop()
    loop.add_reader(process.fd, process.read)
    try:
        yield process
    finally:
        loop.remove_reader(process.fd)
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)
        os.close(process.fd)


@asynccontextmanager
async def fed(writer: Writer, per_second: int) -> AsyncIterator[None]:
    """Let servers report meanwhile."""
    feeder = asyncio.create_task(feed(writer, per_second))
    try:
        yield
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)


async def measure_cost(database: Path, seconds: float, keys: str, theme: str, per_second: int) -> None:
    """Print what a second of following the fleet costs."""
    with terminal(FLEET_MARK, "--console", str(database), "--themes", theme) as process:
        await process.first_picture_s()
        process.press(keys)
        await asyncio.sleep(SETTLE_S)
        cpu, sent, start = process.cpu_s(), len(process.sent), time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - start
        cpu_ms, rate = (process.cpu_s() - cpu) / took * 1000, (len(process.sent) - sent) / took
    print(f"{MONITORS} servers, {per_second} reports/s, {COLUMNS}x{ROWS}, {took:.0f} s, {theme}, keys {keys!r}:")
    print(f"  {cpu_ms:.1f} ms CPU per second ({cpu_ms / 10:.1f} % of a core), {rate:.0f} bytes per second")


async def measure_start(database: Path, runs: int) -> None:
    """Print the medians of the time to the first picture."""
    roles: dict[str, tuple[bytes, tuple[str, ...]]] = {
        "empty Textual app": (EMPTY_MARK, ("--empty",)),
        "console, its first frame": (FRAME_MARK, ("--console", str(database))),
        f"console, {MONITORS} servers drawn": (FLEET_MARK, ("--console", str(database))),
    }
    taken: dict[str, list[float]] = {role: [] for role in roles}
    for _ in range(runs):
        for role, (mark, arguments) in roles.items():
            with terminal(mark, *arguments) as process:
                taken[role].append(await process.first_picture_s())
    print(f"from the start of the process, median of {runs}:")
    for role, seconds in taken.items():
        print(f"  {role}: {statistics.median(seconds) * 1000:.0f} ms")


async def main(options: argparse.Namespace) -> None:
    """Measure all."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.db"
        writer = await fill(database)
        try:
            if options.runs:
                await measure_start(database, options.runs)
            for theme, per_second, keys in product(options.themes, options.per_second, options.keys):
                async with fed(writer, per_second):
                    await measure_cost(database, options.seconds, keys, theme, per_second)
        finally:
            await writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--keys", nargs="*", default=[""], help="typed before measuring; one measurement for each")
    parser.add_argument("--runs", type=int, default=11, help="starts to time; 0 leaves them out")
    parser.add_argument("--themes", nargs="*", default=["dark"], help="the looks to measure")
    parser.add_argument("--per-second", nargs="*", type=int, default=[PER_SECOND], help="reports; 0 is rest")
    parser.add_argument("--console", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--empty", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.console:
        run_console(chosen.console, chosen.themes[0])
    elif chosen.empty:
        run_empty()
    else:
        asyncio.run(main(chosen))
