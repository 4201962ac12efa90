"""Reports per second, and per CPU second of the server, against a bare aiohttp handler.

    python -m bench.receiver [--rounds 5] [--reports 20000] [--fresh]

Each server runs in a process of its own and all are asked in turn, round by round, from 64 connections on
loopback, with the reports of 1,000 monitors of two mounts each. `--fresh` opens a connection for each report, as
most agents do. Client and server share the machine, so reports per CPU second (from /proc, all threads of the
server's process) is the figure to trust.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from aiohttp import web

from server.receiver import Ingest, ReceiverOptions, start_receiver
from store.agents import SHIPPED_VERSION, user_agent_of
from store.changes import create_monitors
from store.models import AgentInfo, Report
from store.schema import prepare_database
from store.writer import Writer, wall_clock_ms

CONNECTIONS = 64
MONITORS = 1000
USER_AGENT = user_agent_of(AgentInfo(SHIPPED_VERSION, "sh", "linux"))
KEYS = [f"amk_{number:040}" for number in range(MONITORS)]
ANSWER_END = b'{"status": "ok"}'
TICKS = os.sysconf("SC_CLK_TCK")


class NullStore:
    """An `Ingest` that stores nothing, so that the receiver alone is measured."""

    problem: str | None = None

    def __init__(self) -> None:
        self._ids = {key: number for number, key in enumerate(KEYS, 1)}

    def find(self, agent_key: str) -> int | None:
        """Return the id of a key."""
        return self._ids.get(agent_key)

    async def store(self, agent_key: str, report: Report, address: str, agent: AgentInfo | None) -> None:
        """Forget the report."""


async def serve_bare(sock: socket.socket) -> None:
    """Serve with aiohttp alone: read the body, answer 200."""

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER_END, content_type="application/json")

    app = web.Application()
    app.router.add_post("/agent/report", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock, backlog=1024).start()


async def serve_receiver(ingest: Ingest, sock: socket.socket) -> None:
    """Serve with the receiver, with the limits that people get."""
    await start_receiver(ingest, sock, ReceiverOptions())


async def open_store(path: Path) -> Writer:
    """Return a writer on a new database with all monitors."""
    prepare_database(path)
    writer = await Writer.open(path)
    names = [f"server-{number}" for number in range(MONITORS)]
    keys = iter(KEYS)
    await writer.change(partial(create_monitors, names=names, now=wall_clock_ms(), make_key=lambda: next(keys)))
    return writer


async def serve(kind: str, folder: str, ready: Connection) -> None:
    """Serve one kind on a free port of loopback, which is sent through `ready`; end when `ready` is closed."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
    writer = await open_store(Path(folder) / "bench.db") if kind == "store" else None
    if kind == "bare":
        await serve_bare(sock)
    else:
        await serve_receiver(writer or NullStore(), sock)
    ready.send(sock.getsockname()[1])
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(ready.fileno(), ended.set)
    await ended.wait()
    if writer is not None:
        await writer.close()


def serve_process(kind: str, folder: str, ready: Connection) -> None:
    """Run `serve` in this process."""
    uvloop.run(serve(kind, folder, ready))


def report_request(number: int, *, fresh: bool) -> bytes:
    """Return the request of one monitor."""
    disks = [
        {"mount": mount, "usage": 45.5, "size": "50G", "used": "22G", "avail": "28G"} for mount in ("/", "/var/lib")
    ]
    body = json.dumps(
        {
            "agent_key": KEYS[number],
            "cpu_usage": 20 + number % 50 + 0.5,
            "cpu_iowait": 1.2,
            "memory_usage": 67.4,
            "memory_total_mb": 8192,
            "swap_usage": 5.0,
            "disk_usage": disks,
            "network_rx_bytes": 1234567890 + number,
            "network_tx_bytes": 987654321 + number,
            "load_1m": 0.5,
            "load_5m": 0.3,
            "load_15m": 0.2,
            "os": "Debian GNU/Linux 12",
            "hostname": f"server-{number}",
            "kernel": "6.1.0-13-amd64",
        }
    ).encode()
    lines = [
        "POST /agent/report HTTP/1.1",
        "Host: 127.0.0.1",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(["Connection: close"] if fresh else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Load:
    """So many reports, sent from a fixed number of connections, each as soon as the one before is answered."""

    def __init__(self, port: int, reports: int, *, fresh: bool) -> None:
        self._port = port
        self._fresh = fresh
        self._left = reports
        self._requests = cycle([report_request(number, fresh=fresh) for number in range(MONITORS)])

    async def run(self) -> None:
        """Send all; raises RuntimeError if any report is not answered 200."""
        await asyncio.gather(*[self._send() for _ in range(CONNECTIONS)])

    async def _send(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while self._left > 0:
            self._left -= 1
            writer.write(next(self._requests))
            answer = await reader.readuntil(ANSWER_END)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"answered {answer!r}")
            if self._fresh:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round gave."""

    per_s: float
    per_cpu_s: float


def measure(pid: int, port: int, reports: int, *, fresh: bool) -> Figures:
    """Load one server with so many reports."""
    cpu, wall = cpu_s(pid), time.monotonic()
    uvloop.run(Load(port, reports, fresh=fresh).run())
    return Figures(reports / (time.monotonic() - wall), reports / (cpu_s(pid) - cpu))


def main() -> None:
    """Measure and print the medians."""
    parser = argparse.ArgumentParser(description="Measure the receiver against a bare aiohttp handler.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reports", type=int, default=20_000, help="reports per server and round")
    parser.add_argument("--fresh", action="store_true", help="a connection for each report")
    options = parser.parse_args()
    kinds = ("bare", "null", "store")
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        servers = {}
        for kind in kinds:
            ours, theirs = context.Pipe()
            process = context.Process(target=serve_process, args=(kind, folder, theirs), daemon=True)
            process.start()
            theirs.close()
            servers[kind] = (process, ours, ours.recv())
        rounds = {kind: list[Figures]() for kind in kinds}
        for process, _, port in servers.values():
            measure(process.pid or 0, port, MONITORS, fresh=options.fresh)
        for _ in range(options.rounds):
            for kind, (process, _, port) in servers.items():
                rounds[kind].append(measure(process.pid or 0, port, options.reports, fresh=options.fresh))
        for process, ours, _ in servers.values():
            ours.close()
            process.join(10)
    show(rounds)


def show(rounds: dict[str, list[Figures]]) -> None:
    """Print the median of each server's rounds, and what it is of the bare one's."""
    base = statistics.median(figures.per_cpu_s for figures in rounds["bare"])
    print(f"{'server':8}{'reports/s':>12}{'per CPU s':>12}{'CPU µs each':>14}{'of bare':>10}")
    for kind, figures in rounds.items():
        per_s = statistics.median(each.per_s for each in figures)
        per_cpu_s = statistics.median(each.per_cpu_s for each in figures)
        print(f"{kind:8}{per_s:12.0f}{per_cpu_s:12.0f}{1e6 / per_cpu_s:14.0f}{per_cpu_s / base:10.0%}")


if __name__ == "__main__":
    main()
