"""Disks that fill, fail or are locked: 503 while it lasts, reading goes on, and it is over without a restart."""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from store.schema import companions
from tests.e2e.harness import PATIENCE_S, Station, put_down
from tests.e2e.terminal import Pty, opened
from tests.e2e.tracing import traceable
from tests.faults.storage import Ward, failing, full, immutable, small_disk

SOON_S = 1.5
"""How soon those are told that the store is locked who come when that is known."""

UNLIMITED = ("--max-report-rate", "0")


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    """A receiver on a disk of its usual size, for one trouble after the other."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder, Station.at(Path(folder)).serving(*UNLIMITED) as served:
        yield Ward.of(served, "web")


def says(station: Station, terminal: Pty, words: str) -> None:
    """See that a console, opened now, shows the fleet and says what is wrong."""
    process = terminal.start(station, station.command("tui"))
    with put_down(process):
        terminal.expect("web")
        terminal.expect(words)
        terminal.type("q")
        assert process.wait(PATIENCE_S) == 0


def test_a_full_disk_is_said_and_over_when_there_is_room_again(station: Station) -> None:
    disk = station.folder / "disk"
    disk.mkdir()
    with small_disk(disk, 6), opened(120, 30) as terminal:
        full_station = Station.at(station.folder, disk / "agentmon.db")
        with full_station.serving(*UNLIMITED) as served:
            ward = Ward.of(served, "web")
            ward.send(50)
            with full(disk):
                while ward.send(10) == 200:
                    assert len(ward.taken) < 3000, "the disk is never full"
                ward.is_troubled("full")
                assert full_station.run("status", "--line").stdout.startswith("nothing is stored (1 up")
                says(full_station, terminal, "full")
                ward.stays_small()
            ward.recovers()


def test_files_made_immutable_under_the_receiver_are_said_and_over_when_they_are_not(ward: Ward) -> None:
    database = ward.served.station.database
    with immutable(database, *companions(database)):
        ward.is_troubled("read-only")
    ward.recovers()


def test_a_log_made_immutable_alone_is_said_and_over_when_it_is_not(ward: Ward) -> None:
    with immutable(companions(ward.served.station.database)[0]):
        ward.is_troubled("disk I/O error")
    ward.recovers()


@pytest.mark.parametrize(
    "fault",
    ["fdatasync:error=EIO", "pwrite64:error=ENOSPC", pytest.param("pwrite64:error=EIO", marks=pytest.mark.slow)],
)
def test_a_disk_that_fails_is_said_and_over_when_it_works_again(ward: Ward, tmp_path: Path, fault: str) -> None:
    with failing(traceable(), ward.served.process.pid, fault, tmp_path / "trace"):
        ward.is_troubled("disk I/O error" if "EIO" in fault else "full")
    ward.recovers()


def test_a_disk_that_fails_now_and_then_loses_nothing_that_was_answered(ward: Ward, tmp_path: Path) -> None:
    taken, refused = len(ward.taken), ward.refused
    with failing(traceable(), ward.served.process.pid, "fdatasync:error=EIO:when=2+3", tmp_path / "trace"):
        for _ in range(40):
            ward.send()
    assert len(ward.taken) > taken
    assert ward.refused >= refused
    ward.recovers()


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


@pytest.mark.parametrize("held_s", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_a_foreign_process_that_holds_the_lock_is_said_and_over_when_it_lets_go(ward: Ward, held_s: int) -> None:
    with closing(sqlite3.connect(ward.served.station.database, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        until = time.monotonic() + held_s
        ward.is_troubled("locked")
        assert min(seconds(ward.send) for _ in range(3)) < SOON_S
        while time.monotonic() < until:
            assert ward.send() == 503
        foreign.execute("ROLLBACK")
    ward.recovers()


def test_a_receiver_that_cannot_write_ends_in_good_order_all_the_same(station: Station) -> None:
    with station.serving(*UNLIMITED) as served:
        ward = Ward.of(served, "web")
        ward.send(20)
        with closing(sqlite3.connect(station.database, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            assert ward.send() == 503
            served.stop()
            assert "Traceback" not in served.said()
        ward.has_all_taken()


def test_a_receiver_whose_files_were_made_read_only_ends_in_good_order_too(station: Station) -> None:
    with station.serving() as served:
        ward = Ward.of(served, "web")
        ward.send(20)
        with immutable(station.database, *companions(station.database)):
            assert ward.send() == 503
            served.stop()
        ward.has_all_taken()
