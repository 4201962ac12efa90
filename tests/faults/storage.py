"""A receiver whose storage gets into trouble, and what must hold meanwhile and after."""

import http.client
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil
import pytest

from tests.agent.shells import need
from tests.e2e.harness import PATIENCE_S, Served, make_report, wait_for

ANSWERED_S = 15.0
"""Within which even a report that the store cannot take is answered."""

MANY_MOUNTS, WIDTH = 200, 900
"""So many mounts with names so long make a report of 200 kB."""

GROWTH = 12 * 2**20
"""Bytes by which a receiver may grow over 100 such reports that it cannot store: kept, they were 20 MB."""


@dataclass
class Ward:
    """A receiver and one monitor's numbered reports: which were answered 200, and how many 503."""

    served: Served
    key: str
    name: str
    taken: list[int] = field(default_factory=list)
    refused: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    def of(cls, served: Served, name: str) -> "Ward":
        """Create the monitor."""
        (key,) = served.station.create(name)
        return cls(served, key, name)

    def send(self, times: int = 1, mounts: int = 1) -> int:
        """Send so many reports on one connection and return the last status, which is 200, or 503 as promised."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=ANSWERED_S)) as connection:
            for number in (next(self._numbers) for _ in range(times)):
                disks = [
                    {"mount": f"/srv/{number % 5 + mount:0{WIDTH if mounts > 1 else 1}}", "usage": number % 70}
                    for mount in range(mounts)
                ]
                body = json.dumps(make_report(self.key, network_rx_bytes=number, disk_usage=disks))
                connection.request("POST", "/agent/report", body)
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status == 200:
                    self.taken.append(number)
                    continue
                self.refused += 1
                assert (response.status, answer["status"]) == (503, "error")
                assert int(response.headers["Retry-After"]) > 0
        return response.status

    def health(self) -> int:
        """Return the status of `GET /healthz`."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=ANSWERED_S)) as connection:
            connection.request("GET", "/healthz")
            return connection.getresponse().status

    def is_troubled(self, words: str) -> None:
        """Hold it to what is promised while the store takes nothing; `words` say what is wrong."""
        assert self.send() == 503
        assert self.health() == 503
        status = self.served.station.run("status")
        assert status.returncode == 3
        assert words in status.stderr
        assert status.stderr.count("\n") == 1
        assert self.name in status.stdout
        self.has_all_taken()

    def recovers(self) -> None:
        """Wait until it takes reports again, in the same process, and see that nothing is missing."""
        wait_for("a report that is taken", lambda: self.send() == 200)
        assert self.health() == 200
        assert self.served.station.run("status").returncode == 0
        self.has_all_taken()

    def has_all_taken(self) -> None:
        """See that each report that was answered 200 is stored, once."""
        stored = Counter(row["network_rx_bytes"] for row in self.served.station.history(self.name))
        assert [number for number in self.taken if stored[number] != 1] == []

    def stays_small(self) -> None:
        """Send reports of some size, which are refused, and see that the receiver does not keep them."""
        process = psutil.Process(self.served.process.pid)
        self.send(20, MANY_MOUNTS)
        before = process.memory_info().rss
        assert self.send(100, MANY_MOUNTS) == 503
        assert process.memory_info().rss - before < GROWTH


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the disk that a folder is on to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a disk of that size on a folder; skips where that is not permitted."""
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run([need("mount"), *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([need("umount"), "-l", str(folder)], check=True)


@contextmanager
def immutable(*paths: Path) -> Iterator[None]:
    """Let nobody write to files or folders, even who has them open; skips where that is not permitted."""
    words = [str(path) for path in paths]
    done = subprocess.run([need("chattr"), "+i", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        subprocess.run([need("chattr"), "-i", *words], capture_output=True, check=False)
        pytest.skip(f"files cannot be made immutable here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([need("chattr"), "-i", *words], check=True)


@contextmanager
def failing(tracer: str, process: int, fault: str, log: Path) -> Iterator[None]:
    """Let system calls of a running process fail, as `strace -e inject=` says it; skips where that is not permitted."""
    call = fault.split(":")[0]
    command = [tracer, "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={fault}", "-p", str(process)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        try:
            wait_for("the tracer", lambda: strace.poll() is not None or is_traced(process))
            if strace.poll() is not None:
                pytest.skip("running processes may not be traced here")
            yield
        finally:
            strace.terminate()
            strace.wait(PATIENCE_S)


def is_traced(process: int) -> bool:
    """Return whether all threads of a process have a tracer."""
    tasks = Path(f"/proc/{process}/task")
    return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks.iterdir())
