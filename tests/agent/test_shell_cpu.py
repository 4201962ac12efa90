"""CPU as agent.sh measures it: over a second by hand, since the last report when cron or a timer runs it."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.agent.receiver import Receiver
from tests.agent.shells import Box
from tests.e2e.harness import wait_for

BEFORE = "100 0 50 800 40 5 5 0 30 0"
AFTER = "190 0 60 840 90 5 10 5 99 0"  # 55.0 busy, 25.0 waiting
STEPS = {
    "iowait steps back": ("1000 0 500 8000 400 0 0 0 0 0", "1100 0 500 8100 320 0 0 0 0 0", 50.0, 0.0),
    "idle of a CPU that was unplugged": ("1000 0 500 8000 400 0 0 0 0 0", "1100 0 500 7500 500 0 0 0 0 0", 50.0, 50.0),
    "steal falls by 8e8 in old guests": ("0 0 0 0 0 0 0 800000000", "75 0 0 25 0 0 0 5", 75.0, 0.0),
    "steal after a migration": ("10 0 0 10 0 0 0 100", "60 0 0 60 0 0 0 0", 50.0, 0.0),
    "nothing moved": (BEFORE, BEFORE, 0.0, 0.0),
    "beyond 32 bits": ("9000000000 0 0 9000000000 0 0 0 0", "9000000075 0 0 9000000025 0 0 0 0", 75.0, 0.0),
}


def stat(box: Box, ticks: str) -> None:
    box.write("proc/stat", f"cpu  {ticks}\ncpu0 1 2 3\n")


@pytest.mark.parametrize(("before", "after", "usage", "iowait"), STEPS.values(), ids=STEPS)
def test_each_counter_that_steps_back_did_nothing(
    dash: Box, before: str, after: str, usage: float, iowait: float
) -> None:
    stat(dash, before)
    dash.stub("sleep", f'echo "cpu  {after}" >{dash.root}/proc/stat')
    report = dash.report()
    assert (report["cpu_usage"], report["cpu_iowait"]) == (usage, iowait)


class Installed:
    """A machine with an agent that cron runs, and what it has reported so far."""

    def __init__(self, box: Box, receiver: Receiver) -> None:
        self.box, self.receiver = box, receiver
        folder = box.home / ".config/agentmon-agent"
        key = box.write("home/.config/agentmon-agent/key", "amk_x\n")
        key.chmod(0o600)
        box.write("home/.config/agentmon-agent/agent.conf", f"AGENTMON_URL={receiver.url}\nAGENTMON_KEY_FILE={key}\n")
        (folder / "last").write_text("")
        self.state = folder / "state"
        self.file = self.state / "run"
        box.stub("sleep", f'echo slept >>{box.root}/slept; echo "cpu  1000 0 0 9000 0 0 0 0" >{box.root}/proc/stat')

    def run(self, ticks: str, *args: str) -> tuple[float, float]:
        """Let it run with these counters and return what it reported: usage and iowait."""
        stat(self.box, ticks)
        done = self.box.run(*args)
        assert (done.returncode, done.stderr) == (0, "")
        report: Any = json.loads(done.stdout) if args == ("--print",) else self.receiver.bodies[-1]
        return report["cpu_usage"], report["cpu_iowait"]

    def remember(self, ticks: str, age: int = 10) -> None:
        """Make it as if its last report, `age` seconds ago, had seen these counters."""
        self.file.write_text(f"999999999 - {int(time.time()) - age} {ticks}\n")

    @property
    def slept(self) -> bool:
        """Whether it has sampled a second since this was asked last."""
        slept = self.box.root / "slept"
        there = slept.exists()
        slept.unlink(missing_ok=True)
        return there


@pytest.fixture
def installed(box: Box, receiver: Receiver) -> Installed:
    """One that has reported once, when its counters stood at BEFORE."""
    machine = Installed(box, receiver)
    machine.run("0 0 0 0 0 0 0 0")
    assert machine.slept
    machine.remember(BEFORE)
    return machine


def test_what_cron_sends_measures_since_its_last_report(installed: Installed) -> None:
    assert installed.run(AFTER) == (55.0, 25.0)
    assert installed.run("290 0 60 940 90 5 10 5") == (50.0, 0.0)
    assert not installed.slept
    assert installed.file.stat().st_mode & 0o777 == 0o600
    assert installed.state.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in installed.state.iterdir() if path.name.startswith("run")] == ["run"]


def test_a_person_who_looks_samples_a_second_and_leaves_the_file_alone(installed: Installed) -> None:
    before = installed.file.read_text()
    settings = {"AGENTMON_URL": installed.receiver.url, "AGENTMON_KEY": "k"}
    for args, environ in ((("--print",), {}), (("test",), {}), ((), settings)):
        stat(installed.box, AFTER)
        assert installed.box.run(*args, environ=environ).returncode == 0
        assert installed.slept
    assert installed.file.read_text() == before


def put_a_folder(machine: Installed) -> None:
    machine.file.unlink()
    machine.file.mkdir()


def put_a_link(machine: Installed) -> None:
    machine.file.rename(machine.box.root / "aim")
    machine.file.symlink_to(machine.box.root / "aim")


SPOILT: dict[str, Callable[[Installed], object]] = {
    "missing": lambda it: it.file.unlink(),
    "empty": lambda it: it.file.write_text(""),
    "rubbish": lambda it: it.file.write_text("\x00* ? $(touch pwned) \\ 'x\n" * 9),
    "negative": lambda it: it.remember("-100 0 50 800 40 5 5 0"),
    "short": lambda it: it.remember("100 0 50"),
    "stepped back": lambda it: it.remember("100 0 50 841 40 5 5 0"),
    "more than ten minutes ago": lambda it: it.remember(BEFORE, age=601),
    "no number of seconds": lambda it: it.file.write_text(f"999999999 - 09 {BEFORE}\n"),
    "from the future": lambda it: it.remember(BEFORE, age=-60),
    "a folder": put_a_folder,
    "a link": put_a_link,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_counters_that_will_not_do_cost_a_second_and_not_the_report(
    dash: Box, receiver: Receiver, spoil: Callable[[Installed], object]
) -> None:
    machine = Installed(dash, receiver)
    machine.run("0 0 0 0 0 0 0 0")
    machine.remember(BEFORE)
    aim = machine.file.read_text()
    assert machine.slept
    spoil(machine)
    assert machine.run(AFTER) != (55.0, 25.0)
    assert machine.slept
    assert not (dash.root / "pwned").exists()
    if (dash.root / "aim").exists():  # a link is replaced, not followed
        assert (dash.root / "aim").read_text() == aim
        assert not machine.file.is_symlink()
    if not machine.file.is_dir():
        machine.run("2000 0 0 10000 0 0 0 0")
        assert not machine.slept


def test_links_planted_in_the_state_folder_are_not_followed(dash: Box, receiver: Receiver) -> None:
    machine = Installed(dash, receiver)
    machine.state.mkdir()
    aim = dash.write("precious", "precious")
    (machine.state / "run.new").symlink_to(aim)
    machine.file.symlink_to(aim)
    machine.run(BEFORE)
    assert aim.read_text() == "precious"
    assert machine.file.is_file()
    assert not machine.file.is_symlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_somebody_elses_state_is_neither_read_nor_written(dash: Box, receiver: Receiver) -> None:
    machine = Installed(dash, receiver)
    machine.run("0 0 0 0 0 0 0 0")
    machine.remember(BEFORE)
    before = machine.file.read_text()
    assert machine.slept
    os.chown(machine.file, 65534, 65534)
    os.chown(machine.state, 65534, 65534)
    assert machine.run(AFTER) != (55.0, 25.0)
    assert machine.slept
    assert machine.file.read_text() == before


def test_one_run_at_a_time(installed: Installed) -> None:
    installed.receiver.answering.clear()
    stat(installed.box, AFTER)
    command = [*installed.box.shell, str(installed.box.script)]
    environ = {
        "PATH": str(installed.box.bin),
        "HOME": str(installed.box.home),
        "TMPDIR": str(installed.box.root / "tmp"),
    }
    with subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL) as first:
        try:
            wait_for("its report", lambda: len(installed.receiver.bodies) == 2)
            second = installed.box.run()
            assert second.returncode == 1
            assert second.stderr == "agentmon-agent: the run before this one has not ended yet\n"
        finally:
            installed.receiver.answering.set()
        assert first.wait(30) == 0
    assert installed.box.run().returncode == 0
    assert len(installed.receiver.bodies) == 3
