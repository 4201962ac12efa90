"""`agentmon events --follow` beside a running receiver, and without one."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.harness import PATIENCE_S, Station, make_report, put_down


@contextmanager
def following(station: Station, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `events --follow` with its output in a pipe."""
    process = subprocess.Popen(
        station.command("events", "--follow", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=station.environ,
        cwd=station.folder,
    )
    with put_down(process), process:
        yield process


def line_with(process: subprocess.Popen[bytes], wanted: Callable[[str], bool]) -> str:
    """Return the first line that is wanted; the test's own timeout is the end of the pipe."""
    assert process.stdout is not None
    for line in map(bytes.decode, process.stdout):
        if wanted(line):
            return line
    raise AssertionError(f"the command ended: {complaints(process)}")


def complaints(process: subprocess.Popen[bytes]) -> str:
    """Return what an ended command wrote to stderr."""
    assert process.stderr is not None
    return process.stderr.read().decode()


def test_what_happens_is_told_as_it_comes(station: Station) -> None:
    with station.serving() as served, following(station, "--json") as process:
        (key,) = station.create("web-1")

        def event(kind: str) -> dict[str, Any]:
            found: dict[str, Any] = json.loads(line_with(process, lambda line: json.loads(line)["kind"] == kind))
            return found

        assert event("receiver_started")["monitor"] is None
        assert event("created")["monitor"] == "web-1"
        served.accept(make_report(key))
        assert event("up")["text"] == "first report: up"
        station.ok("monitor", "rename", "web-1", "web-2")
        renamed = event("renamed")
        assert (renamed["monitor"], renamed["detail"]) == ("web-2", {"before": "web-1"})
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
        assert complaints(process) == ""


def test_it_follows_some_monitors_and_needs_no_receiver(station: Station) -> None:
    station.create("a", "b")
    with following(station, "a") as process:
        assert " a " in line_with(process, lambda line: "created" in line)
        station.ok("monitor", "pause", "b")
        station.ok("monitor", "pause", "a", "--for", "2h")
        assert " a " in line_with(process, lambda line: True)
        station.ok("monitor", "rename", "a", "c")
        assert "renamed, was a" in line_with(process, lambda line: True)


def test_what_was_before_the_time_asked_for_never_comes(station: Station) -> None:
    station.create("a")
    with following(station, "--since", "2099-01-01") as process:
        # It asks for news each second, of which there are none until now.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2.5)
        station.create("b")
        assert " b " in line_with(process, lambda line: True)


def test_it_ends_by_itself_once_nobody_reads(station: Station) -> None:
    station.create("a")
    with following(station) as process:
        line_with(process, lambda line: "created" in line)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 0
        assert complaints(process) == ""
