"""What happens to monitors over time: keys change, servers fall silent, the receiver restarts."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, wait_for
from tests.e2e.reports import FULL, coming_back, fields_of

NOT_FOUND = (404, {"status": "error", "message": "Agent key not found"})
FOREVER = "300d"


def has_status(station: Station, name: str, status: str) -> Callable[[], bool]:
    """Return a probe for `wait_for`."""
    return lambda: station.stored()[name].status == status


def seconds_between(earlier: str, later: str) -> float:
    """Return the time between two times of the output."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def test_an_old_key_works_until_the_first_report_with_the_new_one(shared: Served) -> None:
    station = shared.station
    (old,) = station.create("rotated")
    new = station.ok("monitor", "rotate", "rotated").strip()
    assert new not in ("", old)
    assert station.ok("monitor", "key", "rotated").strip() == new
    shared.accept(make_report(old, cpu_usage=1))
    shared.accept(make_report(old, cpu_usage=2))
    shared.accept(make_report(new, cpu_usage=3))
    assert shared.post(make_report(old, cpu_usage=4)) == NOT_FOUND
    shared.accept(make_report(new, cpu_usage=5))
    assert [row["cpu_usage"] for row in station.history("rotated")] == [1, 2, 3, 5]


def test_an_existing_key_moves_in_from_standard_input(shared: Served) -> None:
    key = "from.another-receiver/{}\"'"
    shared.station.ok("monitor", "create", "moved", "--key", "-", stdin=f"{key}\n")
    shared.accept(make_report(key))
    assert shared.station.monitor("moved")["status"] == "up"


def test_a_deleted_monitors_key_stops_and_its_name_is_free(shared: Served) -> None:
    (key,) = shared.station.create("deleted")
    shared.accept(make_report(key))
    shared.station.ok("monitor", "delete", "deleted", "--yes")
    assert shared.post(make_report(key)) == NOT_FOUND
    assert shared.station.run("status", "deleted").returncode == 3
    shared.station.create("deleted")
    assert shared.station.history("deleted") == []


def test_a_renamed_monitor_keeps_its_key_and_history(shared: Served) -> None:
    (key,) = shared.station.create("before")
    shared.accept(make_report(key, cpu_usage=1))
    shared.station.ok("monitor", "rename", "before", "after")
    shared.accept(make_report(key, cpu_usage=2))
    assert [row["cpu_usage"] for row in shared.station.history("after")] == [1, 2]


def test_a_restart_keeps_everything(station: Station) -> None:
    key, _ = station.create("kept", "silent")
    with station.serving() as served:
        served.accept({"agent_key": key, **FULL})
        station.ok("monitor", "set", "kept", "down_after=2h")
        station.ok("monitor", "pause", "silent")
        before = station.history("kept"), station.ok("monitor", "list", "--json")
    with station.serving() as served:
        assert station.history("kept") == before[0]
        assert fields_of(station.monitor("kept")) == coming_back(FULL)
        served.accept(make_report(key))
        assert len(station.history("kept")) == 2
        assert station.monitor("kept")["status"] == "up"
        assert station.monitor("silent")["status"] == "paused"
        assert '"down_after": 7200.0' in station.ok("monitor", "show", "kept", "--json")
    assert '"down_after": 7200.0' in before[1]


def test_silence_makes_late_then_down_but_not_what_is_paused_and_a_report_makes_up(shared: Served) -> None:
    station, names = shared.station, ("gets-late", "gets-down", "is-paused")
    keys = station.create(*names)
    station.ok("monitor", "set", "gets-late", "late_after=0.5s", f"down_after={FOREVER}")
    for name in names[1:]:
        station.ok("monitor", "set", name, "down_after=0.5s")
    station.ok("monitor", "pause", "is-paused")

    def judged(*wanted: str) -> Callable[[], bool]:
        return lambda: [station.stored()[name].status for name in names] == list(wanted)

    for key in reversed(keys):
        shared.accept(make_report(key))
    wait_for("verdicts on silence", judged("late", "down", "paused"))
    assert [station.run("status", name).returncode for name in names] == [1, 2, 0]
    assert station.run("status", *names).returncode == 2
    station.ok("monitor", "set", "gets-late", "late_after=default")
    station.ok("monitor", "set", "gets-down", "down_after=default")
    for key in keys:
        shared.accept(make_report(key))
    assert judged("up", "up", "paused")()
    station.ok("monitor", "resume", "is-paused")
    assert len(station.history("is-paused")) == 2


def test_a_pause_for_a_time_ends_by_itself(shared: Served) -> None:
    (key,) = shared.station.create("short-pause")
    shared.station.ok("monitor", "pause", "short-pause", "--for", "0.5s")
    shared.accept(make_report(key))
    wait_for("the end of the pause", has_status(shared.station, "short-pause", "up"))


def test_a_restart_makes_no_server_down_and_one_that_was_stays_so(station: Station) -> None:
    heard, lost = station.create("heard", "lost")
    with station.serving() as served:
        station.ok("monitor", "set", "heard", f"down_after={FOREVER}")
        station.ok("monitor", "set", "lost", "down_after=0.3s")
        served.accept(make_report(heard))
        served.accept(make_report(lost))
        wait_for("a server that is down", has_status(station, "lost", "down"))
        went_down = station.monitor("lost")["since"]
    station.ok("monitor", "set", "lost", f"down_after={FOREVER}")
    station.ok("monitor", "set", "heard", "down_after=0.3s")
    wait_for("a silence longer than the deadline", lambda: station.monitor("heard")["silence_s"] > 0.5)
    with station.serving() as served:
        receiver = station.status()["receiver"]
        wait_for("the verdict of the new receiver", has_status(station, "heard", "down"))
        # Judged by the silence that this receiver has heard itself, not by the age of the last report.
        assert seconds_between(receiver["since"], station.monitor("heard")["since"]) >= 0.28
        assert station.monitor("lost")["since"] == went_down
        assert station.monitor("lost")["status"] == "down"
        served.accept(make_report(lost))
        assert station.monitor("lost")["status"] == "up"


def test_status_says_when_it_cannot_know(station: Station) -> None:
    (key,) = station.create("web")
    with station.serving() as served:
        assert station.run("status").returncode == 0
        served.accept({"agent_key": key, **FULL})
        done = station.run("status", "web", "nobody")
        assert (done.returncode, done.stderr) == (3, "agentmon: there is no monitor called nobody\n")
    done = station.run("status", "--json")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "no receiver is running" in done.stderr
    shown = json.loads(done.stdout)
    assert shown["receiver"] == {"running": False, "since": None}
    assert fields_of(shown["monitors"][0]) == coming_back(FULL)


def test_serve_monitors_its_own_machine_when_asked(station: Station) -> None:
    with station.serving("--self"):

        def reported() -> dict[str, Any] | None:
            found: list[dict[str, Any]] = station.status()["monitors"]
            return found[0] if found and found[0]["status"] == "up" else None

        mine = wait_for("a report of this machine", reported, PATIENCE_S)
        assert mine["memory_total_mb"] > 0
        (listed,) = json.loads(station.ok("monitor", "list", "--json"))
        assert (listed["agent"]["kind"], listed["agent"]["old"]) == ("psutil", False)
        assert mine["disk_usage"]
