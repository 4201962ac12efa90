"""Files of the database that go away, or are exchanged, under the running receiver: noticed in time, nothing lost."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from store.schema import companions
from tests.e2e.harness import Station, wait_for
from tests.e2e.terminal import console, opened
from tests.faults.storage import Ward, immutable
from tests.faults.test_kill import is_whole

NOTICED_S = 5.0
GONE = "moved, replaced or deleted"


@pytest.fixture
def ward(station: Station) -> Iterator[Ward]:
    """A receiver that has taken some reports, all of which still stand in the log alone."""
    with station.serving("--max-report-rate", "0") as served:
        made = Ward.of(served, "web")
        made.send(30)
        yield made


def notices(ward: Ward, act: Callable[[], object]) -> None:
    """Do something to the files, and see that the receiver notices by itself, before any report comes."""
    act()
    began = time.monotonic()
    wait_for("a receiver that has noticed", lambda: ward.health() == 503)
    assert time.monotonic() - began < NOTICED_S
    wait_for("a line in the log", lambda: GONE in ward.served.said())


def killed_and_served_again(ward: Ward) -> None:
    """See that a crash loses nothing that was answered, and leaves a database that is whole."""
    ward.served.kill()
    with ward.served.station.serving() as again:
        restarted = Ward(again, ward.key, ward.name, ward.taken)
        restarted.has_all_taken()
        assert restarted.send() == 200
        is_whole(again.station)


def test_a_renamed_database_holds_all_that_was_answered_and_goes_on_when_it_is_put_back(ward: Ward) -> None:
    database = ward.served.station.database
    elsewhere = database.with_name("elsewhere.db")
    notices(ward, lambda: database.rename(elsewhere))
    assert ward.send() == 503
    wait_for("an empty log", lambda: companions(database)[0].stat().st_size == 0)
    renamed = replace(ward.served, station=Station.at(ward.served.station.folder, elsewhere))
    replace(ward, served=renamed).has_all_taken()
    elsewhere.rename(database)
    ward.recovers()


def test_a_deleted_log_loses_nothing_that_was_answered(ward: Ward) -> None:
    notices(ward, companions(ward.served.station.database)[0].unlink)
    assert ward.send() == 503
    killed_and_served_again(ward)


def test_a_database_put_in_its_place_is_not_spoiled_by_the_old_log(ward: Ward) -> None:
    station, copy = ward.served.station, ward.served.station.folder / "copy.db"
    station.ok("backup", str(copy))
    in_copy = list(ward.taken)
    ward.send(300)
    notices(ward, lambda: copy.replace(station.database))
    wait_for("an empty log", lambda: companions(station.database)[0].stat().st_size == 0)
    ward.taken[:] = in_copy
    killed_and_served_again(ward)


def test_a_console_says_that_the_database_is_gone_and_goes_on_with_the_next_one(station: Station) -> None:
    with opened(120, 30) as terminal, console(station, terminal, "--max-report-rate", "0") as served:
        ward = Ward.of(served, "before")
        ward.send(3)
        copy = station.folder / "copy.db"
        station.ok("backup", str(copy))
        station.ok("monitor", "rename", "before", "after")
        terminal.expect("after")
        station.database.unlink()
        terminal.expect(GONE)
        status = station.run("status")
        assert (status.returncode, status.stderr.count("\n")) == (3, 1)
        assert "there is no database" in status.stderr
        since = len(terminal.written)
        shutil.copy(copy, station.database)
        terminal.expect("before", since)


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(station: Station) -> None:
    folder = station.folder / "fixed"
    folder.mkdir()
    with immutable(folder):
        if os.access(folder, os.W_OK):
            pytest.skip("this disk knows no immutable folders")
        done = Station.at(station.folder, folder / "agentmon.db").run("serve", "--port", "0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("agentmon: cannot create ")
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_header_that_is_overwritten_under_the_receiver_is_mended_from_the_log(ward: Ward) -> None:
    with ward.served.station.database.open("r+b") as file:
        file.write(os.urandom(100))
    assert ward.send(20) == 200
    assert ward.refused == 0
    killed_and_served_again(ward)
