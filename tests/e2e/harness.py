"""A user's corner of a machine: the real command, a home, a database, and the receiver that serves it."""

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from store.models import Monitor
from store.reader import Reader

T = TypeVar("T")

AGENTMON = Path(sys.executable).with_name("agentmon")
"""The console script of the environment that runs the tests."""

PATIENCE_S = 40.0
"""The most that anything is waited for: far beyond what it takes, since a busy machine proves nothing."""

LISTENING = re.compile(r"listening on https?://\S+:(\d+)")


def wait_for(what: str, probe: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """Return the first result of `probe` that is true; fails with `what` if none comes in time."""
    began = time.monotonic()
    while True:
        if found := probe():
            return found
        waited_s = time.monotonic() - began
        if waited_s > patience_s:
            raise AssertionError(f"waited {patience_s:.0f} s in vain for {what}")
        time.sleep(min(max(0.01, waited_s / 20), 0.1))


def post(port: int, report: dict[str, Any], host: str = "127.0.0.1") -> tuple[int, dict[str, Any]]:
    """Send one report on a connection of its own and return status and answer."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        return send(connection, report)
    finally:
        connection.close()


def send(connection: http.client.HTTPConnection, report: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send one report on an open connection and return status and answer."""
    connection.request("POST", "/agent/report", json.dumps(report), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    return response.status, answer


def make_report(key: str, **fields: Any) -> dict[str, Any]:
    """Return the smallest report there is, with other fields as given."""
    return {"agent_key": key, "cpu_usage": 1, "memory_usage": 2, "memory_total_mb": 1024, "disk_usage": []} | fields


@dataclass(frozen=True)
class Station:
    """Where commands run: `folder` holds the user's home, a place for sockets, and by default the database."""

    folder: Path
    database: Path

    @classmethod
    def at(cls, folder: Path, database: Path | None = None) -> Self:
        """Furnish a folder."""
        for name in ("home", "run"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        return cls(folder, database or folder / "data" / "agentmon.db")

    @property
    def environ(self) -> dict[str, str]:
        """All that the commands see of an environment: no agentmon variable, no proxy, no other home."""
        return {
            "PATH": f"{AGENTMON.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }

    def command(self, *args: str) -> list[str]:
        """Return the words of an agentmon command on this database."""
        return [str(AGENTMON), "--db", str(self.database), *args]

    def run(self, *args: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*args),
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environ | environ,
            cwd=self.folder,
            timeout=PATIENCE_S,
            check=False,
        )

    def ok(self, *args: str, stdin: str = "") -> str:
        """Run a command that must succeed and return what it printed."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, f"agentmon {' '.join(args)} exited {done.returncode}: {done.stderr}"
        return done.stdout

    def create(self, *names: str) -> list[str]:
        """Create monitors and return their keys."""
        lines = self.ok("monitor", "create", "--json", "--", *names).splitlines()
        made = [json.loads(line) for line in lines]
        assert [each["name"] for each in made] == list(names)
        return [each["agent_key"] for each in made]

    def status(self, *names: str) -> dict[str, Any]:
        """Return `status --json`, whatever its exit code."""
        done = self.run("status", "--json", "--", *names)
        assert done.stdout, f"agentmon status exited {done.returncode}: {done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def monitor(self, name: str) -> dict[str, Any]:
        """Return one monitor of `status --json`."""
        (found,) = self.status(name)["monitors"]
        assert isinstance(found, dict)
        return found

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return `history NAME --step raw --json`."""
        stored: list[dict[str, Any]] = json.loads(self.ok("history", "--step", "raw", "--json", "--", name))
        return stored

    def read(self, question: Callable[[Reader], Awaitable[T]]) -> T:
        """Ask the store itself: for what is looked at again and again, since a command costs a sixth of a second."""

        async def ask() -> T:
            reader = await Reader.open(self.database)
            try:
                return await question(reader)
            finally:
                await reader.close()

        return asyncio.run(ask())

    def stored(self) -> dict[str, Monitor]:
        """Return all monitors as the store has them, by name."""
        return {monitor.name: monitor for monitor in self.read(Reader.changes).monitors}

    @contextmanager
    def serving(
        self, *options: str, host: str | None = "127.0.0.1", umask: int = -1, wrapper: tuple[str, ...] = ()
    ) -> Iterator["Served"]:
        """Run the headless receiver on a free port; if it still runs at the end, it must end well."""
        here = () if host is None else ("--host", host)
        log = self.folder / f"serve-{len(list(self.folder.glob('serve-*.log')))}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*wrapper, *self.command("serve", "--port", "0", *here, *options)],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=self.environ,
                cwd=self.folder,
                umask=umask,
            )
        with put_down(process):
            served = Served(process, listening_port(log, process), log, self)
            yield served
            if process.poll() is None:
                served.stop()


@dataclass(frozen=True)
class Served:
    """A receiver that runs; `log` is what it writes to stderr."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    station: Station

    def post(self, report: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send a report to it."""
        return post(self.port, report)

    def accept(self, report: dict[str, Any]) -> None:
        """Send a report that it must take."""
        assert self.post(report) == (200, {"status": "ok"})

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it as the system does; it must go in good order within 10 s."""
        self.process.send_signal(number)
        assert self.process.wait(10) == 0, self.said()

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def said(self) -> str:
        """Return what it wrote to stderr."""
        return self.log.read_text(encoding="utf-8")


def listening_port(log: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the port that a receiver's log names, once it does."""

    def port() -> int | None:
        said = log.read_text(encoding="utf-8") if log.exists() else ""
        if found := LISTENING.search(said):
            return int(found[1])
        assert process.poll() is None, f"agentmon serve exited {process.returncode}: {said}"
        return None

    return wait_for("the line that says where the receiver listens", port)


@contextmanager
def put_down(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave nothing of a process behind, however the test ends."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)
