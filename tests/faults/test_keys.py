"""Keys stay where they belong: guessing is slow and disturbs nobody, and nothing that leaves the process holds one."""

import http.client
import json
import logging
import pickle
import re
import resource
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agentmon.logs import LineFormatter
from server.limits import UNKNOWN_KEY_BURST, UNKNOWN_KEY_RATE, RateLimit
from server.receiver import REMEMBERED_ADDRESSES
from server.rejected import RejectionLog
from store.keys import new_key
from store.rejections import MAX_REJECTIONS, Refusal, fingerprint
from store.schema import migrations, prepare_database
from store.writer import Writer
from tests.conftest import Create
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, wait_for
from tests.e2e.load import reporting
from tests.e2e.terminal import console, opened
from tests.e2e.test_rejected_reports import rejections
from tests.server.conftest import Running, Start, report_body
from tests.server.conftest import start as start

GUESSERS = 3
GUESSES = 400
PROXIES = {"trusted_proxies": ("127.0.0.1", "10.0.0.0/8")}


@dataclass
class Guesser:
    """Tries keys over and over, and counts what it is answered; a refusal that tells no time to wait is `rash`."""

    answers: Counter[int] = field(default_factory=Counter)
    rash: int = 0

    def run(self, port: int) -> None:
        """Try one after another."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        for _ in range(GUESSES):
            connection.request("POST", "/agent/report", json.dumps(make_report(new_key())))
            response = connection.getresponse()
            response.read()
            self.answers[response.status] += 1
            self.rash += response.status == 429 and not response.headers["Retry-After"]
        connection.close()


@contextmanager
def guessing(port: int) -> Iterator[list[Guesser]]:
    """Let several guess at once, and wait until they are done."""
    guessers = [Guesser() for _ in range(GUESSERS)]
    threads = [threading.Thread(target=guesser.run, args=(port,)) for guesser in guessers]
    for thread in threads:
        thread.start()
    try:
        yield guessers
    finally:
        for thread in threads:
            thread.join()


def test_guessing_is_slow_and_leaves_the_agents_behind_the_same_address_alone(station: Station) -> None:
    keys = station.create("web-1", "web-2")
    with station.serving() as served:
        began = time.monotonic()
        with reporting(served.port, keys, every_s=0.2, senders=2) as latencies:
            with guessing(served.port) as guessers:
                pass
            took_s = time.monotonic() - began
        answers = sum((guesser.answers for guesser in guessers), Counter[int]())
        assert set(answers) == {404, 429}
        assert answers[404] <= UNKNOWN_KEY_BURST + UNKNOWN_KEY_RATE * took_s + 1
        assert answers.total() == GUESSERS * GUESSES
        assert sum(guesser.rash for guesser in guessers) == 0
        assert latencies.refused == []
        assert len(latencies.taken_s) > 1
        assert len(served.said()) < 20_000
        assert "amk_" not in served.said()


async def test_a_header_of_somebody_who_is_no_proxy_changes_nothing(start: Start) -> None:
    running = await start(clock=lambda: 0.0)
    assert await flood(running, lambda n: f"198.51.100.{n}") == [404] * UNKNOWN_KEY_BURST + [429]
    await running.report(X_Forwarded_For="198.51.100.7")
    assert running.store.reports[-1][2] == "127.0.0.1"
    assert {line.address for line in running.rejected.lines} == {"127.0.0.1"}


async def test_behind_a_proxy_a_guesser_is_limited_alone_whatever_it_invents(start: Start) -> None:
    running = await start(clock=lambda: 0.0, **PROXIES)
    assert await flood(running, lambda n: f"198.51.100.{n}, 203.0.113.5, 10.1.1.{n}") == [404] * UNKNOWN_KEY_BURST + [
        429
    ]
    unknown = report_body(agent_key="other")
    assert (await running.report(unknown, X_Forwarded_For="203.0.113.6")).status == 404
    assert (await running.report(X_Forwarded_For="203.0.113.5")).status == 200
    assert running.store.reports[-1][2] == "203.0.113.5"
    assert {line.address for line in running.rejected.lines} == {"203.0.113.5", "203.0.113.6"}


async def flood(running: Running, forwarded_for: Callable[[int], str]) -> list[int]:
    """Try one key more than an address may, each with another header, and return the answers' statuses."""
    client = await running.connect()
    return [
        (
            await client.ask("POST", "/agent/report", report_body(agent_key=f"g{n}"), X_Forwarded_For=forwarded_for(n))
        ).status
        for n in range(UNKNOWN_KEY_BURST + 1)
    ]


async def test_a_proxy_may_have_as_many_connections_as_all_its_agents(start: Start) -> None:
    for options, last in ((PROXIES, 200), ({}, 503)):
        running = await start(max_per_address=2, **options)
        for _ in range(2):  # in the midst of a request: idle ones would make room
            busy = await running.connect()
            assert (await busy.ask("GET", "/healthz")).status == 200
            await busy.send(b"POST /agent/report HTTP/1.1\r\n")
        client = await running.connect()
        assert (await client.ask("GET", "/healthz")).status == last


def test_the_proxies_of_command_line_and_file_are_believed(station: Station) -> None:
    (station.folder / "config.toml").write_text('[serve]\ntrusted_proxy = ["127.0.0.1"]\n')
    config = ("--config", str(station.folder / "config.toml"))
    key = new_key()
    for options in (("--trusted-proxy", "127.0.0.0/8"), config):
        with station.serving(*options) as served:
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_S)
            body = json.dumps(make_report(key))
            connection.request("POST", "/agent/report", body, {"X-Forwarded-For": "192.0.2.1, 203.0.113.9"})
            assert connection.getresponse().status == 404
            connection.close()
        (line,) = rejections(station.database)
        assert (line.address, line.reason) == ("203.0.113.9", Refusal.UNKNOWN_KEY)


def test_guesses_from_100_000_addresses_take_little_memory() -> None:
    limit = RateLimit(UNKNOWN_KEY_RATE, UNKNOWN_KEY_BURST, REMEMBERED_ADDRESSES, time.monotonic)
    log = RejectionLog(time.time_ns)
    for number in range(100_000):
        limit.wait_s(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    for number in range(10_000):
        address = f"10.1.{number >> 8}.{number & 255}" if number % 10 else f"2001:db8:0:{number:x}::1"
        log.note(address, fingerprint(str(number)), 404, Refusal.UNKNOWN_KEY)
    assert len(limit) == REMEMBERED_ADDRESSES
    assert len(log.lines) <= MAX_REJECTIONS
    assert len(pickle.dumps((limit, log))) < 250_000  # all that both hold on to, whatever it is


class Watched(str):
    """A key that notes with which stored keys it is compared."""

    compared: list[object]

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        self.compared.append(other)
        return str.__eq__(self, other)


async def test_a_wrong_key_is_compared_with_no_right_one_however_much_of_it_is_right(
    writer: Writer, create: Create
) -> None:
    (key,) = await create("web")
    assert writer.find(key) == 1
    for length in range(len(key)):
        guess = Watched(key[:length] + new_key()[length:])
        guess.compared = []
        assert writer.find(guess) is None
        assert guess.compared == []  # found, or not, by a hash that each process seeds anew


def test_no_error_s_own_words_bring_a_key_into_the_log() -> None:
    key = new_key()
    try:
        raise KeyError(key)
    except KeyError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("agentmon.x", logging.ERROR, "x.py", 1, "failed on %s", (key,), exc_info)
    line = LineFormatter().format(record)
    assert key not in line
    assert "failed on amk_****" in line
    assert "KeyError" in line


def core_limit(served: Served) -> str:
    """Return how large a core file of a process may be."""
    limits = Path(f"/proc/{served.process.pid}/limits").read_text()
    found = re.search(r"Max core file size +(\w+)", limits)
    assert found is not None
    return found[1]


@pytest.mark.skipif(sys.platform != "linux", reason="limits are read from /proc")
def test_a_crash_leaves_no_core_file_with_keys_in_it(station: Station) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("no process here may leave a core file")
    wrapper = ("sh", "-c", 'ulimit -S -c "$(ulimit -H -c)" && exec "$@"', "sh")
    with station.serving(wrapper=wrapper) as served:
        assert core_limit(served) == "0"


def modes(folder: Path) -> dict[str, int]:
    """Return the permission bits of all that lies below a folder."""
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in sorted(folder.rglob("*"))}


def run_loosely(station: Station, *args: str) -> str:
    """Run a command that must succeed, under umask 000."""
    command = station.command(*args)
    done = subprocess.run(
        command, capture_output=True, text=True, env=station.environ, umask=0, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


MADE = ["agentmon.db", "-wal", "-shm", ".lock", ".sock", ".log", ".backup", "backup.db", "config.toml", "console.json"]
"""Ends of the names of all that agentmon makes."""


def test_every_file_of_a_whole_life_is_private_under_umask_000(station: Station) -> None:
    prepare_database(station.database, migrations()[:1])
    with opened(80, 24) as terminal, console(station, terminal, umask=0) as served:
        run_loosely(station, "monitor", "create", "web")
        served.accept(make_report(run_loosely(station, "monitor", "key", "web").strip()))
        run_loosely(station, "backup", str(station.folder / "backup.db"))
        run_loosely(station, "config", "init")
        wait_for("the report in the console", lambda: b"web" in terminal.written)
        found = modes(station.folder)
        terminal.type("rq")
        wait_for("the end of the console", lambda: served.process.poll() is not None)
    found |= modes(station.folder)
    for name in MADE:
        assert any(path.endswith(name) for path in found), name
    assert {path: mode for path, mode in found.items() if mode & 0o077} == {}
