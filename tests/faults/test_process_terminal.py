"""The console's terminal is given back as it was found, however the console ends, stops and goes on."""

import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, post, wait_for
from tests.e2e.terminal import Pty, attached, console, fill, opened
from tests.e2e.test_lost_terminal import SPIN_LIMIT_S, cpu_seconds
from tests.e2e.tmux import PROMPT, Pane, in_tmux
from tests.faults.switches import left_behind

SPIN_WATCH_S = 1.0

IN_BAND_SIZES = "\x1b[?2048;2$y"
"""How a terminal says that it could report its size and the mouse's pixels, which then are switched on."""


def test_the_reading_of_switches_sees_what_is_left_on() -> None:
    assert left_behind(b"\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[>25u") == {b"1049", b"25", b"1000", b"keyboard"}
    assert left_behind(b"\x1b[?1049h\x1b[?25l\x1b[>25u..\x1b[<u\x1b[?25h\x1b[?1049l") == set()


def assert_as_before(terminal: Pty, modes: list[object]) -> None:
    """Check that modes, screen, cursor, mouse and keyboard are as the console has found them."""
    wait_for("the terminal's modes", lambda: terminal.modes() == modes)
    wait_for("the end of all that was switched on", lambda: not left_behind(terminal.written))


@pytest.mark.parametrize("end", ["q", "SIGTERM", "stalled"])
def test_all_that_was_switched_on_is_switched_off(station: Station, end: str) -> None:
    station.create("web")
    with opened(80, 24) as terminal:
        modes = terminal.modes()
        with console(station, terminal) as served:
            terminal.type(IN_BAND_SIZES)
            terminal.expect(re.escape("\x1b[?1016h"))
            assert {b"1049", b"25", b"1003", b"2048", b"keyboard"} <= left_behind(terminal.written)
            if end == "q":
                terminal.type("q")
                assert served.process.wait(PATIENCE_S) == 0
                assert_as_before(terminal, modes)
                return
            if end == "stalled":
                fill(terminal)
            served.stop()
        terminal.resume()
        assert_as_before(terminal, modes)


def test_an_attached_console_ends_with_its_terminal_and_leaves_the_receiver_alone(station: Station) -> None:
    (key,) = station.create("web")
    with station.serving() as served:
        with opened(80, 24) as terminal, attached(station, terminal) as process:
            terminal.close()
            assert process.wait(10) == 0
        served.accept(make_report(key))


def test_without_a_shell_that_could_bring_it_back_ctrl_z_stops_nothing(station: Station) -> None:
    with station.serving(), opened(80, 24) as terminal, attached(station, terminal) as process:
        before = len(terminal.written)
        terminal.type("\x1a")
        terminal.expect(re.escape("\x1b[?1049l"), since=before)
        terminal.expect("healthy", since=before)
        assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
        terminal.type("q")
        assert process.wait(PATIENCE_S) == 0


def job(pane: Pane) -> psutil.Process:
    """Return the agentmon that the pane's shell runs."""
    return wait_for(
        "agentmon in the shell",
        lambda: next(iter(psutil.Process(int(pane.display("#{pane_pid}"))).children()), None),
    )


def at_the_shell(pane: Pane) -> None:
    """Wait until the pane shows the shell, on the screen and with the cursor and the mouse as it had them."""
    wait_for("the shell's screen", lambda: pane.display("#{alternate_on}#{cursor_flag}#{mouse_any_flag}") == "010")
    wait_for("the prompt", lambda: pane.screen().rstrip().endswith(PROMPT.strip()))


def settings(pane: Pane) -> str:
    """Return what `stty -g` says in the pane's shell."""
    file = pane.station.folder / "stty"
    file.unlink(missing_ok=True)
    pane.command(f"stty -g > {file}; echo > {file}.done")
    done = file.with_name("stty.done")
    wait_for("stty", done.exists)
    done.unlink()
    return file.read_text()


def test_ctrl_z_gives_the_shell_back_and_fg_the_console(station: Station) -> None:
    (key,) = station.create("web-1")
    with station.serving() as served, in_tmux(station, 80, 24) as pane:
        before = settings(pane)
        pane.command("agentmon tui")
        pane.expect("web-1")
        served.accept(make_report(key, cpu_usage=41))
        pane.expect("41%")
        process = job(pane)
        pane.keys("C-z")
        wait_for("a console that is stopped", lambda: process.status() == psutil.STATUS_STOPPED)
        at_the_shell(pane)
        assert settings(pane) == before
        served.accept(make_report(key, cpu_usage=73))
        pane.command("clear; fg")
        pane.expect("web-1.*73%")
        pane.expect("STATUS.*AGE")
        pane.expect("q Quit")
        assert pane.display("#{alternate_on}#{cursor_flag}") == "10"
        pane.keys("q")
        at_the_shell(pane)
        assert settings(pane) == before


def serve_in(pane: Pane, *options: str) -> tuple[psutil.Process, int]:
    """Run `agentmon serve --tui` in the pane's shell, up to its first healthy picture; returns it and its port."""
    pane.command(" ".join(["agentmon serve --tui --host 127.0.0.1 --port 0", *options]))
    port = int(pane.expect(r"http://127.0.0.1:(\d+).*healthy")[1])
    return job(pane), port


def accepts(port: int, key: str) -> bool:
    """Send a report and return whether it was taken."""
    return post(port, make_report(key))[0] == 200


def test_with_the_receiver_in_its_process_ctrl_z_stops_nothing_and_says_why(station: Station) -> None:
    (key,) = station.create("web-1")
    with in_tmux(station, 80, 24) as pane:
        process, port = serve_in(pane)
        pane.keys("C-z")
        pane.expect("Not suspended")
        assert process.status() != psutil.STATUS_STOPPED
        assert accepts(port, key)
        pane.keys("q")
        at_the_shell(pane)


def test_a_receiver_that_is_suspended_with_its_console_goes_on_in_the_background_and_comes_back(
    station: Station,
) -> None:
    (key,) = station.create("web-1")
    with in_tmux(station, 80, 24) as pane:
        before = settings(pane)
        process, port = serve_in(pane)
        process.send_signal(signal.SIGTSTP)
        at_the_shell(pane)
        assert process.status() == psutil.STATUS_STOPPED
        assert settings(pane) == before
        pane.command("clear; bg")
        assert accepts(port, key)
        spent = process.cpu_times()
        pane.command("sleep 1")
        at_the_shell(pane)
        now = process.cpu_times()
        assert now.user + now.system - spent.user - spent.system < SPIN_LIMIT_S
        pane.command("clear; fg")
        pane.expect("up .*web-1")
        pane.expect("STATUS.*AGE")
        pane.keys("q")
        at_the_shell(pane)
        assert settings(pane) == before


def test_in_the_background_a_receiver_ends_well_and_leaves_the_shell_alone(station: Station) -> None:
    with in_tmux(station, 80, 24) as pane:
        process, _ = serve_in(pane)
        process.send_signal(signal.SIGTSTP)
        at_the_shell(pane)
        pane.command("clear; bg; stty -echo")
        process.terminate()
        wait_for("its end", lambda: process.status() == psutil.STATUS_ZOMBIE, 10)
        pane.command("stty -a | grep -o -e -echo; stty echo; wait %1; echo code $?")
        pane.expect("^-echo$")
        pane.expect("^code 0$")


def test_after_a_stop_that_nobody_was_told_of_the_console_works_and_ends(station: Station) -> None:
    with in_tmux(station, 80, 24) as pane:
        before = settings(pane)
        process, _ = serve_in(pane)
        process.suspend()
        wait_for("the shell", lambda: pane.display("#{pane_current_command}") == "sh")
        pane.keys("fg", "C-j")  # the terminal is still set up for the console
        pane.expect("healthy")
        pane.keys("?")
        pane.expect("Add a server")
        pane.keys("?")
        pane.expect("No server yet")
        pane.keys("q")
        at_the_shell(pane)
        assert settings(pane) == before


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Return whether a signal waits to be taken by a process."""
    (mask,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("ShdPnd:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP], ids=lambda number: number.name)
def test_a_receiver_that_lost_its_console_can_be_stopped_and_go_on(station: Station, number: signal.Signals) -> None:
    (key,) = station.create("web")
    with opened(80, 24) as terminal, console(station, terminal, "--keep-serving") as served:
        served.process.send_signal(signal.SIGHUP)
        terminal.expect(re.escape("\x1b[?1049l"))
        served.accept(make_report(key))
        served.process.send_signal(number)
        wait_for("the signal to be taken", lambda: not is_pending(served.process.pid, number))
        served.process.send_signal(signal.SIGCONT)
        served.accept(make_report(key))
        assert idle(served)
        served.stop()


def idle(served: Served) -> bool:
    """Watch for a second whether the process leaves the CPU alone."""
    before, until = cpu_seconds(served), time.monotonic() + SPIN_WATCH_S
    wait_for("a while to pass", lambda: time.monotonic() > until)
    return cpu_seconds(served) - before < SPIN_LIMIT_S
