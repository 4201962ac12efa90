"""`agentmon serve` with a configuration file: its limits hold in the receiver, and for everyone who asks the store."""

import json
from pathlib import Path

import pytest

from tests.e2e.harness import Station, make_report, wait_for


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station.at(tmp_path)


def configure(station: Station, text: str) -> None:
    path = station.folder / "home/.config/agentmon/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def status_of(station: Station, name: str) -> str:
    return station.stored()[name].status


def test_limits_of_the_file_are_judged_by_until_the_file_says_otherwise(station: Station) -> None:
    (key,) = station.create("web")
    configure(station, '[thresholds.cpu]\nwarn = 40\nfor = 0\n[thresholds.disk."/tmp"]\nignore = true\n')
    with station.serving() as served:
        served.accept(make_report(key, cpu_usage=50))
        wait_for("degraded", lambda: status_of(station, "web") == "degraded")
        held = json.loads(station.ok("monitor", "defaults", "--json"))
        assert (held["cpu.warn"], held["cpu.crit"], held["disk./tmp.ignore"]) == (40, 90, 1)
        assert "cpu.warn         40  (config)" in station.ok("monitor", "defaults")
        station.ok("monitor", "defaults", "cpu.warn=60")
        wait_for("up", lambda: status_of(station, "web") == "up")
        station.ok("monitor", "defaults", "cpu.warn=default")
        wait_for("degraded", lambda: status_of(station, "web") == "degraded")
        served.stop()
    configure(station, "[thresholds.cpu]\nfor = 0\n")
    with station.serving() as served:
        wait_for("up", lambda: status_of(station, "web") == "up")
        assert json.loads(station.ok("monitor", "defaults", "--json"))["cpu.warn"] == 80
        served.stop()


def test_the_file_sets_options_of_serve_that_the_command_line_overrides(station: Station) -> None:
    configure(station, '[serve]\nport = 1\nhost = "127.0.0.1"\npublic_url = "http://from.example.org"\n')
    with station.serving("--public-url", "http://told.example.org") as served:
        assert served.port > 1
        assert "http://told.example.org/agent.sh" in station.ok("monitor", "create", "web")
        served.stop()
