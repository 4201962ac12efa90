"""`agentmon demo`: a fleet worth looking at, the same for the same seed, and nothing left of it."""

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from agentmon.demo import DATABASE, clear_away
from agentmon.demo_fleet import FLEET, Agent
from agentmon.demo_intake import PAST, DemoClock, DemoFleet, steps
from server.fleet_judge import FleetJudge
from server.rejected import RejectionLog
from server.upkeep import Upkeep, UpkeepOptions
from store.agents import is_old
from store.events import EventKind
from store.models import Monitor, Status
from store.reader import Reader
from store.runs import begin_run
from store.schema import prepare_database
from store.writer import Writer
from tests.agentmon.conftest import Run
from tests.e2e.harness import AGENTMON, PATIENCE_S, Station, put_down, wait_for
from tests.e2e.terminal import Pty, opened

SEED = 7
NOON_MS = 1_772_539_200_000
"""2026-03-03 12:00 UTC."""

PICTURES = Path(__file__).parents[2] / "docs" / "pictures.py"


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


async def live(database: Path) -> None:
    """Let a fleet live until noon on an empty database."""
    clock = DemoClock(NOON_MS, NOON_MS - round(PAST[0][0] * 1000))
    writer = await Writer.open(database, clock.wall, clock.now)
    try:
        await writer.transact(lambda connection, ledger: begin_run(connection, ledger, now=clock.wall()))
        judge = await FleetJudge.open(writer, clock.wall, clock.now)
        await DemoFleet(SEED, clock, writer, judge, RejectionLog(clock.wall)).live_through()
        await Upkeep(writer, UpkeepOptions(), clock.wall).go_round()
    finally:
        await writer.close()


async def test_the_fleet_has_one_of_each_and_a_story(database: Path, utc: None) -> None:
    await live(database)
    reader = await Reader.open(database)
    try:
        fleet = {monitor.name: monitor for monitor in (await reader.changes()).monitors}
        events = await reader.events()
        (refused,) = await reader.rejections()
    finally:
        await reader.close()
    assert len(fleet) == len(FLEET) + 1 >= 12
    assert {each.status for each in fleet.values()} == set(Status)
    assert [each.status for each in map(fleet.__getitem__, ("nas-1", "vpn-1", "mail-1", "lab-1", "new-1"))] == [
        Status.DOWN, Status.LATE, Status.DEGRADED, Status.PAUSED, Status.PENDING,
    ]  # fmt: skip
    assert fleet["web-1"].tags == ("prod", "web")
    assert 3 < (fleet["backup-1"].full_at["/srv/backup"] - NOON_MS) / 86_400_000 < 20
    assert [name for name, each in fleet.items() if each.agent and is_old(each.agent)] == ["lab-1"]
    assert [name for name, each in fleet.items() if each.agent is None] == ["new-1"]
    assert refused.count == 4
    assert {each.kind for each in events if each.monitor == "cache-1"} >= {
        EventKind.DOWN, EventKind.UP, EventKind.REBOOTED,
    }  # fmt: skip
    assert [each for each in events if each.monitor == "db-1" and each.detail.get("metric") == "iowait"]
    assert all(each.at <= NOON_MS for each in events)
    assert not [each for each in events if each.kind in (EventKind.SILENCE, EventKind.SHARED_KEY)]


def figures(fleet: list[Monitor]) -> list[object]:
    """Return what one sees of a fleet."""
    return [(each.name, each.status, each.report, each.network_rx_rate, each.cpu_course) for each in fleet]


async def test_the_same_seed_gives_the_same_fleet(tmp_path: Path, database: Path, utc: None) -> None:
    seen = []
    prepare_database(tmp_path / "again.db")
    for path in (database, tmp_path / "again.db"):
        await live(path)
        reader = await Reader.open(path)
        seen.append(figures(sorted((await reader.changes()).monitors, key=lambda each: each.name)))
        await reader.close()
    assert seen[0] == seen[1]


def test_web_servers_are_busy_by_day_and_the_database_waits_for_its_disk_in_the_night() -> None:
    web, database = (Agent(machine, SEED) for machine in FLEET if machine.name in ("web-1", "db-1"))
    night, day = web.report(-12 * 3600.0, 3.0), web.report(0.0, 15.0)
    assert night is not None and day is not None
    assert day.cpu_usage > 2 * night.cpu_usage
    backup, later = database.report(-12 * 3600.0, 2.5), database.report(-10 * 3600.0, 4.5)
    assert backup is not None and later is not None
    assert backup.cpu_iowait is not None and later.cpu_iowait is not None
    assert backup.cpu_iowait > 20 > later.cpu_iowait


def test_counters_only_rise_but_for_a_reboot() -> None:
    (cache,) = (Agent(machine, SEED) for machine in FLEET if machine.name == "cache-1")
    hours = [at_s / 3600 % 24 for at_s in steps()]
    reports = [cache.report(at_s, hour) for at_s, hour in zip(steps(), hours, strict=True)]
    counted = [each.network_rx_bytes for each in reports if each is not None and each.network_rx_bytes is not None]
    falls = [(a, b) for a, b in pairwise(counted) if b < a]
    assert len(falls) <= 1
    assert None in reports


def test_every_reading_is_one_that_the_receiver_would_take() -> None:
    for machine in FLEET:
        agent = Agent(machine, SEED)
        for at_s in steps():
            report = agent.report(at_s, at_s / 3600 % 24)
            if report is not None:
                usages = [report.cpu_usage, report.memory_usage, *(mount.usage for mount in report.disk_usage)]
                assert all(0 <= usage <= 100 for usage in usages)
                assert report.hostname == f"{machine.name}.example.org"


@dataclass(frozen=True)
class Demo:
    """A demo that runs on a terminal; `temp` is where it keeps what is gone afterwards."""

    terminal: Pty
    process: subprocess.Popen[bytes]
    temp: Path

    @property
    def station(self) -> Station:
        """Where other commands reach its database."""
        (folder,) = self.temp.iterdir()
        return Station(self.temp.parent, folder / DATABASE)

    def reported_at(self, name: str) -> int:
        """Return when a monitor reported last."""
        return self.station.stored()[name].last_report_at or 0


@pytest.fixture
def demo() -> Iterator[Demo]:
    """A demo, from its first picture on."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder, opened(120, 40) as terminal:
        station = Station.at(Path(folder))
        temp = station.folder / "temp"
        temp.mkdir()
        command = ["/usr/bin/env", f"TMPDIR={temp}", str(AGENTMON), "demo", "--seed", str(SEED)]
        process = terminal.start(station, command)
        with put_down(process):
            terminal.expect("nas-1")
            yield Demo(terminal, process, temp)


def test_it_goes_on_live_without_any_network_and_leaves_nothing(demo: Demo) -> None:
    before = demo.reported_at("web-1")
    wait_for("reports that come while one looks", lambda: demo.reported_at("web-1") > before)
    assert psutil.Process(demo.process.pid).net_connections("inet") == []
    demo.terminal.type("q")
    assert demo.process.wait(PATIENCE_S) == 0
    assert list(demo.temp.iterdir()) == []


def test_its_fleet_can_be_changed(demo: Demo) -> None:
    assert demo.station.ok("monitor", "create", "web-3", "--json")
    demo.terminal.expect("web-3")
    demo.station.ok("monitor", "set", "web-1", "cpu.warn=0.5", "cpu.for=0")
    wait_for("a verdict by the new limit", lambda: demo.station.stored()["web-1"].status is Status.DEGRADED)
    demo.station.ok("monitor", "delete", "web-2", "--yes")
    before = demo.reported_at("win-1")
    wait_for("the others' next reports", lambda: demo.reported_at("win-1") > before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_leaves_nothing_either(demo: Demo, number: signal.Signals) -> None:
    demo.process.send_signal(number)
    assert demo.process.wait(10) == 0
    demo.terminal.expect(r"\x1b\[\?1049l")
    assert list(demo.temp.iterdir()) == []


def test_the_log_alone_stays_of_a_demo_that_failed(tmp_path: Path) -> None:
    for name in ("demo.db", "demo.db-wal", "demo.db.log"):
        (tmp_path / name).touch()
    clear_away(tmp_path, keep_logs=True)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.db.log"]
    clear_away(tmp_path)
    assert not tmp_path.exists()


def test_it_needs_a_terminal_and_no_database(run: Run) -> None:
    assert run("demo").code == 2
    assert "terminal" in run("demo").err


@pytest.mark.slow
def test_the_pictures_are_made_and_tell_nothing_of_the_machine(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(PICTURES), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = {path.name for path in PICTURES.with_name("pictures").glob("*.svg")}
    assert {path.name for path in tmp_path.iterdir()} == shown
    for path in tmp_path.iterdir():
        svg = path.read_text(encoding="utf-8")
        assert "@font-face" not in svg
        assert not [word for word in (str(tmp_path), str(Path.home()), socket.gethostname()) if word in svg]


def test_the_readme_shows_pictures_that_are_there() -> None:
    root = PICTURES.parents[1]
    shown = re.findall(r"!\[.*?\]\((.*?)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert all((root / path).is_file() for path in shown)
