"""What real agents send to a real receiver is what `status` and `history` give back."""

import csv
import io
import os
import socket
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import agent
from tests.agent.shells import need
from tests.e2e.curl import curl_report
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, post, wait_for
from tests.e2e.reports import FULL, as_strings, coming_back, fields_of
from tests.e2e.tap import Tap, tapping

AGENT_SH = Path(agent.__path__[0]) / "agent.sh"
APPLETS = "awk cat cp date df env grep id ls mkdir mktemp mv rm sed sh sleep stty timeout true wget"


def sent_once(tap: Tap) -> dict[str, Any]:
    """Return the one report that went through a tap, as what must come back of it."""
    (report,) = wait_for("the end of the agent's connection", tap.reports)
    return coming_back(report)


def assert_kept(station: Station, name: str, expected: dict[str, Any]) -> None:
    """Check that both ways to read what a monitor reported give back every value."""
    (row,) = station.history(name)
    assert fields_of(row) == expected
    assert fields_of(station.monitor(name)) == expected


@pytest.mark.parametrize("wording", ["numbers", "strings"])
def test_every_value_of_a_full_report_comes_back(shared: Served, wording: str) -> None:
    (key,) = shared.station.create(f"curl-{wording}")
    report = FULL if wording == "numbers" else as_strings(FULL)
    assert curl_report(shared.station, shared.port, {"agent_key": key, **report}) == {"status": "ok"}
    assert_kept(shared.station, f"curl-{wording}", coming_back(FULL))


def test_what_an_agent_leaves_out_is_null(shared: Served) -> None:
    (key,) = shared.station.create("windows")
    bare = make_report(key, disk_usage=[{"mount": "C:\\", "usage": 12.5}])
    assert curl_report(shared.station, shared.port, bare) == {"status": "ok"}
    assert_kept(shared.station, "windows", coming_back(bare))
    assert shared.station.monitor("windows")["load_1m"] is None


def shell_of(flavour: str, folder: Path) -> tuple[list[str], str]:
    """Return the words that start a shell and the PATH with the tools that go with it."""
    if flavour == "dash":
        return [need("dash")], os.environ["PATH"]
    busybox = need("busybox")
    for applet in APPLETS.split():
        folder.joinpath(applet).symlink_to(busybox)
    return [busybox, "sh"], str(folder)


@pytest.mark.parametrize("flavour", ["dash", "busybox"])
def test_every_value_of_agent_sh_comes_back(shared: Served, tmp_path: Path, flavour: str) -> None:
    (key,) = shared.station.create(flavour)
    words, path = shell_of(flavour, tmp_path)
    with tapping(shared.port) as tap:
        environ = {"PATH": path, "HOME": str(tmp_path), "AGENTMON_URL": tap.url, "AGENTMON_KEY": key}
        done = subprocess.run(
            [*words, AGENT_SH],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        expected = sent_once(tap)
    assert expected["hostname"] == os.uname().nodename
    assert expected["disk_usage"]
    assert_kept(shared.station, flavour, expected)


def test_every_value_of_the_psutil_agent_comes_back(shared: Served, tmp_path: Path) -> None:
    (key,) = shared.station.create("psutil")
    key_file = tmp_path / "key"
    key_file.touch(mode=0o600)
    key_file.write_text(f"{key}\n")
    with tapping(shared.port) as tap:
        done = shared.station.run("agent", "--url", tap.url, "--key-file", str(key_file), "--once")
        assert done.returncode == 0, done.stderr
        expected = sent_once(tap)
    assert expected["kernel"] == os.uname().release
    assert_kept(shared.station, "psutil", expected)


def test_a_key_file_that_others_may_read_is_not_used(shared: Served, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("amk_loose\n")
    key_file.chmod(0o644)
    url = f"http://127.0.0.1:{shared.port}"
    done = shared.station.run("agent", "--url", url, "--key-file", str(key_file), "--once")
    assert done.returncode == 1
    assert "chmod 600" in done.stderr
    assert "amk_loose" not in done.stderr


def test_csv_has_a_row_a_report_and_a_column_a_mount(shared: Served) -> None:
    (key,) = shared.station.create("csv")
    shared.accept({"agent_key": key, **FULL})
    shared.accept(make_report(key, disk_usage=[{"mount": '/new, "odd"', "usage": 7}]))
    rows = list(csv.DictReader(io.StringIO(shared.station.ok("history", "csv", "--step", "raw", "--csv"))))
    mounts = {"disk:/": ("45.0", ""), "disk:/srv/data": ("91.25", ""), 'disk:/new, "odd"': ("", "7.0")}
    assert {column: (rows[0][column], rows[1][column]) for column in rows[0] if column.startswith("disk")} == mounts
    assert rows[0]["network_rx_bytes"] == str(FULL["network_rx_bytes"])
    assert (rows[0]["hostname"], rows[1]["hostname"]) == (FULL["hostname"], "")


def milliseconds(at: str) -> int:
    """Return a time of the output as UTC milliseconds."""
    assert at.endswith("Z")
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def test_rates_come_with_the_second_report_and_go_when_a_counter_starts_anew(shared: Served) -> None:
    (key,) = shared.station.create("rates")

    def rates_after(received: int, sent: int) -> list[float | None]:
        shared.accept(make_report(key, network_rx_bytes=received, network_tx_bytes=sent))
        shown = shared.station.monitor("rates")
        return [shown["network_rx_rate"], shown["network_tx_rate"]]

    assert rates_after(1_000_000, 5_000) == [None, None]
    time.sleep(1)  # two reports of one moment make no rate
    rates = rates_after(3_000_000, 5_000)
    first, second = (milliseconds(row["at"]) for row in shared.station.history("rates"))
    assert rates == [pytest.approx(2_000_000 * 1000 / (second - first), rel=0.02), 0]
    time.sleep(1)
    assert rates_after(10, 6_000)[0] is None
    time.sleep(1)
    assert rates_after(20, 7_000)[0] is not None


def test_times_are_utc_with_milliseconds_and_json_is_ascii(shared: Served) -> None:
    (key,) = shared.station.create("füße-☃")
    shared.accept({"agent_key": key, **FULL})
    history = ("history", "füße-☃", "--step", "raw", "--json")
    for command in (history, ("status", "--json"), ("monitor", "show", "füße-☃", "--json")):
        assert shared.station.run(*command).stdout.isascii()
    times = [row["at"] for row in shared.station.history("füße-☃")]
    shown = shared.station.monitor("füße-☃")
    times += [shown["since"], shown["last_report_at"], shared.station.status()["receiver"]["since"]]
    for at in times:
        assert len(at) == len("2026-01-31T23:59:59.999Z")
        assert milliseconds(at)


def test_a_receiver_without_host_hears_ipv4_and_ipv6_on_one_port(station: Station) -> None:
    (key,) = station.create("both")
    homes = ["127.0.0.1", "::1"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]
    with station.serving(host=None) as served:
        for home in homes:
            assert post(served.port, make_report(key), home) == (200, {"status": "ok"})
            assert station.ok("monitor", "show", "both", "--json").count(f'"address": "{home}"') == 1
