"""`kill -9` under load: every report that was answered 200 is there after the restart, once, and nothing is damaged."""

import http.client
import sqlite3
import threading
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count

import pytest

from store.location import uri
from tests.e2e.harness import Served, Station, make_report, send, wait_for

SENDERS = 6
ENOUGH = 300
"""Answers before the blow: some dozens of commits, and a write-ahead log that is not empty."""


@dataclass
class Sender:
    """Reports with a number that no other report carries, over and over, and remembers which were answered 200."""

    key: str
    numbers: "count[int]"
    taken: list[int] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)

    def run(self, port: int) -> None:
        """Send until the receiver is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with suppress(OSError, http.client.HTTPException):
            for number in self.numbers:
                status, _ = send(connection, make_report(self.key, network_rx_bytes=number))
                (self.taken if status == 200 else self.odd).append(number)
        connection.close()


def kill_under_load(served: Served, senders: list[Sender]) -> None:
    """Let all send at once, and kill the receiver in the middle of it."""
    before = sum(len(sender.taken) for sender in senders)
    threads = [threading.Thread(target=sender.run, args=(served.port,)) for sender in senders]
    for thread in threads:
        thread.start()
    wait_for("a receiver under load", lambda: sum(len(sender.taken) for sender in senders) - before >= ENOUGH)
    assert all(thread.is_alive() for thread in threads)
    served.kill()
    for thread in threads:
        thread.join()


def is_whole(station: Station) -> None:
    """See that the database of a running receiver is not damaged."""
    with closing(sqlite3.connect(uri(station.database, "ro"), uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_every_acknowledged_report_survives(station: Station, rounds: int) -> None:
    names = [f"web-{number}" for number in range(SENDERS)]
    numbers = count(1)
    senders = [Sender(key, numbers) for key in station.create(*names)]
    for _ in range(rounds):
        with station.serving("--max-report-rate", "0") as served:
            is_whole(station)
            kill_under_load(served, senders)
    with station.serving() as served:
        is_whole(station)
        for name, sender in zip(names, senders, strict=True):
            stored = Counter(row["network_rx_bytes"] for row in station.history(name))
            assert [number for number in sender.taken if stored[number] != 1] == []
            assert len(sender.taken) > rounds
            assert sender.odd == []
        served.accept(make_report(senders[0].key))
