"""The psutil agent's loop."""

import json
import subprocess
import sys
import threading

import pytest

from agent.collect import Report
from agent.config import AgentSettings
from agent.errors import MeasureError
from agent.readings.cpu import CpuReading
from agent.run import Machine, Say, measure, print_report, run_agent, send_once
from agent.send import Answer, Outcome
from tests.agent.receiver import Receiver, trouble

SETTINGS = AgentSettings("http://monitor.example", "secret")


class Waits(threading.Event):
    """An event that lets no time pass, notes how long it was waited for, and is set after `count` waits."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note the wait."""
        assert timeout is not None
        self.waits.append(timeout)
        return len(self.waits) >= self.count


class Scene:
    """A machine whose CPU counts its readings and whose calls end as they are told."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.readings = 0.0
        self.spans: list[tuple[float, float]] = []
        self.sent: list[Report] = []
        self.notes: list[list[str]] = []

    def machine(self) -> Machine:
        """Return the seams for the loop."""
        return Machine(self.read, self.collect, self.send, clock=lambda: 100.0, chance=lambda: 1.0)

    def read(self) -> CpuReading:
        """One more reading."""
        self.readings += 1
        return {"user": self.readings}

    def collect(self, before: CpuReading, after: CpuReading, note: Say) -> Report:
        """Note which readings a report spans."""
        self.spans.append((before["user"], after["user"]))
        for line in self.notes.pop(0) if self.notes else ():
            note(line)
        return {"cpu_usage": after["user"]}

    def send(self, settings: AgentSettings, report: Report) -> Outcome:
        """End as told."""
        assert settings is SETTINGS
        self.sent.append(report)
        return self.outcomes.pop(0)


OK = Outcome(Answer.ACCEPTED, "taken")
GONE = Outcome(Answer.UNREACHABLE, "gone")
BUSY = Outcome(Answer.LATER, "busy", 30)
STRANGER = Outcome(Answer.UNKNOWN_KEY, "unknown")


def test_the_first_report_leaves_after_a_second_and_each_spans_the_time_since_the_last() -> None:
    scene, stop = Scene(OK, OK, OK), Waits(4)
    run_agent(SETTINGS, 60, stop, lambda line: None, scene.machine())
    assert stop.waits == [1, 60, 60, 60]
    assert scene.spans == [(1, 2), (2, 3), (3, 4)]


def test_troubles_are_said_once_and_each_try_carries_a_fresh_report() -> None:
    scene, stop, said = Scene(GONE, GONE, BUSY, STRANGER, OK), Waits(6), list[str]()
    run_agent(SETTINGS, 60, stop, said.append, scene.machine())
    assert said == ["gone", "busy", "unknown", "taken"]
    assert stop.waits == [1, 5, 10, 35, 60, 60]
    assert [report["cpu_usage"] for report in scene.sent] == [2, 3, 4, 5, 6]


def test_figures_that_cannot_be_had_are_said_and_tried_again() -> None:
    scene, stop, said = Scene(), Waits(3), list[str]()

    def fails(before: CpuReading, after: CpuReading, note: Say) -> Report:
        raise MeasureError("no figures")

    run_agent(SETTINGS, 60, stop, said.append, Machine(scene.read, fails, scene.send))
    assert said == ["no figures", "no figures"]
    assert stop.waits == [1, 60, 60]


def test_counters_that_cannot_be_read_are_said_and_tried_again() -> None:
    scene, stop, said = Scene(OK), Waits(3), list[str]()

    def read() -> CpuReading:
        if scene.readings == 0:
            scene.readings += 1
            raise MeasureError("no counters")
        return scene.read()

    run_agent(SETTINGS, 60, stop, said.append, Machine(read, scene.collect, scene.send, chance=lambda: 1.0))
    assert said == ["no counters", "taken"]
    assert stop.waits[:2] == [60, 1]
    assert scene.spans[0] == (2, 3)


def test_what_is_left_out_is_said_when_it_begins() -> None:
    scene, stop, said = Scene(OK, OK, OK, OK), Waits(5), list[str]()
    scene.notes = [["/a hangs"], ["/a hangs", "/b hangs"], [], ["/a hangs"]]
    run_agent(SETTINGS, 60, stop, said.append, scene.machine())
    assert said == ["/a hangs", "taken", "/b hangs", "/a hangs"]


def test_a_stop_ends_a_wait_at_once(receiver: Receiver) -> None:
    stop, said = threading.Event(), threading.Event()
    settings = AgentSettings(receiver.url, "secret", use_proxies=False)
    thread = threading.Thread(target=run_agent, args=(settings, 3600, stop, lambda line: said.set()))
    thread.start()
    assert said.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(receiver.bodies) == 1


def test_once_sends_one_report_and_tells_how_it_ended(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.run.measure", lambda note: measure(note, 0.01))
    receiver.says(404, trouble("Agent key not found"))
    outcome = send_once(AgentSettings(receiver.url, "secret", use_proxies=False), print)
    assert outcome.answer is Answer.UNKNOWN_KEY
    assert receiver.bodies[0]["agent_key"] == "secret"


def test_print_shows_the_report_on_one_line_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.run.measure", lambda note: measure(note, 0.01))
    lines: list[str] = []
    print_report(lines.append, print)
    assert len(lines) == 1
    report = json.loads(lines[0])
    assert "cpu_usage" in report
    assert "agent_key" not in report


def test_an_agent_that_runs_for_months_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys; from agentmon.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", code, "agent", "--print"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"psutil", "click", "agent"} <= loaded
    assert not loaded & {
        "asyncio",
        "aiohttp",
        "aiosqlite",
        "apprise",
        "pydantic",
        "rich",
        "server",
        "sqlite3",
        "textual",
    }
