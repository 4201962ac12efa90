"""From an agent that stops to an alert that arrives, with real processes: once each, across kills, and grouped."""

import http.client
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from store.models import Status
from tests.e2e.alert_sink import AlertSink, alert_sink
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, put_down, send, wait_for

SHORT = ("late_after=2", "down_after=5")
CALM = tuple(f"{metric}.{limit}=off" for metric in ("disk", "memory", "swap") for limit in ("warn", "crit"))
"""For the agent that reports this machine, however full that is."""


@pytest.fixture
def sink() -> Iterator[AlertSink]:
    with alert_sink() as opened:
        yield opened


@contextmanager
def agent_running(station: Station, port: int, key: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the psutil agent for a monitor, reporting each second."""
    file = station.folder / "agent.key"
    file.touch(0o600)
    file.write_text(key)
    command = station.command("agent", "--url", f"http://127.0.0.1:{port}", "--key-file", str(file), "--interval", "1")
    process = subprocess.Popen(command, env=station.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with put_down(process):
        yield process


def wait_for_status(station: Station, name: str, status: str) -> None:
    """Wait until a monitor has a status."""
    wait_for(f"{name} to be {status}", lambda: station.stored()[name].status == status)


def wait_for_alert(sink: AlertSink, count: int) -> str:
    """Wait until so many alerts have come, and return the last one's title."""
    wait_for(f"alert {count}", lambda: len(sink.received) >= count)
    return sink.titles()[count - 1]


def told(station: Station, *kinds: str) -> list[dict[str, Any]]:
    """Return the stored events of some kinds, oldest first."""
    events: list[dict[str, Any]] = json.loads(station.ok("events", "--json"))
    return [event for event in events if event["kind"] in kinds]


def test_an_agent_that_stops_and_returns_is_one_alert_each_though_the_receiver_is_killed(
    station: Station, sink: AlertSink
) -> None:
    with station.serving() as first:
        (key, _) = station.create("web-1", "web-2")
        station.ok("monitor", "set", "web-1", *SHORT, *CALM)
        station.ok("notify", "add", sink.url)
        with agent_running(station, first.port, key) as agent:
            wait_for_status(station, "web-1", "up")
            agent.terminate()
            agent.wait(20)
        wait_for_status(station, "web-1", "late")
        wait_for_status(station, "web-1", "down")
        # Killed while the alert is held or on its way: it is sent by whoever serves next.
        first.kill()
    with station.serving() as second:
        assert wait_for_alert(sink, 1) == "agentmon: web-1 is down"
        assert station.monitor("web-1")["status"] == "down"
        second.kill()
    with station.serving() as third, agent_running(station, third.port, key):
        wait_for_status(station, "web-1", "up")
        assert wait_for_alert(sink, 2).startswith("agentmon: web-1 is up again after ")
        down, up = told(station, "down", "up")[-2:]
        assert (down["kind"], up["kind"], up["detail"]["was"]) == ("down", "up", "down")
        assert up["detail"]["for_s"] > 0
        third.stop()
    assert len(sink.received) == 2


def test_fifty_agents_cut_off_at_once_are_one_alert(station: Station, sink: AlertSink) -> None:
    names = [f"web-{number:02}" for number in range(60)]
    with station.serving() as served:
        keys = station.create(*names)
        station.ok("monitor", "defaults", "late_after=3", "down_after=6")
        station.ok("notify", "add", sink.url)
        with reporting_steadily(served, keys[50:]):
            with reporting_steadily(served, keys[:50]):
                wait_for("all to be up", lambda: statuses(station) == {Status.UP})
                wait_for("intervals to be learned", lambda: all(learned(station)))
            wait_for("fifty to be down", lambda: down_count(station) == 50)
            assert wait_for_alert(sink, 1) == "agentmon: 50 servers are down"
        assert len(sink.received) == 1
    assert len(told(station, "down")) == 50


def test_when_everyone_is_silent_it_is_one_event_and_one_alert(station: Station, sink: AlertSink) -> None:
    with station.serving() as served:
        keys = station.create(*(f"web-{number:02}" for number in range(10)))
        station.ok("monitor", "defaults", "late_after=3", "down_after=5")
        station.ok("notify", "add", sink.url)
        with reporting_steadily(served, keys):
            wait_for("intervals to be learned", lambda: all(learned(station)))
        wait_for("all to be down", lambda: statuses(station) == {Status.DOWN})
        assert "no reports from anyone" in wait_for_alert(sink, 1)
        with reporting_steadily(served, keys):
            wait_for("all to be up", lambda: statuses(station) == {Status.UP})
            assert "again" in wait_for_alert(sink, 2)
    assert [event["kind"] for event in told(station, "down", "silence", "reports_again")] == [
        "silence",
        "reports_again",
    ]


def test_a_server_that_stays_down_is_told_of_again(station: Station, sink: AlertSink) -> None:
    with station.serving("--remind-every", "4s") as served:
        (key,) = station.create("web-1")
        station.ok("monitor", "set", "web-1", *SHORT)
        station.ok("notify", "add", sink.url)
        served.accept(make_report(key))
        assert wait_for_alert(sink, 1) == "agentmon: web-1 is down"
        assert wait_for_alert(sink, 2).startswith("agentmon: web-1 is still down")
        station.ok("monitor", "pause", "web-1")
    assert len(told(station, "down")) == 1


def test_a_command_gets_the_event_on_its_standard_input(station: Station) -> None:
    out = station.folder / "alert.json"
    with station.serving() as served:
        (key,) = station.create("web-1")
        station.ok("notify", "add", "--exec", f"cat > {out}.part && mv {out}.part {out}", "--name", "script")
        served.accept(make_report(key, disk_usage=[{"mount": "/var", "usage": 97}]))
        alert = json.loads(wait_for("the command's output", lambda: out.read_text() if out.exists() else ""))
    (event,) = alert["events"]
    assert (event["kind"], event["monitor"], event["mount"], event["level"]) == (
        "degraded",
        "web-1",
        "/var",
        "critical",
    )
    assert "web-1" in alert["title"]


def statuses(station: Station) -> set[Status]:
    """Return all statuses there are."""
    return {monitor.status for monitor in station.stored().values()}


def down_count(station: Station) -> int:
    """Return how many are down."""
    return [monitor.status for monitor in station.stored().values()].count(Status.DOWN)


def learned(station: Station) -> list[bool]:
    """Return of each monitor whether the interval of its reports is known."""
    return [monitor.interval_s is not None for monitor in station.stored().values()]


@contextmanager
def reporting_steadily(served: Served, keys: list[str], every_s: float = 0.5) -> Iterator[None]:
    """Let each key report in every so many seconds until the end of the block, all of them at once."""
    stop = threading.Event()

    def send_all() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_S)) as connection:
            while not stop.wait(every_s):
                for key in keys:
                    assert send(connection, make_report(key))[0] == 200

    thread = threading.Thread(target=send_all)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
