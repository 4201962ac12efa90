"""The console as a person meets it: in a real tmux, from the shell's prompt and back to it."""

import os
import re
import signal

import pytest

from server.install_lines import install_lines
from store.lock import read_holder
from tests.e2e.curl import curl_report
from tests.e2e.harness import Station, make_report, post, wait_for
from tests.e2e.reports import FULL
from tests.e2e.tmux import Pane, in_tmux

SIZES = [(80, 24), (160, 50)]


def start_console(pane: Pane) -> int:
    """Start receiver and console from the prompt and return the port that the header names."""
    pane.command("agentmon serve --tui --host 127.0.0.1 --port 0; echo exit=$?")
    return int(pane.expect(r"http://127\.0\.0\.1:(\d+) .* healthy")[1])


def order(pane: Pane) -> list[str]:
    """Return the servers' names from top to bottom."""
    return re.findall(r"^.*? (?:up|degraded|pending|paused) .*?((?:web|db)-\d)\b", pane.screen(), re.MULTILINE)


def expect_order(pane: Pane, *names: str) -> None:
    """Wait until the servers stand in this order, and no others."""
    wait_for(f"the order {names}", lambda: order(pane) == list(names))


def watch_rows_live(pane: Pane, port: int, keys: list[str]) -> None:
    """See reports turn up in the fleet."""
    pane.expect("3 pending")
    for key, usage in zip(keys, (11, 33, 22), strict=True):
        post(port, {"agent_key": key, **FULL, "cpu_usage": usage})
    for name, usage in (("db-1", 11), ("web-1", 33), ("web-2", 22)):
        pane.expect(rf"degraded .*{name} .*\b{usage}%")
    pane.expect(r"3 degraded")
    post(port, {"agent_key": keys[0], **FULL, "cpu_usage": 5})
    pane.expect(r"db-1 .* 5% ")


def leave_the_filter(pane: Pane) -> None:
    """Press enter in the filter, and see the cursor leave it."""

    def line() -> str:
        styled = pane.tmux("capture-pane", "-p", "-e", "-t", pane.target)
        return next(line for line in styled.splitlines() if "Filter /" in line)

    before = line()
    pane.keys("Enter")
    wait_for("the filter without a cursor", lambda: line() != before)


def sort_and_filter(pane: Pane) -> None:
    """Sort by CPU and by name, filter as one types, keep the filter, clear it."""
    pane.keys("U")
    pane.expect(r"▼CPU")
    expect_order(pane, "web-1", "web-2", "db-1")
    pane.keys("N", "N")
    pane.expect(r"NAME▼")
    expect_order(pane, "web-2", "web-1", "db-1")
    pane.keys("/")
    pane.expect(r"^ Filter /")
    pane.type("web")
    pane.expect("2 of 3")
    expect_order(pane, "web-2", "web-1")
    leave_the_filter(pane)
    pane.type("N")
    pane.expect(r"NAME▲")
    expect_order(pane, "web-1", "web-2")
    pane.keys("Escape")
    pane.expect("db-1")


def look_at_one(pane: Pane) -> None:
    """Open the first server's page and the help, and come back."""
    pane.keys("g", "Enter")
    pane.expect(r"^ *db-1 *$")
    for fact in (r"host +wëb-1\.example\.net", r"kernel +6\.1\.0-18-amd64", r"/srv/data +.* 91%", "1.8T", "164G", "•"):
        pane.expect(fact)
    pane.keys("?")
    pane.expect("Show or hide the agent key")
    pane.keys("?")
    pane.expect(r"kernel +6\.1\.0")
    pane.keys("Escape")
    pane.expect("STATUS")


def add_one(pane: Pane, port: int) -> None:
    """Name a new server, see its key, send its first report with curl, see it turn up."""
    pane.keys("n")
    pane.expect("New monitor")
    pane.type("web-1")
    pane.expect("already a monitor")
    pane.type("0")
    pane.expect("enter creates")
    pane.keys("Enter")
    pane.expect("waiting for the first report")
    pane.expect("amk_•{40}")
    assert not re.search(r"amk_\w{40}", pane.screen())
    pane.keys("v")
    key = pane.expect(r"^(amk_[0-9A-Za-z]{40})$")[1]
    url = f"http://127.0.0.1:{port}"
    as_a_shell_reads = " ".join(pane.screen().replace("\\\n", "").split())
    assert install_lines(url, key)[0].command in as_a_shell_reads
    assert curl_report(pane.station, port, make_report(key)) == {"status": "ok"}
    pane.expect(r"received \d+ s ago from 127\.0\.0\.1")
    pane.keys("Escape")
    pane.expect(r"up .*web-10 .* 1%")


@pytest.mark.parametrize(("columns", "lines"), SIZES)
def test_a_person_sees_sorts_filters_adds_and_leaves(station: Station, columns: int, lines: int) -> None:
    keys = station.create("db-1", "web-1", "web-2")
    with in_tmux(station, columns, lines) as pane:
        pane.command("stty -a >before")
        port = start_console(pane)
        assert pane.display("#{alternate_on}") == "1"
        watch_rows_live(pane, port, keys)
        sort_and_filter(pane)
        look_at_one(pane)
        add_one(pane, port)
        pane.keys("q")
        pane.expect(r"^exit=0$")
        assert pane.display("#{alternate_on} #{cursor_flag} #{mouse_any_flag}") == "0 1 0"
        pane.command("stty -a >after; echo usable-$((40 + 2))")
        pane.expect(r"^usable-42$")
        assert (station.folder / "after").read_text() == (station.folder / "before").read_text()
    assert station.status()["receiver"]["running"] is False
    assert len(station.history("db-1")) == 2


def test_a_second_session_attaches_and_says_when_the_receiver_is_gone_and_back(station: Station) -> None:
    (key,) = station.create("web-1")
    with in_tmux(station, 160, 24) as pane:
        port = start_console(pane)
        other = pane.split()
        other.command("agentmon tui; echo exit=$?")
        other.expect(rf":{port} .* healthy")
        post(port, make_report(key, cpu_usage=55))
        for each in (pane, other):
            each.expect(r"up .*web-1 .*\b55%")
        other.keys("p")  # what one changes, both see
        other.expect("Pause web-1")
        other.keys("Enter")
        for each in (pane, other):
            each.expect(r"paused .*web-1")
        receiver = read_holder(station.database)
        assert receiver is not None
        os.kill(receiver.pid, signal.SIGKILL)
        other.expect("no receiver is running")
        other.expect("web-1")
        with station.serving() as served:
            other.expect("healthy")
            served.accept(make_report(key, cpu_usage=66))
            other.expect(r"web-1 .*66%")
            other.keys("q")
            other.expect("exit=0")


def test_a_read_only_console_changes_nothing(station: Station) -> None:
    station.create("web-1")
    with in_tmux(station, 100, 24) as pane:
        pane.command("agentmon tui --read-only")
        pane.expect(r"read-only")
        pane.expect(r"pending .*web-1")
        pane.keys("p", "n", "d", "K", "?")
        pane.expect("Everything about the selected server")
        assert "Judge this server no more" not in pane.screen()
        pane.keys("?")
        pane.expect(r"pending .*web-1")


def test_without_a_receiver_the_console_says_so_and_shows_what_is_stored(station: Station) -> None:
    with in_tmux(station, 80, 24) as pane:
        pane.command("agentmon tui; echo exit=$?")
        pane.expect("there is no database")
        pane.expect("exit=1")
        station.create("web-1")
        pane.command("agentmon tui")
        pane.expect("no receiver is running")
        pane.expect(r"pending .*web-1")
