"""`agentmon service` with a systemctl that only notes what it is asked."""

import getpass
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentmon import options, service, systemd
from tests.agentmon.conftest import Ran, Run

SHOWN = """\
UnitFileState=enabled
ActiveState={state}
SubState={state}
ActiveEnterTimestampMonotonic=1000000
StatusText=http://192.0.2.1:8420 3 up, 1 down
"""


@dataclass(frozen=True)
class Machine:
    """A machine that systemd runs: `root` holds its files and programs, which note their arguments in `asked`."""

    root: Path
    run: Run

    @property
    def unit(self) -> Path:
        """The system's unit file."""
        return self.root / "units" / "agentmon.service"

    def stub(self, name: str, body: str = "") -> None:
        """Put a program of a few lines of sh on the PATH."""
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.root}/asked\n{body}\n')
        path.chmod(0o755)

    def is_in(self, state: str) -> None:
        """Let systemctl say that the service is in a state; a failed one does not start."""
        shown = self.root / "shown"
        shown.write_text(SHOWN.format(state=state))
        failing = "*start*) echo 'Job for agentmon.service failed.' >&2; exit 1;;" if state == "failed" else ""
        self.stub("systemctl", f'case "$*" in *show*) cat {shown};;\n{failing}\nesac')

    def asked(self) -> list[str]:
        """Return what was asked since this was called last, but for what only looks."""
        path = self.root / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if " show " not in line]

    def installed(self, *options_: str) -> str:
        """Install the service, which must work, and return what was said."""
        done = self.run("service", "install", *options_)
        assert (done.code, done.err) == (0, "")
        return done.out


@pytest.fixture
def machine(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Root's machine, on which the service runs once it is started."""
    made = Machine(tmp_path / "machine", run)
    for name in ("bin", "booted", "linger"):
        (made.root / name).mkdir(parents=True)
    monkeypatch.setattr(systemd, "BOOTED", made.root / "booted")
    monkeypatch.setattr(systemd, "SYSTEM_UNITS", made.unit.parent)
    monkeypatch.setattr(systemd, "LINGERING", made.root / "linger")
    monkeypatch.setattr(service, "out_of_reach", lambda _: None)
    monkeypatch.setattr(service, "SYSTEM_USER", "root")  # a user that is there already
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{made.root}/bin:/usr/bin:/bin")
    for name in ("systemd-sysusers", "journalctl"):
        made.stub(name)
    made.is_in("active")
    return made


def test_install_writes_enables_and_starts_the_unit(machine: Machine) -> None:
    said = machine.installed()
    assert machine.asked() == [
        "systemctl daemon-reload",
        "systemctl enable agentmon.service",
        "systemctl restart agentmon.service",
    ]
    assert machine.unit.stat().st_mode & 0o777 == 0o644
    command = re.search(r"^ExecStart=(\S+) serve --db /var/lib/agentmon/agentmon\.db$", machine.unit.read_text(), re.M)
    assert command
    assert os.access(command[1], os.X_OK)
    assert Path(command[1]).is_absolute()
    assert "receiver  http://192.0.2.1:8420 3 up, 1 down\n" in said
    assert f"console   sudo {command[1]} tui\n" in said


def test_the_user_is_made_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SYSTEM_USER", "nobody-has-this-name")
    machine.installed()
    assert machine.asked()[0] == 'systemd-sysusers --inline u agentmon - "agentmon receiver" /var/lib/agentmon'


def test_installing_again_interrupts_nothing_unless_something_changed(machine: Machine) -> None:
    machine.installed()
    machine.asked()
    machine.installed()
    assert machine.asked()[-1] == "systemctl start agentmon.service"
    machine.installed("--", "--port", "9000")
    assert machine.asked()[-1] == "systemctl restart agentmon.service"
    assert machine.unit.read_text().count("--port 9000\n") == 1


def test_a_service_that_does_not_start_says_why_itself(machine: Machine) -> None:
    machine.is_in("failed")
    machine.stub("journalctl", "echo 'Started.'; echo 'agentmon: cannot listen on * port 8420'; echo 'Stopped.'")
    done = machine.run("service", "install")
    assert done == Ran(
        1, "", "agentmon: agentmon.service is installed, but does not start: cannot listen on * port 8420\n"
    )
    machine.stub("journalctl", "exit 1")
    assert "Job for agentmon.service failed. (journalctl --unit agentmon" in machine.run("service", "install").err


def test_print_shows_the_unit_and_touches_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "BOOTED", machine.root / "no-systemd")
    done = machine.run("service", "install", "--print", "--", "--host", "192.0.2.1")
    assert (done.code, done.err) == (0, "")
    assert "--host 192.0.2.1\n" in done.out
    assert not machine.unit.exists()
    assert machine.asked() == []


def test_where_systemd_does_not_run_install_says_so(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "BOOTED", machine.root / "no-systemd")
    done = machine.run("service", "install")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "systemd does not run this machine" in done.err
    assert not machine.unit.exists()


def test_an_installation_that_the_service_cannot_read_is_not_installed_but_shown(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "out_of_reach", lambda paths: paths[0])
    done = machine.run("service", "install")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "the service cannot read" in done.err
    assert "/opt/agentmon" in done.err
    assert not machine.unit.exists()
    shown = machine.run("service", "install", "--print")
    assert (shown.code, shown.err) == (0, done.err)
    assert "[Service]" in shown.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--", "--nonsense"), "--nonsense"),
        (("--", "--port", "70000"), "70000"),
        (("--", "--public-url", "monitor"), "--public-url"),
        (("--", "--tls-cert", "/etc/agentmon/cert.pem"), "--tls-cert needs --tls-key"),
        (("--", "--keep-raw", "50d"), "a wider tier"),
        (("--", "--tui"), "leave --tui out"),
        (("--", "--db", "/x.db"), "before the --"),
        (("--", "--host", "a\nb"), "control characters"),
    ],
)
def test_options_that_serve_would_refuse_are_wrong_usage_now(
    machine: Machine, words: tuple[str, ...], complaint: str
) -> None:
    done = machine.run("service", "install", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert complaint in done.err
    assert machine.asked() == []


def test_the_systems_database_has_its_place(machine: Machine) -> None:
    assert machine.run("--db", "/srv/other.db", "service", "install").code == 2


def test_a_configuration_is_handed_on_by_its_absolute_path(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text("[serve]\nport = 443\n")
    monkeypatch.chdir(tmp_path)
    machine.run("--config", "a.toml", "service", "install")
    unit = machine.unit.read_text()
    assert f"agentmon.db --config {tmp_path}/a.toml\n" in unit
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in unit  # the port is low


def test_roots_own_configuration_is_none_of_the_systems_service(machine: Machine, home: Path) -> None:
    (home / ".config" / "agentmon").mkdir(parents=True)
    (home / ".config" / "agentmon" / "config.toml").write_text("[serve]\nport = 443\n")
    machine.installed()
    assert "AmbientCapabilities=\n" in machine.unit.read_text()


def test_uninstall_removes_the_unit_and_says_where_the_data_stays(machine: Machine) -> None:
    machine.installed()
    machine.asked()
    done = machine.run("service", "uninstall")
    assert (done.code, done.err) == (0, "")
    assert "its data stays: /var/lib/agentmon/agentmon.db" in done.out
    assert machine.asked() == ["systemctl disable --now agentmon.service", "systemctl daemon-reload"]
    assert not machine.unit.exists()
    again = machine.run("service", "uninstall")
    assert (again.code, again.out, machine.asked()) == (0, "agentmon.service is not installed\n", [])


def test_status_says_how_it_is_and_by_its_exit_code_whether_it_runs(machine: Machine) -> None:
    assert machine.run("service", "status").code == 1
    machine.installed()
    runs = machine.run("service", "status")
    assert (runs.code, runs.err) == (0, "")
    assert re.match(
        r"agentmon.service, the system's: installed, enabled, active since \d{4}-\d\d-\d\dT\S+Z\n", runs.out
    )
    machine.is_in("failed")
    stopped = machine.run("service", "status")
    assert (stopped.code, stopped.err.count("\n")) == (1, 1)
    assert "failed (failed)" in stopped.out
    assert "192.0.2.1" not in stopped.out  # what it said last holds no more


def test_without_root_it_is_the_users_own_and_linger_is_said(
    machine: Machine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = machine.installed()
    unit = home / ".config" / "systemd" / "user" / "agentmon.service"
    database = home / ".local" / "share" / "agentmon" / "agentmon.db"
    assert f"serve --db {database}\n" in unit.read_text()
    assert "systemctl --user enable agentmon.service" in machine.asked()
    assert not machine.unit.exists()
    assert "loginctl enable-linger" in said
    (machine.root / "linger" / getpass.getuser()).touch()
    assert "linger" not in machine.installed()


def test_a_users_service_may_have_its_database_anywhere(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = machine.run("--db", "/srv/our own.db", "service", "install")
    assert "database  /srv/our own.db\n" in done.out
    assert "--db '/srv/our own.db' tui\n" in machine.run("service", "status").out


def test_whoever_is_not_root_sees_the_systems_service_but_leaves_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.installed()
    machine.asked()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "the system's: installed" in machine.run("service", "status").out
    assert "root's to remove: sudo " in machine.run("service", "uninstall").out
    assert machine.unit.exists()
    assert machine.asked() == []


def test_a_database_of_ones_own_that_goes_before_the_services_is_told(
    machine: Machine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = home / "system" / "agentmon.db"
    for module in (options, service):
        monkeypatch.setattr(module, "SYSTEM_DATABASE", held)
    held.parent.mkdir()
    assert "goes before" not in machine.installed()
    own = home / ".local" / "share" / "agentmon" / "agentmon.db"
    own.parent.mkdir(parents=True)
    own.touch()
    assert f"or move {own}" in machine.installed()
