"""What a service manager hears of the receiver."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.premises import take_premises
from server.ready import Supervisor, fleet_in_words, take_supervisor
from server.runtime import Runtime
from store import runs
from store.models import Status
from tests.server.test_runtime import PATIENCE_S, QUICK

PULSE_S = 0.02


def manager(address: str) -> socket.socket:
    """Return the datagram socket of a service manager."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address)
    sock.settimeout(PATIENCE_S)
    return sock


def heard(sock: socket.socket) -> dict[str, str]:
    """Return the assignments of the next message."""
    lines = sock.recv(4096).decode().splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_words_arrive_at_a_path(tmp_path: Path) -> None:
    with manager(str(tmp_path / "notify")) as sock:
        Supervisor(str(tmp_path / "notify")).tell(READY="1", STATUS="all fine: a=b")
        assert heard(sock) == {"READY": "1", "STATUS": "all fine: a=b"}


def test_words_arrive_at_an_abstract_address() -> None:
    name = f"agentmon-test-{os.getpid()}"
    with manager(f"\0{name}") as sock:
        Supervisor(f"@{name}").tell(WATCHDOG="1")
        assert heard(sock) == {"WATCHDOG": "1"}


def test_who_cannot_be_reached_is_no_reason_to_fail(tmp_path: Path) -> None:
    Supervisor().tell(READY="1")
    Supervisor(str(tmp_path / "nobody")).tell(READY="1")
    Supervisor("/" + "far" * 100).tell(READY="1")


def test_what_the_environment_names_is_taken_out_of_it() -> None:
    environ = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7", "PATH": "/bin"}
    assert take_supervisor(environ, 7) == Supervisor("/run/x", 60.0)
    assert environ == {"PATH": "/bin"}
    assert take_supervisor(environ, 7) == Supervisor()


@pytest.mark.parametrize(
    ("words", "supervisor"),
    [
        ({"NOTIFY_SOCKET": "@x"}, Supervisor("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "500000"}, Supervisor("@x", 0.5)),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"}, Supervisor("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"}, Supervisor("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "-1"}, Supervisor("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "²"}, Supervisor("@x")),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, Supervisor()),
        ({"NOTIFY_SOCKET": ""}, Supervisor()),
        ({"WATCHDOG_USEC": "500000"}, Supervisor()),
    ],
)
def test_a_watchdog_for_another_process_or_of_no_time_is_none(words: dict[str, str], supervisor: Supervisor) -> None:
    assert take_supervisor(dict(words), 7) == supervisor


def test_signs_of_life_come_several_times_within_the_watchdogs_patience() -> None:
    assert Supervisor("@x", 60.0).pulse_s(10.0) == 10.0
    assert Supervisor("@x", 6.0).pulse_s(10.0) == 2.0
    assert Supervisor("@x").pulse_s(10.0) == 10.0


def test_the_fleet_is_told_in_a_few_words() -> None:
    assert fleet_in_words([Status.DOWN, Status.UP, Status.PAUSED, Status.UP]) == "2 up, 1 down, 1 paused"
    assert fleet_in_words([]) == "no monitors"
    assert fleet_in_words(list(Status)).count(",") == len(Status) - 1


@asynccontextmanager
async def supervised(database: Path, supervisor: Supervisor) -> AsyncIterator[None]:
    """Run a receiver on this loop."""
    premises = take_premises(database, "127.0.0.1", 0)
    runtime = Runtime(premises, replace(QUICK, supervisor=supervisor))
    running = asyncio.create_task(runtime.run(lambda: None))
    try:
        yield
    finally:
        runtime.stop()
        await asyncio.wait_for(running, PATIENCE_S)
        premises.release()


async def test_a_receiver_is_ready_lives_and_stops(database: Path, tmp_path: Path) -> None:
    with manager(str(tmp_path / "notify")) as sock:
        async with supervised(database, Supervisor(str(tmp_path / "notify"), PULSE_S * 3)):
            first = await asyncio.to_thread(heard, sock)
            assert (first["READY"], "no monitors" in first["STATUS"]) == ("1", True)
            for _ in range(3):
                assert (await asyncio.to_thread(heard, sock))["WATCHDOG"] == "1"
        while (last := heard(sock)).get("WATCHDOG"):
            pass
        assert last["STOPPING"] == "1"


async def test_a_store_that_hangs_ends_the_signs_of_life(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, goes_on = asyncio.Event(), asyncio.Event()

    async def beat(*_: Any, **__: Any) -> None:
        hangs.set()
        await goes_on.wait()

    with manager(str(tmp_path / "notify")) as sock:
        async with supervised(database, Supervisor(str(tmp_path / "notify"), PULSE_S * 3)):
            while not (await asyncio.to_thread(heard, sock)).get("WATCHDOG"):
                pass
            monkeypatch.setattr(runs, "beat", beat)
            try:
                await asyncio.wait_for(hangs.wait(), PATIENCE_S)
                sock.setblocking(False)
                while drained(sock):
                    pass
                await asyncio.sleep(PULSE_S * 10)  # the pulses that do not come
                assert not drained(sock)
            finally:
                goes_on.set()


def drained(sock: socket.socket) -> bool:
    """Take a message that is there; returns whether one was."""
    try:
        return bool(sock.recv(4096))
    except BlockingIOError:
        return False


async def test_a_store_that_refuses_has_answered(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with manager(str(tmp_path / "notify")) as sock:
        async with supervised(database, Supervisor(str(tmp_path / "notify"), PULSE_S * 3)):
            await asyncio.to_thread(heard, sock)
            moved = await asyncio.to_thread(database.rename, database.with_name("moved"))
            while "moved, replaced or deleted" not in (said := await asyncio.to_thread(heard, sock))["STATUS"]:
                pass
            assert said["WATCHDOG"] == "1"
            await asyncio.to_thread(moved.rename, database)
