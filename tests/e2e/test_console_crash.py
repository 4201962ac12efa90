"""A console that fails takes nothing with it: the receiver ends well or goes on, the terminal is given back."""

import re
import signal
import sqlite3
from contextlib import closing

from tests.e2e.harness import PATIENCE_S, Station, make_report, wait_for
from tests.e2e.terminal import Pty, attached, console, opened

TOLD = r"agentmon: the console failed \(JSONDecodeError\), what happened stands in (\S+?\.log)"
SECRET = "never-to-be-printed"


def poison(station: Station) -> None:
    """Spoil a row that only consoles read again, as a defect of the store's might: what is in it is no JSON."""
    with closing(sqlite3.connect(station.database, isolation_level=None)) as connection:
        connection.execute("UPDATE latest SET report = ?, seq = seq + 1000000", (f"{{{SECRET}",))


def assert_given_back(terminal: Pty, modes: list[object]) -> str:
    """Check that the terminal is as it was before, and return what was said on it after the console."""
    terminal.expect(TOLD)
    wait_for("the terminal's modes", lambda: terminal.modes() == modes)
    said = terminal.written.decode().rpartition("\x1b[?1049l")[2]
    assert "Traceback" not in said
    assert SECRET not in said
    assert len(re.findall(r"agentmon: ", said)) == 1
    return said


def assert_logged(station: Station, said: str) -> None:
    """Check that the traceback stands in the file that was named, which nobody else may read."""
    found = re.search(TOLD, said)
    assert found is not None
    log = station.folder / found[1]
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert "JSONDecodeError" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o600


def test_with_the_receiver_in_the_same_process_both_end_in_good_order(station: Station) -> None:
    (key,) = station.create("web-1")
    with opened(100, 24) as terminal:
        modes = terminal.modes()
        with console(station, terminal) as served:
            served.accept(make_report(key))
            poison(station)
            assert served.process.wait(PATIENCE_S) == 1
            assert_logged(station, assert_given_back(terminal, modes))
            assert "stopping: finishing what is in flight" in served.said()
    with closing(sqlite3.connect(station.database)) as connection:
        assert connection.execute("SELECT count(*) FROM sample").fetchone() == (1,)
        assert connection.execute("SELECT stopped_at IS NOT NULL FROM receiver_run").fetchone() == (1,)


def test_with_keep_serving_the_receiver_goes_on(station: Station) -> None:
    (key,) = station.create("web-1")
    with opened(100, 24) as terminal:
        modes = terminal.modes()
        with console(station, terminal, "--keep-serving") as served:
            served.accept(make_report(key))
            poison(station)
            said = assert_given_back(terminal, modes)
            assert "the receiver goes on, ctrl+c ends it" in said
            assert_logged(station, said)
            served.accept(make_report(key))
            station.ok("monitor", "pause", "web-1")
            served.process.send_signal(signal.SIGHUP)
            served.accept(make_report(key))
            terminal.type("\x03")
            assert served.process.wait(10) == 0
    assert len(station.history("web-1")) == 3


def test_an_attached_console_leaves_the_receiver_alone(station: Station) -> None:
    (key,) = station.create("web-1")
    with station.serving() as served, opened(100, 24) as terminal:
        modes = terminal.modes()
        served.accept(make_report(key))
        with attached(station, terminal) as process:
            poison(station)
            assert process.wait(PATIENCE_S) == 1
            assert_logged(station, assert_given_back(terminal, modes))
        served.accept(make_report(key))
