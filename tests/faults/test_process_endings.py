"""`agentmon serve` is asked to end at the worst moments: it ends well, in time, and nothing is half done."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from store.schema import inspect_database, migrations, prepare_database
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, put_down, wait_for
from tests.e2e.tracing import traceable

SLOW_SENDER_S = 2.0
"""Well within the 5 s that what is in flight may take."""

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def catches(pid: int, number: signal.Signals) -> bool:
    """Return whether a process has a handler for a signal."""
    (mask,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def start(station: Station, *options: str, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """Start a headless receiver and do not wait until it serves."""
    command = [*wrapper, *station.command("serve", "--host", "127.0.0.1", "--port", "0", *options)]
    return subprocess.Popen(command, env=station.environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end(process: subprocess.Popen[bytes]) -> str:
    """Wait for a receiver that was asked to end; it must have ended well. Returns what it said."""
    said = process.communicate(timeout=10)[1].decode()
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_whoever_holds_the_database_acts_on_signals(station: Station) -> None:
    with put_down(process := start(station)):
        lock = station.database.with_name("agentmon.db.lock")
        wait_for("the lock", lock.exists)
        assert [number for number in ENDING if not catches(process.pid, number)] == []
        process.terminate()
        end(process)


@pytest.mark.parametrize("after_s", [0.0, *(pytest.param(0.1 * n, marks=pytest.mark.slow) for n in range(1, 15))])
def test_a_signal_while_it_starts_ends_it_well(station: Station, after_s: float) -> None:
    station.create("web")
    processes = [start(Station.at(station.folder, station.folder / f"{number}" / "a.db")) for number in ENDING]
    try:
        for process, number in zip(processes, ENDING, strict=True):
            wait_for("its handlers", partial(catches, process.pid, ENDING[-1]))
            with suppress(subprocess.TimeoutExpired):
                process.wait(after_s)
            process.send_signal(number)
        for process in processes:
            end(process)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def older_database(path: Path) -> None:
    """Make a database of the first schema."""
    path.parent.mkdir(mode=0o700)
    prepare_database(path, migrations()[:1])


def slow_syncs(delay_s: float) -> tuple[str, ...]:
    """Return what a command is run by so that each of its syncs takes that long."""
    calls = "fsync,fdatasync"
    delay = f"inject={calls}:delay_enter={round(delay_s * 1e6)}"
    return (traceable(), "-D", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", delay)


def test_a_signal_while_the_database_is_migrated_leaves_it_whole(station: Station) -> None:
    older_database(station.database)
    with put_down(process := start(station, wrapper=slow_syncs(0.5))):
        wait_for("the backup before the migration", station.database.with_name("agentmon.db.schema-1.backup").exists)
        process.terminate()
        end(process)
    with closing(sqlite3.connect(station.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert 1 <= inspect_database(station.database) <= migrations()[-1].version
    with station.serving():
        assert inspect_database(station.database) == migrations()[-1].version


def connected(served: Served, *pieces: bytes) -> socket.socket:
    """Open a connection and send something."""
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S)
    for piece in pieces:
        connection.sendall(piece)
    return connection


def is_taken(served: Served, request: bytes) -> bool:
    """Return whether new connections are."""
    with suppress(OSError), connected(served, request) as connection:
        return bool(connection.recv(1))
    return False


def test_asked_to_end_it_finishes_what_is_in_flight_and_waits_for_nobody_else(station: Station) -> None:
    (key,) = station.create("web")
    body = json.dumps(make_report(key)).encode()
    head = f"POST /agent/report HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with station.serving() as served:
        with (
            connected(served) as _idle,
            connected(served, head[:30]) as _half_headers,
            connected(served, head, body[:-5]) as _never_finished,
            connected(served, head, body[:-1]) as in_flight,
        ):
            served.accept(make_report(key))  # by then it has heard all of them
            served.process.terminate()
            asked = time.monotonic()
            wait_for("it to accept no more", lambda: not is_taken(served, b"GET /healthz HTTP/1.0\r\n\r\n"))
            wait_for("a slow sender", lambda: time.monotonic() > asked + SLOW_SENDER_S)
            in_flight.sendall(body[-1:])
            assert in_flight.recv(100).startswith(b"HTTP/1.1 200 ")
            assert served.process.wait(10) == 0, served.said()
        assert "Traceback" not in served.said()
    assert len(station.history("web")) == 2


def test_a_backup_in_the_making_outlives_the_receiver_and_a_killed_one_leaves_none(station: Station) -> None:
    station.create("web")
    copy, killed = station.folder / "copy.db", station.folder / "killed.db"
    with station.serving() as served:
        makers = [
            subprocess.Popen([*slow_syncs(1.0), *station.command("backup", str(path))], env=station.environ)
            for path in (copy, killed)
        ]
        with put_down(makers[0]), put_down(makers[1]):
            for path in (copy, killed):
                wait_for("a copy in the making", path.with_name(f"{path.name}.partial").exists)
            makers[1].kill()
            served.stop()
            assert makers[0].wait(PATIENCE_S) == 0
    assert not killed.exists()
    station.ok("backup", str(killed))
    for path in (copy, killed):
        restored = Station.at(station.folder, path)
        assert "web" in restored.ok("monitor", "list")
        assert oct(path.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("command", [["monitor", "show", "web", "--json"], ["monitor", "list"], ["status"], ["--help"]])
def test_output_that_nobody_reads_ends_a_command_without_a_word(station: Station, command: list[str]) -> None:
    station.create("web")
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(station.command(*command), stdout=writer, stderr=subprocess.PIPE, env=station.environ)
    os.close(writer)
    assert process.communicate(timeout=PATIENCE_S)[1].decode() in ("", "agentmon: no receiver is running\n")
    assert process.returncode in (1, 3)


def test_events_that_nobody_follows_any_more_end(station: Station) -> None:
    station.create("web")
    with station.serving():
        command = station.command("events", "--follow")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=station.environ)
        with put_down(process):
            assert process.stdout is not None
            assert process.stderr is not None
            assert b"web" in process.stdout.readline()
            process.stdout.close()
            assert process.wait(PATIENCE_S) in (0, 1)
            assert process.stderr.read() == b""
            process.stderr.close()
