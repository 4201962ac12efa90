"""What `agentmon serve` will not start on: one line, exit 1, and nothing is touched."""

import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.harness import PATIENCE_S, Served, Station

HEADER = 100
"""Bytes of SQLite's file header."""


def refused(station: Station, *args: str) -> str:
    """Run a command that must fail with one line on stderr and return the line."""
    done = station.run(*args)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.startswith("agentmon: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_second_receiver_learns_who_has_the_database(shared: Served, rival: subprocess.Popen[bytes]) -> None:
    line = rival.communicate(timeout=PATIENCE_S)[1].decode()
    assert (rival.returncode, line.count("\n")) == (1, 1)
    assert f"process {shared.process.pid} (agentmon serve)" in line


def test_a_port_in_use_is_named(station: Station) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused(station, "serve", "--host", "127.0.0.1", "--port", str(port))
    assert str(port) in line
    assert "use" in line
    with station.serving():
        pass  # nothing is left that would be in the way


def foreign(path: Path) -> None:
    """Make the database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")


def foreign_with_an_id(path: Path) -> None:
    """Make an empty database that another program has put its mark on."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")


def text(path: Path) -> None:
    """Make a file that is no database at all."""
    path.write_text("Dear diary,\n" * 1000)


def cut_short(path: Path) -> None:
    """Make an agentmon database of which the end is missing."""
    Station.at(path.parent, path).create("web")
    os.truncate(path, 3 * 4096)


def scrambled(path: Path) -> None:
    """Make an agentmon database with a good header and garbage behind."""
    Station.at(path.parent, path).create("web")
    whole = path.read_bytes()
    path.write_bytes(whole[:HEADER] + bytes(byte ^ 0x5A for byte in whole[HEADER:]))


def scrambled_tables(path: Path) -> None:
    """Make an agentmon database with a good first page, which holds the schema, and garbage behind."""
    Station.at(path.parent, path).create("web")
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + bytes(byte ^ 0x5A for byte in whole[8192:]))


def newer(path: Path) -> None:
    """Make a database as an agentmon of the future would leave it."""
    Station.at(path.parent, path).create("web")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


REASONS: dict[Callable[[Path], None], str] = {
    foreign: "another program",
    foreign_with_an_id: "another program",
    text: "not an agentmon database",
    cut_short: "damaged",
    scrambled: "damaged",
    scrambled_tables: "malformed",
    newer: "upgrade agentmon",
}


@pytest.mark.parametrize("make", REASONS, ids=lambda make: make.__name__)
def test_a_file_that_is_not_ours_to_use_is_left_as_it_is(station: Station, make: Callable[[Path], None]) -> None:
    path = station.folder / "some.db"
    make(path)
    before = path.read_bytes()
    line = refused(Station.at(station.folder, path), "serve", "--port", "0")
    assert "some.db" in line
    assert REASONS[make] in line
    assert path.read_bytes() == before


def test_no_other_command_touches_a_newer_database_either(station: Station) -> None:
    path = station.folder / "some.db"
    newer(path)
    before = path.read_bytes()
    elsewhere = Station.at(station.folder, path)
    for command in ("monitor create other", "monitor list", "history web"):
        assert "upgrade agentmon" in refused(elsewhere, *command.split())
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", ["serve --port 65536", "serve --keep-serving", "history", "serve --tui", "frob"])
def test_wrong_usage_is_one_line_and_exit_2(station: Station, command: str) -> None:
    done = station.run(*command.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert not station.database.exists()
