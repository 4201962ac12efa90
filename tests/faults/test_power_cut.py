"""The power fails under load, at any moment: the database opens, is whole, and holds every report answered 200.

A real receiver is traced while it takes reports, from the making of its database on. Cuts are then replayed from the
trace, and each disk that they may leave is opened as `agentmon serve` would.
"""

import http.client
import random
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import pytest

from store.errors import AgentmonError
from store.schema import prepare_database
from tests.e2e.harness import Station, make_report, send
from tests.e2e.tracing import traceable
from tests.faults import power

SENDERS, REPORTS_EACH = 4, 150
"""Some 2,500 frames: the write-ahead log is written into the database and begun anew twice."""

NUMBER = re.compile(rb'"network_rx_bytes": (\d+)')
MAKING = 120
"""About so many events make the database."""

DATABASE = PurePath("data/agentmon.db")


@dataclass(frozen=True)
class Course:
    """What a receiver did below `root`, from its first file to its end."""

    root: Path
    events: list[power.Event]

    @property
    def answers(self) -> int:
        """How many reports were answered 200."""
        return sum(isinstance(event, power.Answered) for event in self.events)


def send_reports(port: int, key: str, first: int) -> None:
    """Send reports with numbers from `first` on, each of which must be taken."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        for number in range(first, first + REPORTS_EACH):
            disks = [{"mount": f"/srv/{number % 7}", "usage": number % 100}]
            report = make_report(key, network_rx_bytes=number, disk_usage=disks)
            assert send(connection, report)[0] == 200


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A receiver's whole life under load, traced."""
    folder = tmp_path_factory.mktemp("power")
    station, trace = Station.at(folder), folder / "trace"
    wrapper = (traceable(), "-D", *power.TRACER, "-o", str(trace))
    with station.serving("--max-report-rate", "0", wrapper=wrapper) as served:
        keys = station.create(*(f"web-{sender}" for sender in range(SENDERS)))
        threads = [
            threading.Thread(target=send_reports, args=(served.port, key, 10_000 * place))
            for place, key in enumerate(keys, 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with trace.open(encoding="ascii") as lines:
        return Course(folder, power.read_trace(lines, NUMBER))


def broken(files: dict[PurePath, bytes], answered: set[int], folder: Path) -> str | None:
    """Return what is wrong with the disk that a power cut left, None if nothing is."""
    folder.mkdir()
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
    database = folder / DATABASE
    database.parent.mkdir(exist_ok=True)
    try:
        prepare_database(database)
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # it is looked at and thrown away
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            stored = {row[0] for row in connection.execute("SELECT network_rx_bytes FROM sample")}
    except (AgentmonError, sqlite3.Error) as error:
        return f"it does not open: {error}"
    if verdict != "ok":
        return f"it is damaged: {verdict}"
    return f"{len(answered - stored)} answered reports are lost" if answered - stored else None


def cuts(course: Course, chosen: Sequence[int], fates: Sequence[power.Fate], folder: Path) -> Iterator[str]:
    """Cut the power at the chosen events, let each fate come, and yield what is broken."""
    luck = random.Random(7)
    disk = power.Disk(str(course.root))
    moments = set(chosen)
    for at, event in enumerate(course.events):
        if at in moments:
            for fate in fates:
                files = power.after_the_cut(disk.top, fate, luck)
                if found := broken(files, disk.answered, folder / f"{at}-{fate.__name__}"):
                    yield f"event {at}, {fate.__name__}: {found}"
        disk.play(event)


def moments(course: Course, number: int) -> list[int]:
    """Return so many moments, the same each time: a third of them while the database is made."""
    luck, count, early = random.Random(number), len(course.events), min(number // 3, MAKING)
    return [*luck.sample(range(MAKING), early), *luck.sample(range(MAKING, count), number - early)]


@pytest.mark.parametrize("number", [24, pytest.param(600, marks=pytest.mark.slow)])
def test_every_answered_report_survives_a_power_cut_at_any_moment(course: Course, tmp_path: Path, number: int) -> None:
    assert course.answers == SENDERS * REPORTS_EACH
    assert list(cuts(course, moments(course, number), power.FATES, tmp_path)) == []


@pytest.mark.parametrize("name", ["agentmon.db-wal", "agentmon.db", "data"])
def test_a_power_cut_does_harm_where_a_sync_is_left_out(course: Course, tmp_path: Path, name: str) -> None:
    less = replace(course, events=power.without_syncs(course.events, lambda path: PurePath(path).name == name))
    # Right after a checkpoint nothing is at stake, so not every moment does harm; the first that does is enough.
    late = [len(less.events) * part // 32 - 1 for part in range(32, 8, -1)]
    assert next(iter(cuts(less, late, [power.nothing_more], tmp_path)), None) is not None
