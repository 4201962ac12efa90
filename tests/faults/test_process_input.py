"""Nothing that comes from the terminal ends the console, and whatever else fails in it is a crash that is told."""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import pytest

from tests.e2e.harness import PATIENCE_S, Served, Station, listening_port, make_report, put_down, wait_for
from tests.e2e.terminal import Pty, attached, console, fill, opened
from tests.faults.switches import left_behind

NOISE = (
    b"\xe9\xff\xc0\xaf\xed\xa0\x80\xf8\x88\x80\x80\x80"  # Latin-1, overlong, a surrogate, five bytes
    b"\x1b[M \xff\x21\x1b[M!\xc3\xa9"  # mouse reports beyond column 95
    b"\x1b[M \xc2\x80\xc2\x81"  # one in UTF-8
    b"\x1b[48;24;80;0;0t\x1b[<0;5;5M\x1b[<0;5;5m\x1b[1114112u\x1b[55296u"  # sizes and keys that do not exist
    b"\x1b[200~\xff\xfe\x1b[201~"  # a paste that is no text
    b"\x1b[<35;1"  # cut off
)

TOLD = r"agentmon: the console failed \((\w+)\), what happened stands in (\S+?\.log)"

RUN = "import sys\nsys.argv = ['agentmon', *sys.argv[1:]]\nfrom agentmon.cli import main\nmain()"


def fail_at_a_key(statement: str) -> str:
    """Return what makes the console do something foolish once a key is pressed."""
    return f"from tui.app import ConsoleApp\ndef on_key(self, event):\n  {statement}\nConsoleApp.on_key = on_key\n"


WAYS = {
    "input thread": (
        "from tui.keyboard import Keyboard\ndef feed(self, data): raise LookupError\nKeyboard.feed = feed\n",
        "LookupError",
    ),
    "output thread": (
        "from textual.drivers._writer_thread import WriterThread\n"
        "def run(self): raise LookupError\nWriterThread.run = run\n",
        "LookupError",
    ),
    "start": (
        "from tui.app import ConsoleApp\ndef init(self, *_, **__): raise LookupError\nConsoleApp.__init__ = init\n",
        "LookupError",
    ),
    "sys.exit": (fail_at_a_key("raise SystemExit(0)"), "SystemExit"),
    "panic": (fail_at_a_key("self.panic('never-to-be-printed')"), "EndedError"),
    "exit code": (fail_at_a_key("self.exit(return_code=3)"), "EndedError"),
    "cancelled": (fail_at_a_key("import asyncio; asyncio.current_task().cancel()"), "EndedError"),
    "database left open": (
        fail_at_a_key("raise LookupError")
        + "async def close(self): raise LookupError\nConsoleApp._close_all = close\n",
        "LookupError",
    ),
}
"""Defects that nobody foresaw, each with the name of the error by which it is told."""


@contextmanager
def spoiled(station: Station, terminal: Pty, defect: str, *args: str) -> Iterator[Popen[bytes]]:
    """Run a command with a defect on a terminal."""
    command = [sys.executable, "-c", defect + RUN, "--db", str(station.database), *args]
    with put_down(process := terminal.start(station, command)):
        yield process


def assert_told(terminal: Pty, station: Station, modes: list[object], error: str) -> None:
    """Check that a crash is one line on a terminal that is as it was before, and a file with the traceback."""
    terminal.expect(TOLD)
    wait_for("the terminal's modes", lambda: terminal.modes() == modes)
    assert left_behind(terminal.written) == set()
    said = terminal.written.decode()
    (told,) = re.finditer(TOLD, said.replace("\r\n", ""))
    assert told[1] == error
    assert "never-to-be-printed" not in said
    assert "Traceback" not in said
    assert "Traceback" in (station.folder / told[2]).read_text(encoding="utf-8")


def press_until_told(terminal: Pty) -> None:
    """Press a key again and again until the console says that it has failed."""

    def told() -> bool:
        terminal.type("x")
        return re.search(TOLD.encode(), terminal.written) is not None

    wait_for("the line about a crash", told)


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[pytest.mark.slow] if way in ("exit code", "cancelled") else []) for way in WAYS]
)
def test_a_console_that_ends_by_a_defect_says_so_and_exits_1(station: Station, way: str) -> None:
    station.create("web")
    defect, error = WAYS[way]
    with opened(200, 24) as terminal:
        modes = terminal.modes()
        with spoiled(station, terminal, defect, "tui") as process:
            press_until_told(terminal)
            assert_told(terminal, station, modes, error)
            assert process.wait(PATIENCE_S) == 1


def test_where_nothing_can_be_written_the_traceback_is_in_the_users_folder(station: Station) -> None:
    station.create("web")
    station.database.with_name("agentmon.db.console.log").mkdir()
    defect, error = WAYS["start"]
    with opened(200, 24) as terminal:
        modes = terminal.modes()
        with spoiled(station, terminal, defect, "tui") as process:
            assert_told(terminal, station, modes, error)
            assert process.wait(PATIENCE_S) == 1
    assert list((station.folder / "home").rglob("*.console.log"))


@pytest.mark.parametrize(
    "way",
    [
        "input thread",
        "sys.exit",
        *(pytest.param(way, marks=pytest.mark.slow) for way in ("output thread", "start")),
    ],
)
def test_with_keep_serving_a_defect_costs_only_the_console(station: Station, way: str) -> None:
    (key,) = station.create("web")
    defect, error = WAYS[way]
    serve = ("serve", "--tui", "--keep-serving", "--host", "127.0.0.1", "--port", "0")
    with opened(200, 24) as terminal:
        modes = terminal.modes()
        with spoiled(station, terminal, defect, *serve) as process:
            log = station.database.with_name(station.database.name + ".log")
            served = Served(process, listening_port(log, process), log, station)
            press_until_told(terminal)
            assert_told(terminal, station, modes, error)
            wait_for("a line in the log", lambda: "the receiver goes on without the console" in served.said())
            served.accept(make_report(key))
            served.stop()


def assert_answers(terminal: Pty) -> None:
    """Check that a console does what keys ask for, whatever it was sent before."""
    terminal.type("?")
    terminal.expect("Add a server")


def send_noise(terminal: Pty) -> None:
    """Send what is no text, in one piece and byte by byte."""
    terminal.send(NOISE)
    for byte in NOISE:
        terminal.send(bytes((byte,)))


def test_bytes_that_are_no_text_end_neither_console_nor_receiver(station: Station) -> None:
    (key,) = station.create("web")
    with opened(80, 24) as terminal, console(station, terminal) as served:
        send_noise(terminal)
        assert_answers(terminal)
        served.accept(make_report(key))
        assert "critical" not in served.said()
        terminal.type("q")
        assert served.process.wait(PATIENCE_S) == 0


def test_bytes_that_are_no_text_do_not_end_an_attached_console(station: Station) -> None:
    station.create("web")
    with station.serving(), opened(80, 24) as terminal, attached(station, terminal) as process:
        send_noise(terminal)
        assert_answers(terminal)
        terminal.type("q")
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("stalled", [False, True], ids=["read", "stalled"])
def test_what_fails_on_the_way_out_changes_nothing(station: Station, stalled: bool) -> None:
    """A console that is busy with ending often outlives what it draws; a signal asked for this end, and it is 0.

    Dropping what nobody reads lets a console go on that waits for its terminal, and two threads race for the end:
    here the one that gives the terminal back is slow, as on a busy machine.
    """
    station.create("web")
    defect = (
        "import termios, time\nfrom tui.app import ConsoleApp\nfrom agentmon.terminal import Terminal\n"
        "async def close(self): raise LookupError\nConsoleApp._close_all = close\n"
        "leave = Terminal._leave\ndef slowly(self, terminal, modes):\n"
        "  termios.tcflush(terminal, termios.TCIOFLUSH)\n  time.sleep(2)\n  leave(self, terminal, modes)\n"
        "Terminal._leave = slowly\n"
    )
    serve = ("serve", "--tui", "--host", "127.0.0.1", "--port", "0")
    with opened(80, 24) as terminal, spoiled(station, terminal, defect, *serve) as process:
        log = station.database.with_name(station.database.name + ".log")
        served = Served(process, listening_port(log, process), log, station)
        terminal.expect("healthy")
        if stalled:
            fill(terminal)
        served.stop(signal.SIGTERM)
        if not stalled:  # else the process may be over before
            assert "the console failed while it ended" in served.said()
        terminal.resume()
        wait_for("the end of all that was switched on", lambda: not left_behind(terminal.written))
