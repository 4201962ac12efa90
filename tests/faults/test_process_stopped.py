"""A receiver that is stopped for a while (`kill -STOP`, a suspended machine) and goes on: no server turns down."""

import json
import signal
import threading
import time

import psutil
import pytest

from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, post, wait_for
from tests.e2e.test_lost_terminal import SPIN_LIMIT_S, SPIN_WATCH_S, cpu_seconds

MARGIN_S = 0.5
"""How much longer than `down_after` it is stopped; the listening clock credits a stop 3 s at most."""


def stop_for(served: Served, seconds: float) -> None:
    """Stop a process for a time, wall clock."""
    served.process.send_signal(signal.SIGSTOP)
    process, until = psutil.Process(served.process.pid), time.monotonic() + seconds
    wait_for("a process that is stopped", lambda: process.status() == psutil.STATUS_STOPPED)
    wait_for("the end of the stop", lambda: time.monotonic() > until, seconds + PATIENCE_S)
    served.process.send_signal(signal.SIGCONT)


def cpu_of_a_while(served: Served) -> float:
    """Return the CPU seconds that it takes in the next `SPIN_WATCH_S`, in which it judges at least once."""
    before, until = cpu_seconds(served), time.monotonic() + SPIN_WATCH_S
    wait_for("a while to pass", lambda: time.monotonic() > until)
    return cpu_seconds(served) - before


def kinds(station: Station) -> list[str]:
    """Return the kinds of all events, oldest first."""
    return [event["kind"] for event in json.loads(station.ok("events", "--json"))]


@pytest.mark.parametrize("down_after_s", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_a_stop_makes_no_server_down_and_loses_no_report(station: Station, down_after_s: int) -> None:
    quiet, busy = station.create("quiet", "busy")
    answers: list[tuple[int, object]] = []
    with station.serving() as served:
        station.ok("monitor", "set", "quiet", f"down_after={down_after_s}s")
        served.accept(make_report(quiet))
        served.accept(make_report(busy))
        # It arrives while nobody listens, and waits in the kernel.
        late = threading.Timer(
            down_after_s - 5, lambda: answers.append(post(served.port, make_report(busy, cpu_usage=42)))
        )
        late.start()
        stop_for(served, down_after_s + MARGIN_S)
        assert cpu_of_a_while(served) < SPIN_LIMIT_S
        assert not {"down", "late"} & set(kinds(station))
        assert station.monitor("quiet")["status"] == "up"
        served.accept(make_report(quiet))
        late.join(PATIENCE_S)
        assert answers == [(200, {"status": "ok"})]
        assert [row["cpu_usage"] for row in station.history("busy")] == [1, 42]
        assert len(station.history("quiet")) == 2
