"""What a report costs on the machine that it is about: CPU of both agents, memory of the one that stays.

    python -m bench.agents [--runs 20] [--shells dash bash "busybox sh"]

agent.sh runs as cron runs it, once a report, against a receiver on loopback; its CPU is user and system time of all
its processes, as the kernel adds them up when they are waited for. `agentmon agent` runs as installed, at an interval
of a second; its CPU is taken from the clock of its CPU time after the first report, and scaled to an interval of 60 s.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import agent

SCRIPT = Path(agent.__path__[0]) / "agent.sh"
AGENTMON = Path(sys.executable).with_name("agentmon")
SHELLS = ("dash", "bash", "busybox sh")

PROCESS_CPU_CLOCK = 2
"""With a process' number, the clock of its CPU time, as clock_getcpuclockid(3) makes it."""


class Taker(ThreadingHTTPServer):
    """A receiver that takes every report and counts them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One report."""

    server: Taker

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')
        self.server.taken += 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


@contextmanager
def taking() -> Iterator[Taker]:
    """Run the receiver on a thread."""
    with Taker() as taker:
        threading.Thread(target=taker.serve_forever, daemon=True).start()
        yield taker
        taker.shutdown()


def shell_cpu_ms(shell: str, environ: dict[str, str]) -> float:
    """Send one report by agent.sh and return the milliseconds of CPU that it took, all processes together."""
    name, *applet = shell.split()
    process = subprocess.Popen([shutil.which(name) or name, *applet, str(SCRIPT)], env=environ)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildProcessError(f"agent.sh failed under {shell}")
    return 1000 * (used.ru_utime + used.ru_stime)


def measure_shells(shells: list[str], runs: int, environ: dict[str, str]) -> None:
    """Print the CPU of a report under each shell that is here."""
    for shell in shells:
        if not shutil.which(shell.split()[0]):
            print(f"agent.sh under {shell:<11} not here")
            continue
        costs = [shell_cpu_ms(shell, environ) for _ in range(runs)]
        mean, worst = statistics.mean(costs), max(costs)
        print(f"agent.sh under {shell:<11} {mean:5.1f} ms of CPU a report, at most {worst:.1f} ({runs} runs)")


def run_ns(pid: int) -> int:
    """Return the nanoseconds for which a process has had a CPU, all its threads together, those that ended too."""
    return time.clock_gettime_ns((~pid << 3) | PROCESS_CPU_CLOCK)


def memory_mb(pid: int, name: str) -> float:
    """Return a size of /proc/PID/status ("VmRSS") in MB of 2^20 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(name)


def await_reports(taker: Taker, count: int) -> None:
    """Wait until so many reports have been taken."""
    deadline = time.monotonic() + 10 + 3 * count
    while taker.taken < count:
        if time.monotonic() > deadline:
            raise TimeoutError("agentmon agent does not report")
        time.sleep(0.05)


@dataclass(frozen=True)
class PsutilCost:
    """CPU of starting and of each report, in milliseconds; memory after the last report and at most, in MB of 2^20."""

    start_ms: float
    report_ms: float
    resident_mb: float
    peak_mb: float

    @property
    def share_at_60_s(self) -> float:
        """The share of one core, 0 to 1, that an agent takes which reports every 60 s."""
        return self.report_ms / 1000 / 60


def psutil_cost(taker: Taker, runs: int, environ: dict[str, str]) -> PsutilCost:
    """Let `agentmon agent` report each second and return what that cost it; AGENTMON_URL is the taker's."""
    process = subprocess.Popen([AGENTMON, "agent", "--interval", "1"], env=environ, stderr=subprocess.DEVNULL)
    try:
        await_reports(taker, 1)
        started = run_ns(process.pid)
        await_reports(taker, 1 + runs)
        report_ms = (run_ns(process.pid) - started) / 1e6 / runs
        memory = [memory_mb(process.pid, name) for name in ("VmRSS", "VmHWM")]
    finally:
        process.terminate()
        process.wait(10)
    return PsutilCost(started / 1e6, report_ms, *memory)


def show_psutil(cost: PsutilCost, runs: int) -> None:
    """Print it."""
    print(f"agentmon agent             {cost.report_ms:5.1f} ms of CPU a report ({runs} runs)", end=", ")
    print(f"{cost.share_at_60_s:.4%} of a core at 60 s; {cost.start_ms:.0f} ms to start")
    print(f"                           {cost.resident_mb:5.1f} MB resident, at most {cost.peak_mb:.1f} MB")


def main() -> None:
    """Measure both agents."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--shells", nargs="*", default=SHELLS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, taking() as taker:
        key = Path(folder, "key")
        key.write_text("amk_" + "0" * 40 + "\n")
        key.chmod(0o600)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "AGENTMON_URL": taker.url,
            "AGENTMON_KEY_FILE": str(key),
        }
        show_psutil(psutil_cost(taker, options.runs, environ), options.runs)
        measure_shells(options.shells, options.runs, environ)


if __name__ == "__main__":
    main()
