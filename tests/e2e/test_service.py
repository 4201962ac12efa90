"""The receiver as a service: what its manager hears, and a database that root and its own user share."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.agent.shells import need
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report

SERVICE_USER = 54321
"""A number that is nobody's."""

READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup")
"""The tests' own environment may lie in a home that is closed to others; this right lets nobody write there."""


def test_a_real_receiver_is_ready_once_it_listens_and_says_when_it_stops(station: Station) -> None:
    address = str(station.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE_S)
        with station.serving(wrapper=("env", f"NOTIFY_SOCKET={address}", "WATCHDOG_USEC=60000")) as served:
            ready = manager.recv(4096).decode()
            assert ready.startswith(f"READY=1\nSTATUS=http://127.0.0.1:{served.port} ")
            (key,) = station.create("web")
            served.accept(make_report(key))
            while not (said := manager.recv(4096).decode()).endswith("1 up"):
                assert said.startswith("WATCHDOG=1\n")
        while (said := manager.recv(4096).decode()).startswith("WATCHDOG=1\n"):
            pass
        assert said.startswith("STOPPING=1\n")


@pytest.fixture
def shared_station(station: Station) -> Station:
    """A corner whose database lies in a folder of the service's user."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a service as another user")
    need("setpriv")
    station.database.parent.mkdir(mode=0o700)
    os.chown(station.database.parent, SERVICE_USER, SERVICE_USER)
    return station


@contextmanager
def service_of(station: Station) -> Iterator[Served]:
    """Run the receiver as the service's user, who owns nothing but the database's folder."""
    user = (f"--reuid={SERVICE_USER}", f"--regid={SERVICE_USER}", "--clear-groups", "--no-new-privs")
    with station.serving(wrapper=("setpriv", *user, *READS_ALL)) as served:
        yield served


def owners(station: Station) -> dict[str, tuple[int, int]]:
    """Return who owns what lies in the database's folder."""
    return {path.name: (path.stat().st_uid, path.stat().st_gid) for path in station.database.parent.iterdir()}


def are_the_services(station: Station) -> bool:
    return set(owners(station).values()) == {(SERVICE_USER, SERVICE_USER)}


def test_what_root_does_beside_a_service_of_another_user_locks_it_out_of_nothing(shared_station: Station) -> None:
    (key,) = shared_station.create("before")  # root makes database and lock
    assert are_the_services(shared_station), owners(shared_station)
    with service_of(shared_station) as served:
        served.accept(make_report(key))
        shared_station.create("meanwhile")  # asked for through the service's socket
        assert len(shared_station.history("before")) == 1
        assert are_the_services(shared_station), owners(shared_station)
        served.kill()  # the log of SQLite stays behind
    shared_station.create("between")  # root recovers it
    assert shared_station.run("status").returncode == 3
    assert are_the_services(shared_station), owners(shared_station)
    with service_of(shared_station) as served:
        served.accept(make_report(key))
        assert [each["name"] for each in shared_station.status()["monitors"]] == ["before", "between", "meanwhile"]
    assert are_the_services(shared_station), owners(shared_station)


def test_root_can_serve_it_for_once_and_leaves_it_to_the_service(shared_station: Station) -> None:
    with shared_station.serving():
        shared_station.create("web")
    assert are_the_services(shared_station), owners(shared_station)


def test_a_lock_that_is_a_link_elsewhere_is_not_followed(shared_station: Station, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o644)
    shared_station.database.with_name("agentmon.db.lock").symlink_to(victim)
    done = shared_station.run("monitor", "create", "web")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o644)
