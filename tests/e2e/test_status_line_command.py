"""`agentmon status --line` beside a running receiver: on standard output, and in tmux's status bar."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.harness import Station, make_report
from tests.e2e.tmux import Pane, in_tmux, tmux

FULL = [{"mount": "/", "usage": 96}]


def test_the_line_and_the_exit_code_say_how_all_are(station: Station) -> None:
    with station.serving() as served:
        key, _ = station.create("web-1", "db-1")
        served.accept(make_report(key))
        done = station.run("status", "--line")
        assert (done.returncode, done.stdout, done.stderr) == (0, "1 up, 1 pending\n", "")
        served.accept(make_report(key, disk_usage=FULL))
        done = station.run("status", "--line")
        assert (done.returncode, done.stdout) == (1, "1 pending, 1 degraded: web-1\n")
        assert "critical: disk / 96%" in station.run("status", "web-1").stdout
    done = station.run("status", "--line")
    assert (done.returncode, done.stdout) == (3, "no receiver (1 pending, 1 degraded when last stored)\n")


@contextmanager
def bar_in(pane: Pane, command: str) -> Iterator[None]:
    """Start a tmux inside the pane, whose status bar shows what a command prints."""
    station, socket = pane.station, pane.station.folder / "inner"
    tmux(station, socket, "new-session", "-d", "-x", "80", "-y", "20", "sh")
    try:
        for option, value in (("status-interval", "1"), ("status-left-length", "80"), ("status-left", f"#({command})")):
            tmux(station, socket, "set-option", "-g", option, value)
        pane.command(f"env -u TMUX tmux -S {socket} attach-session")
        yield
    finally:
        tmux(station, socket, "kill-server")


def test_tmux_shows_the_line_and_takes_no_name_for_an_order(station: Station) -> None:
    with station.serving() as served, in_tmux(station, 80, 24) as pane:
        (key,) = station.create("#[bg=red]#H#(touch owned)")
        served.accept(make_report(key, disk_usage=FULL))
        with bar_in(pane, shlex.join(station.command("status", "--line"))):
            sign = "\N{FULLWIDTH NUMBER SIGN}"
            pane.expect(re.escape(f"1 degraded: {sign}[bg=red]{sign}H{sign}(touch owned)"))
        assert not list(station.folder.rglob("owned"))
