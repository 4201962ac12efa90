"""Which database a command finds where a service has one."""

import os
from pathlib import Path

import click
import pytest

from agentmon import options
from store.schema import prepare_database
from tests.agentmon.conftest import Run


@pytest.fixture
def held(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of a service of this machine."""
    path = tmp_path / "service" / "agentmon.db"
    monkeypatch.setattr(options, "SYSTEM_DATABASE", path)
    prepare_database(path)
    return path


def own(home: Path) -> Path:
    """Return where a user's own database is."""
    return home / ".local" / "share" / "agentmon" / "agentmon.db"


def test_whoever_has_none_of_their_own_is_shown_the_services(held: Path, run: Run, home: Path) -> None:
    assert run("monitor", "create", "web").code == 0
    assert not own(home).exists()
    assert "web" in run("--db", str(held), "monitor", "list").out
    assert str(held) in run("config", "show").out


def test_ones_own_goes_before_the_services(held: Path, run: Run, home: Path) -> None:
    prepare_database(own(home))
    run("monitor", "create", "web")
    assert run("--db", str(held), "monitor", "list").out == ""
    assert "web" in run("monitor", "list").out


def test_what_is_named_goes_before_both(
    held: Path, run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTMON_DB", str(tmp_path / "named.db"))
    run("monitor", "create", "web")
    assert (tmp_path / "named.db").exists()


def test_serve_never_takes_the_services_by_itself(held: Path, home: Path) -> None:
    with click.Context(click.Command("serve")):
        assert options.found_database(to_serve=True) == own(home)
        assert options.found_database() == held


def test_whoever_may_not_read_it_is_told_how(held: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != held.parent)
    for command in (("monitor", "list"), ("events",), ("--db", str(held), "history", "web")):
        done = run(*command)
        assert (done.code, done.out) == (1, "")
        assert done.err == f"agentmon: {held} belongs to the service (user agentmon): run this with sudo\n"
    assert run("status").code == 3
    assert str(held) in run("config", "show").out


def test_a_service_that_was_not_started_yet_has_no_database(held: Path, run: Run) -> None:
    held.unlink()
    done = run("status")
    assert (done.code, done.err) == (3, f"agentmon: there is no database at {held} (agentmon serve creates it)\n")
