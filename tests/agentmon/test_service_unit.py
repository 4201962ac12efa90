"""The unit file: what it runs, what it may not do, and what systemd itself says of it."""

import re
import subprocess
from pathlib import Path

import pytest

from agentmon import service_unit
from agentmon.service_unit import Service, database_of, out_of_reach, unit_text
from tests.agent.shells import need

SYSTEM = Service(("/opt/agentmon/bin/agentmon", "serve", "--db", "/var/lib/agentmon/agentmon.db"), system=True)
MOST_EXPOSED = 15
"""Tenths on the scale of `systemd-analyze security`: 10 is open to all, systemd calls up to 2 "OK"."""


def settings(service: Service) -> dict[str, str]:
    """Return the unit's assignments; of several with one name the last."""
    lines = (line for line in unit_text(service).splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_the_systems_service_is_another_users_with_a_private_folder() -> None:
    unit = settings(SYSTEM)
    assert (unit["User"], unit["StateDirectory"], unit["StateDirectoryMode"]) == ("agentmon", "agentmon", "0700")
    assert (unit["UMask"], unit["LimitCORE"]) == ("0077", "0")
    assert (unit["ProtectSystem"], unit["ProtectHome"], unit["CapabilityBoundingSet"]) == ("strict", "yes", "")
    assert unit["WantedBy"] == "multi-user.target"


def test_a_users_service_asks_for_nothing_that_needs_privilege() -> None:
    unit = settings(Service(("/x/agentmon",), system=False))
    privileged = {"User", "StateDirectory", "CapabilityBoundingSet", "ProtectHome", "PrivateTmp", "PrivateDevices"}
    assert privileged.isdisjoint(unit)
    assert (unit["NoNewPrivileges"], unit["Type"], unit["WantedBy"]) == ("yes", "notify", "default.target")


def test_stopping_may_take_longer_than_the_receiver_promises() -> None:
    assert int(settings(SYSTEM)["TimeoutStopSec"].removesuffix("s")) > 10


def test_only_a_low_port_brings_a_capability() -> None:
    unit = settings(Service(SYSTEM.command, system=True, low_port=True))
    assert unit["AmbientCapabilities"] == unit["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert unit["PrivateUsers"] == "no"
    assert settings(SYSTEM)["AmbientCapabilities"] == ""


def test_a_receiver_that_reports_its_own_machine_sees_the_homes_file_system() -> None:
    assert settings(Service(SYSTEM.command, system=True, sees_disks=True))["ProtectHome"] == "read-only"


def test_one_that_reports_its_own_machine_keeps_a_containers_proc_and_may_ask_zfs() -> None:
    hide_lxcfs = {"ProtectProc", "ProcSubset", "ProtectKernelTunables", "ProtectControlGroups"}
    assert set(settings(SYSTEM)) & hide_lxcfs == hide_lxcfs - {"ProcSubset"}
    reporting = settings(Service(SYSTEM.command, system=True, sees_disks=True))
    assert not set(reporting) & (hide_lxcfs | {"PrivateDevices"})
    assert (reporting["DevicePolicy"], reporting["DeviceAllow"]) == ("closed", "/dev/zfs rw")
    assert reporting["PrivateUsers"] == "no"


@pytest.mark.parametrize("name", ["plain.db", "two words.db", '100%n $HOME "quoted" \\n.db', "ünï.db", "it's"])
def test_whatever_a_path_holds_the_unit_gives_it_back(name: str) -> None:
    path = Path("/srv") / name
    text = unit_text(Service(("/x/agentmon", "serve", "--db", str(path), "--port", "1"), system=False))
    assert database_of(text) == path


def test_what_systemd_would_expand_is_doubled() -> None:
    text = unit_text(Service(("/x/agentmon", "--db", "%h/$HOME"), system=False))
    assert 'ExecStart=/x/agentmon --db "%%h/$$HOME"\n' in text


def test_a_unit_that_names_no_database_has_none() -> None:
    assert database_of("[Service]\nExecStart=/bin/true\n") is None
    assert database_of("[Service]\nExecStart=/bin/agentmon serve --db\n") is None
    assert database_of("") is None


def test_homes_and_closed_folders_are_out_of_the_services_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert out_of_reach([Path("/usr/bin"), Path("/usr")]) is None
    assert out_of_reach([Path("/usr/bin"), Path("/home/user/bin/agentmon")]) == Path("/home/user/bin/agentmon")
    link = tmp_path / "link"
    link.symlink_to("/home/user/agentmon")
    monkeypatch.setattr(service_unit, "HIDDEN", ("/home",))
    assert out_of_reach([link]) == link
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert out_of_reach([closed]) == closed


@pytest.mark.parametrize("service", [SYSTEM, Service(SYSTEM.command, system=False)], ids=["system", "user"])
def test_systemd_finds_nothing_wrong_with_it(service: Service, tmp_path: Path) -> None:
    unit = tmp_path / "agentmon.service"
    unit.write_text(unit_text(service).replace("/opt/agentmon/bin/agentmon", "/bin/true"))
    done = analyze("verify", "--man=no", str(unit))
    assert (done.returncode, [line for line in done.stderr.splitlines() if "agentmon" in line]) == (0, [])


def test_systemd_calls_it_hardly_exposed(tmp_path: Path) -> None:
    version = re.search(r"systemd (\d+)", analyze("--version").stdout)
    if version is None or int(version[1]) < 250:
        pytest.skip("systemd-analyze judges no files before 250")
    unit = tmp_path / "agentmon.service"
    unit.write_text(unit_text(SYSTEM).replace("/opt/agentmon/bin/agentmon", "/bin/true"))
    done = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(unit))
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    command = [need("systemd-analyze"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
