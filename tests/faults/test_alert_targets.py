"""Targets of alerts that hang, refuse and fail: reports are answered as fast as ever, and what waits arrives later."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from store.reader import Reader
from tests.e2e.alert_sink import AlertSink, alert_sink
from tests.e2e.harness import Served, Station, make_report, wait_for
from tests.e2e.load import Latencies, reporting
from tests.server.notices import is_alive, read

MONITORS = [f"web-{number}" for number in range(20)]
ENOUGH = 400
"""Reports of a measurement: of so many the slowest hundredth are four."""

SLOWER = 5.0
AT_LEAST_S = 0.5
"""What may pass for no worse on a machine that does other things, too: a target that held up ingestion takes 30 s."""

SECRET = "tk_hunter2"


@contextmanager
def hanging() -> Iterator[str]:
    """Run a service that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"json://127.0.0.1:{server.getsockname()[1]}/{SECRET}"


def refusing() -> str:
    """Return a target where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"json://127.0.0.1:{server.getsockname()[1]}/{SECRET}"


def incident(served: Served, key: str) -> None:
    """Bring about an event that is told: a mount that is full."""
    served.accept(make_report(key, disk_usage=[{"mount": "/var", "usage": 99}]))


def recovery(served: Served, key: str) -> None:
    """End it."""
    served.accept(make_report(key, disk_usage=[{"mount": "/var", "usage": 9}]))


def measure(served: Served, keys: Sequence[str], meanwhile: Callable[[], object]) -> Latencies:
    """Send reports of some monitors for a while, and have something done meanwhile."""
    with reporting(served.port, keys, every_s=0.2) as latencies:
        meanwhile()
        wait_for("reports", lambda: len(latencies.taken_s) >= ENOUGH)
    assert latencies.refused == []
    return latencies


def trouble(served: Served, key: str, sink: AlertSink) -> None:
    """Bring about alerts, and wait until one has failed."""
    before = sink.refused
    incident(served, key)
    wait_for("an attempt to fail", lambda: sink.refused > before)


def problems(station: Station) -> dict[str, str | None]:
    """Return why the last attempt at each channel failed."""
    return {channel.name: channel.problem for channel in station.read(Reader.channels)}


@pytest.fixture
def sink() -> Iterator[AlertSink]:
    with alert_sink() as opened:
        yield opened


def test_targets_that_fail_slow_no_report_down(station: Station, sink: AlertSink) -> None:
    sink.answer = 500
    with ExitStack() as targets, station.serving("--max-report-rate", "0") as served:
        (key, *keys) = station.create("full", *MONITORS)
        calm = measure(served, keys, lambda: None)
        urls = {"hanging": targets.enter_context(hanging()), "refusing": refusing(), "failing": sink.url}
        for name, url in urls.items():
            station.ok("notify", "add", "-", "--name", name, stdin=url)
        station.ok("notify", "add", "--exec", "sleep 1000", "--name", "command")
        troubled = measure(served, keys, partial(trouble, served, key, sink))
        wait_for("a refusal", lambda: problems(station)["refusing"] == "connection refused")
        assert troubled.p99() <= max(SLOWER * calm.p99(), AT_LEAST_S), (
            f"{troubled.p99():.3f} s, {calm.p99():.3f} s calm"
        )
        assert SECRET not in served.said()


def test_what_failed_arrives_once_its_target_recovers_though_others_still_hang(
    station: Station, sink: AlertSink
) -> None:
    sink.answer = 500
    pid = station.folder / "pid"
    with hanging() as stuck, station.serving() as served:
        (key,) = station.create("full")
        for name, url in (("stuck", stuck), ("hook", sink.url)):
            station.ok("notify", "add", "-", "--name", name, stdin=url)
        station.ok("notify", "add", "--exec", f"echo $$ > {pid}; trap '' TERM; sleep 1000")
        incident(served, key)
        wait_for("an attempt to fail", lambda: problems(station)["hook"] == "HTTP 500")
        recovery(served, key)
        sink.answer = 200
        wait_for("both alerts", lambda: len(sink.received) == 2)
        wait_for("the channel to be well", lambda: problems(station)["hook"] is None)
        running = int(wait_for("the command", lambda: read(pid)))
    assert not is_alive(running), "a command outlived the receiver that ran it"
    assert sink.titles() == ["agentmon: full: disk /var 99%", "agentmon: full: disk /var back at 9.0%"]
