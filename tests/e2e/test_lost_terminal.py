"""The console's terminal goes away, or the system asks it to end: all ends well, or goes on where it shall."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import Served, Station, make_report, wait_for
from tests.e2e.terminal import console, fill, opened

SPIN_WATCH_S = 1.0
SPIN_LIMIT_S = 0.3
"""CPU seconds in `SPIN_WATCH_S`: a thread that spins takes all of it, a receiver without work next to nothing."""


def cpu_seconds(served: Served) -> float:
    """Return the CPU time that the receiver's process has taken so far."""
    times = psutil.Process(served.process.pid).cpu_times()
    return times.user + times.system


def assert_serves_without_spinning(served: Served, key: str) -> None:
    """Check that reports are taken, changes are made, and the CPU is left alone."""
    served.accept(make_report(key))
    served.station.ok("monitor", "pause", "web")
    cpu, until = cpu_seconds(served), time.monotonic() + SPIN_WATCH_S
    wait_for("a while to pass", lambda: time.monotonic() > until)
    assert cpu_seconds(served) - cpu < SPIN_LIMIT_S
    served.accept(make_report(key))
    assert len(served.station.history("web")) == 2


def test_a_lost_terminal_ends_it_in_good_order(station: Station) -> None:
    (key,) = station.create("web")
    with opened(80, 24) as terminal, console(station, terminal) as served:
        served.accept(make_report(key))
        terminal.close()
        assert served.process.wait(10) == 0
    assert len(station.history("web")) == 1
    assert "stopping" in served.said()


@pytest.mark.parametrize("stalled", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["read", "stalled"])
def test_with_keep_serving_a_lost_terminal_costs_the_console_alone(station: Station, stalled: bool) -> None:
    (key,) = station.create("web")
    with opened(80, 24) as terminal, console(station, terminal, "--keep-serving") as served:
        if stalled:
            terminal.stall()
            fill(terminal)
        terminal.close()
        assert_serves_without_spinning(served, key)
        served.stop()


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGHUP))],
    ids=lambda number: number.name,
)
def test_a_signal_gives_the_terminal_back_and_ends_it(station: Station, number: signal.Signals) -> None:
    station.create("web")
    with opened(80, 24) as terminal:
        modes = terminal.modes()
        with console(station, terminal) as served:
            served.stop(number)
        terminal.expect(r"\x1b\[\?1049l")
        assert terminal.modes() == modes


def test_with_keep_serving_sighup_gives_a_living_terminal_back(station: Station) -> None:
    (key,) = station.create("web")
    with opened(80, 24) as terminal:
        modes = terminal.modes()
        with console(station, terminal, "--keep-serving") as served:
            served.process.send_signal(signal.SIGHUP)
            terminal.expect(r"\x1b\[\?1049l")
            wait_for("the terminal's modes", lambda: terminal.modes() == modes)
            served.accept(make_report(key))
            served.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_headless_receiver_ends_well_on_signals(station: Station, number: signal.Signals) -> None:
    with station.serving() as served:
        served.stop(number)
    assert "Traceback" not in served.said()


def blocks_sigterm(task: Path) -> bool:
    """Return whether a thread, given by its folder in /proc, leaves SIGTERM to others."""
    (mask,) = (line for line in (task / "status").read_text().splitlines() if line.startswith("SigBlk:"))
    return bool(int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_signals_go_to_the_one_thread_that_can_act_on_them(shared: Served) -> None:
    tasks = list(Path(f"/proc/{shared.process.pid}/task").iterdir())
    assert len(tasks) > 1
    assert [task.name for task in tasks if not blocks_sigterm(task)] == [str(shared.process.pid)]
