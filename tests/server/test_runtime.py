"""The whole receiver on its thread: ready, asked, judging, drained."""

import asyncio
import json
import math
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentmon.admin import ConsoleAdmin
from server.client import call
from server.control import Control
from server.fleet_judge import FleetJudge
from server.premises import take_premises
from server.reach import Reach
from server.receiver import ReceiverOptions
from server.runtime import Runtime, RuntimeOptions
from server.thread import ReceiverThread
from store.errors import AgentmonError, ChangeRefusedError, ReceiverUnreachableError
from store.models import ReceiverInfo
from store.tags import Edit
from store.writer import Writer, wall_clock_ms

PATIENCE_S = 10.0
QUICK = RuntimeOptions(
    receiver=ReceiverOptions(body_deadline_s=1.0, header_deadline_s=1.0),
    judge_every_s=0.02,
    heartbeat_every_s=0.05,
    grace_s=1.0,
)
REPORT = {"cpu_usage": 1.0, "memory_usage": 2.0, "memory_total_mb": 3, "disk_usage": []}


class Served:
    """A receiver on loopback and what one can ask of it."""

    def __init__(self, database: Path) -> None:
        """Start it and wait until it takes reports."""
        self.database = database
        self.premises = take_premises(database, "127.0.0.1", 0)
        self.url = self.premises.url
        self.thread = ReceiverThread(self.premises, lambda: QUICK)
        self.thread.start()
        assert self.thread.ready.wait(PATIENCE_S)

    def call(self, operation: str, **arguments: Any) -> Any:
        """Ask through the admin API."""
        return call(self.database, operation, **arguments)

    def report(self, key: str) -> int:
        """Send a report and return the answer's status, 0 if there was none."""
        body = json.dumps({"agent_key": key, **REPORT}).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/agent/report", body, timeout=PATIENCE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def health(self) -> int:
        """Return the status of /healthz."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=PATIENCE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def status(self, name: str) -> str:
        """Return a monitor's stored status."""
        connection = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        try:
            query = "SELECT status FROM latest JOIN monitor ON monitor.id = monitor_id WHERE name = ?"
            return str(connection.execute(query, (name,)).fetchone()[0])
        finally:
            connection.close()

    def events(self) -> dict[str, Any]:
        """Return the details of the last event of each kind."""
        connection = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        try:
            return {kind: json.loads(detail) for kind, detail in connection.execute("SELECT kind, detail FROM event")}
        finally:
            connection.close()

    def verdicts(self) -> list[str]:
        """Return every status that a monitor ever had, oldest first."""
        connection = sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)
        try:
            return [row[0] for row in connection.execute("SELECT status FROM verdict ORDER BY at")]
        finally:
            connection.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition; fail if it does not come about."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    receiver = Served(tmp_path / "a.db")
    yield receiver
    receiver.thread.stop()
    assert receiver.thread.wait(PATIENCE_S)
    assert receiver.thread.failure is None


def test_a_monitor_created_through_the_admin_api_can_report_at_once(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    assert served.status("web-1") == "pending"
    assert served.report(made["agent_key"]) == 200
    assert served.status("web-1") == "up"
    linux, windows = made["install"]
    assert f"curl -fsSL {served.url}/agent.sh" in linux["after"]
    assert f"{served.url}/agent.ps1" in windows["after"]
    assert made["warning"].startswith(f"Only this machine can reach {served.url}")
    assert served.call("credentials", name="web-1") == made


def test_a_line_is_worded_for_another_address(served: Served) -> None:
    served.call("create", names=["web-1"])
    made = served.call("credentials", name="web-1", url="https://mon.example.org")
    assert "curl -fsSL https://mon.example.org/agent.sh" in made["install"][0]["after"]
    assert served.url not in json.dumps(made)
    assert made["warning"] is None


def test_a_receiver_that_moves_says_so_and_words_lines_for_its_new_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = Reach("http://192.0.2.5:84", ("100.64.0.3",), in_container=True)
    monkeypatch.setattr("server.premises.find_reach", lambda *_, **__: reach)
    served = Served(tmp_path / "a.db")
    (made,) = served.call("create", names=["a"])
    assert "http://192.0.2.5:84" in made["install"][0]["after"]
    assert "also 100.64.0.3" in made["note"]
    assert "container" in made["warning"]
    reach = Reach("http://192.0.2.7:84")
    until(lambda: served.call("receiver")["url"] == reach.url)
    until(lambda: "receiver_moved" in served.events())
    assert served.events()["receiver_moved"] == {"before": "192.0.2.5", "address": "192.0.2.7"}
    assert reach.url in served.call("credentials", name="a")["install"][0]["after"]
    served.thread.stop()
    assert served.thread.wait(PATIENCE_S)


@pytest.mark.parametrize(("host", "public_url"), [("127.0.0.1", None), (None, "https://mon.example.org")])
def test_neither_loopback_nor_a_chosen_url_is_kept(tmp_path: Path, host: str | None, public_url: str | None) -> None:
    premises = take_premises(tmp_path / "a.db", host, 0, public_url)
    thread = ReceiverThread(premises, lambda: QUICK)
    thread.start()
    assert thread.ready.wait(PATIENCE_S)
    thread.stop()
    assert thread.wait(PATIENCE_S)
    connection = sqlite3.connect(tmp_path / "a.db")
    assert connection.execute("SELECT count(*) FROM receiver_address").fetchone() == (0,)
    connection.close()


def test_a_silent_server_goes_late_then_down_and_up_with_its_next_report(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    served.call("set", name="web-1", settings={"late_after": 0.1, "down_after": 1.5})
    served.report(made["agent_key"])
    until(lambda: served.status("web-1") == "down")
    served.report(made["agent_key"])
    assert served.verdicts() == ["pending", "up", "late", "down", "up"]


def test_a_time_in_which_nothing_could_be_stored_is_no_servers_silence(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    served.call("set", name="web-1", settings={"late_after": 2.0, "down_after": 2.0})
    assert served.report(made["agent_key"]) == 200
    elsewhere = served.database.rename(served.database.with_suffix(".away"))
    until(lambda: served.health() == 503)
    assert served.report(made["agent_key"]) == 503
    time.sleep(2.5)  # longer than `down_after`
    elsewhere.rename(served.database)
    until(lambda: served.health() == 200)
    assert served.report(made["agent_key"]) == 200
    assert served.verdicts() == ["pending", "up"]


def test_a_pause_ends_by_itself(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    served.report(made["agent_key"])
    served.call("pause", name="web-1", for_s=0.3)
    assert served.status("web-1") == "paused"
    assert served.report(made["agent_key"]) == 200
    until(lambda: served.status("web-1") == "up")


def test_rotation_deletion_and_renaming_reach_the_receiver_at_once(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    rotated = served.call("rotate", name="web-1")
    served.call("edit", name="web-1", new_name="web-2")
    keys = (made["agent_key"], rotated["agent_key"])
    assert [served.report(keys[0]), served.report(keys[1]), served.report(keys[0])] == [200, 200, 404]
    served.call("delete", name="web-2")
    assert served.report(keys[1]) == 404


def test_an_edit_asked_for_by_the_console_reaches_the_store(served: Served) -> None:
    served.call("create", names=["web-1"], tags=["web"])
    admin = ConsoleAdmin(served.database)
    asyncio.run(admin.edit("web-1", Edit(new_name="web-2", add_tags=["prod"], drop_tags=["web"], note="rack 4")))
    asyncio.run(admin.edit("web-2", Edit(tags=["db", "Prod"])))
    connection = sqlite3.connect(f"{served.database.as_uri()}?mode=ro", uri=True)
    assert connection.execute("SELECT name, tags, note FROM monitor").fetchall() == [
        ("web-2", '["db", "prod"]', "rack 4")
    ]
    connection.close()
    with pytest.raises(ChangeRefusedError, match="is no tag"):
        asyncio.run(admin.edit("web-2", Edit(add_tags=["[/]"])))


def test_refusals_come_through_as_their_error(served: Served) -> None:
    with pytest.raises(ChangeRefusedError, match="there is no monitor called nobody"):
        served.call("edit", name="nobody", new_name="x")
    served.call("create", names=["web-1"])
    for operation, arguments in (
        ("explode", {}),
        ("create", {}),
        ("create", {"names": 5}),
        ("edit", {"name": "web-1", "bad": 1}),
        ("set", {"name": "web-1", "settings": ["cpu.warn"]}),
        ("set", {"name": "web-1", "settings": {"cpu.warn": "80"}}),
        ("pause", {"name": "web-1", "for_s": math.inf}),
        ("pause", {"name": "web-1", "for_s": 1e300}),
    ):
        with pytest.raises(AgentmonError, match=f"{operation}"):
            served.call(operation, **arguments)


def test_the_receiver_describes_itself(served: Served) -> None:
    info = served.call("receiver")
    assert info["url"] == served.url
    assert info["problem"] is None
    assert abs(info["since"] / 1000 - time.time()) < 60


def test_a_database_that_is_moved_away_is_noticed_and_taken_back(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    moved = served.database.with_name("elsewhere")
    served.database.rename(moved)
    until(lambda: served.health() == 503)
    assert served.report(made["agent_key"]) == 503
    assert "moved" in served.call("receiver")["problem"]
    moved.rename(served.database)
    until(lambda: served.health() == 200)
    assert served.report(made["agent_key"]) == 200


def test_what_is_in_flight_when_it_stops_is_stored(served: Served) -> None:
    (made,) = served.call("create", names=["web-1"])
    codes: list[int] = []
    senders = [threading.Thread(target=lambda: codes.append(served.report(made["agent_key"]))) for _ in range(20)]
    for sender in senders:
        sender.start()
    until(lambda: codes.count(200) > 3)
    served.thread.stop()
    for sender in senders:
        sender.join(PATIENCE_S)
    assert served.thread.wait(PATIENCE_S)
    connection = sqlite3.connect(served.database)
    (count,) = connection.execute("SELECT count(*) FROM sample").fetchone()
    (stopped,) = connection.execute("SELECT stopped_at IS NOT NULL FROM receiver_run").fetchone()
    connection.close()
    assert count >= codes.count(200) > 3
    assert stopped == 1


def test_it_can_be_stopped_before_it_has_started(tmp_path: Path) -> None:
    thread = ReceiverThread(take_premises(tmp_path / "a.db", "127.0.0.1", 0), lambda: QUICK)
    thread.stop()
    thread.start()
    assert thread.wait(PATIENCE_S)
    assert thread.failure is None


def test_a_store_that_cannot_be_opened_ends_it_with_a_word(tmp_path: Path) -> None:
    premises = take_premises(tmp_path / "a.db", "127.0.0.1", 0)
    premises.database.unlink()
    thread = ReceiverThread(premises, lambda: QUICK)
    thread.start()
    assert thread.wait(PATIENCE_S)
    assert "unable to open" in str(thread.failure)


def test_asking_a_receiver_that_is_gone(served: Served, tmp_path: Path) -> None:
    with pytest.raises(ReceiverUnreachableError):
        call(tmp_path / "nothing.db", "receiver")
    served.thread.stop()
    served.thread.wait(PATIENCE_S)
    with pytest.raises(ReceiverUnreachableError):
        served.call("receiver")


async def test_a_monitor_that_is_deleted_as_its_pause_ends_takes_nothing_along(tmp_path: Path) -> None:
    premises = take_premises(tmp_path / "a.db", "127.0.0.1", 0)
    runtime = Runtime(premises, QUICK)
    writer = await Writer.open(premises.database)
    control = Control(
        writer,
        lambda: ReceiverInfo(0, "http://x"),
        wall_clock_ms,
        await FleetJudge.open(writer, wall_clock_ms, lambda: 0.0),
    )
    try:
        await control.create(["first", "second"])
        for name in ("first", "second"):
            await control.pause(name, for_s=0.0)
        # Both changes wait for the same transaction; the deletion comes first, as it does when many pauses end.
        await asyncio.gather(control.delete("first"), runtime.end_pauses(writer, control))
        assert [live.monitor.status for live in writer.lives.values()] == ["pending"]
    finally:
        await writer.close()
        premises.release()


def test_a_call_that_is_never_finished_does_not_hold_up_the_end(served: Served) -> None:
    with socket.socket(socket.AF_UNIX) as half:
        half.connect(str(served.premises.admin.getsockname()))
        half.sendall(b"POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        served.call("receiver")  # by now the receiver has read the half request
        served.thread.stop()
        assert served.thread.wait(5.0)


def test_names_of_a_large_fleet_fit_one_request(served: Served) -> None:
    wide = "\N{CJK UNIFIED IDEOGRAPH-754C}" * 58
    names = [f"{wide}{n:06}" for n in range(3000)]
    assert [made["name"] for made in served.call("create", names=names)] == names


def test_stopping_twice_or_after_the_end_is_fine(served: Served) -> None:
    served.thread.stop()
    while not served.thread.ended.is_set():
        served.thread.stop()
    served.thread.stop()
