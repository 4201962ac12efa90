"""The notifier when deliveries fail or hang, the store takes no writes, or it restarts: all arrives, and once."""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from server.alerts import NotifierOptions
from server.notifier import Notifier
from store import channels
from store.changes import delete_monitor
from store.errors import StoreUnavailableError
from store.writer import Writer
from tests.conftest import Clock
from tests.server.notices import Stage, down, refuse, up

HOUR_S = 3600.0


def move(file: Path, elsewhere: Path) -> None:
    """Move the database away or back, if it is there: the store then takes no writes."""
    if file.exists():
        file.rename(elsewhere)


async def test_an_hour_of_refusals_is_borne_with_few_attempts_and_then_all_arrives_in_order(stage: Stage) -> None:
    await stage.add("broken")
    await stage.add("phone")
    stage.behave["broken"] = refuse
    for number in range(60):
        await stage.happen(down(number))
        await stage.pass_time(60)
    assert stage.titles("phone") == [f"web-{number} is down" for number in range(60)]
    assert stage.told["broken"] == []
    attempts = stage.attempts["broken"]
    pauses = [b - a for a, b in pairwise(attempts)]
    assert len(attempts) < 25
    assert pauses[:3] == [5, 10, 20]
    assert max(pauses) <= 305
    del stage.behave["broken"]
    await stage.pass_time(305)
    assert stage.titles("broken") == stage.titles("phone")


async def test_an_hour_of_hanging_delays_nobody_else(stage: Stage) -> None:
    await stage.add("stuck")
    await stage.add("phone")
    stage.behave["stuck"] = partial(stage.hang, 30.0)
    for number in range(60):
        await stage.happen(down(number))
        await stage.pass_time(60)
        assert stage.titles("phone")[-1] == f"web-{number} is down"
    del stage.behave["stuck"]
    await stage.pass_time(340)
    assert stage.titles("stuck") == stage.titles("phone")


async def test_a_queue_is_bounded_and_what_is_given_up_is_the_oldest(stage: Stage, database: Path) -> None:
    await stage.add("broken")
    stage.behave["broken"] = refuse
    for number in range(130):
        await stage.happen(down(number))
        await stage.pass_time(10)
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT count(*) FROM message").fetchone() == (100,)
    assert connection.execute("SELECT dropped FROM channel").fetchone() == (30,)
    connection.close()
    del stage.behave["broken"]
    await stage.pass_time(310)
    assert stage.titles("broken") == [f"web-{number} is down" for number in range(30, 130)]


async def test_a_deleted_server_is_not_told_of_once_deliveries_work(stage: Stage, writer: Writer, clock: Clock) -> None:
    await stage.add("broken")
    stage.behave["broken"] = refuse
    for number in (1, 2):
        await stage.happen(down(number))
        await stage.pass_time(10)
    await writer.change(partial(delete_monitor, name="web-1", now=clock.ms))
    del stage.behave["broken"]
    await stage.pass_time(100)
    assert stage.titles("broken") == ["web-2 is down"]


async def test_a_restart_tries_at_once(stage: Stage) -> None:
    await stage.add("phone")
    stage.behave["phone"] = refuse
    await stage.happen(down())
    await stage.pass_time(HOUR_S, 20)
    del stage.behave["phone"]
    await stage.restart()
    await stage.look()
    assert stage.titles("phone") == ["web-1 is down"]


async def test_a_test_that_arrives_brings_what_waits_along(stage: Stage, writer: Writer) -> None:
    await stage.add("phone")
    stage.behave["phone"] = refuse
    await stage.happen(down())
    await stage.pass_time(HOUR_S, 20)
    before = len(stage.attempts["phone"])
    del stage.behave["phone"]
    await writer.transact(partial(channels.record_attempt, channel_id=1, now=1, problem=None))
    await stage.look()
    assert (stage.titles("phone"), len(stage.attempts["phone"])) == (["web-1 is down"], before + 1)


async def test_what_is_being_delivered_when_it_ends_is_delivered_by_the_next(stage: Stage) -> None:
    await stage.add("phone")
    stage.behave["phone"] = partial(stage.hang, 30.0)
    await stage.happen(down())
    await stage.pass_time(10)
    del stage.behave["phone"]
    await stage.restart()
    await stage.look()
    assert stage.titles("phone") == ["web-1 is down"]


async def test_what_was_delivered_while_the_store_takes_no_writes_is_not_sent_again(
    stage: Stage, writer: Writer, database: Path
) -> None:
    await stage.add("phone")
    moved = database.with_name("elsewhere")

    async def and_then_the_store_fails() -> None:
        move(database, moved)

    stage.behave["phone"] = and_then_the_store_fails
    await stage.happen(down())
    await stage.pass_time(60)
    move(moved, database)
    await stage.pass_time(60)
    assert stage.titles("phone") == ["web-1 is down"]


async def test_it_goes_on_when_the_store_does(stage: Stage, writer: Writer, database: Path) -> None:
    await stage.add("phone")
    await stage.happen(down())
    await stage.look()
    moved = database.with_name("elsewhere")
    move(database, moved)
    with pytest.raises(StoreUnavailableError):
        await stage.look(10)
    move(moved, database)
    await stage.look(1)
    assert stage.titles("phone") == ["web-1 is down"]


async def test_a_channel_that_is_removed_while_it_is_tried_does_no_harm(stage: Stage, writer: Writer) -> None:
    await stage.add("gone")
    await stage.add("phone")

    async def be_removed() -> str:
        await writer.transact(partial(channels.remove_channel, name="gone"))
        return "HTTP 500"

    stage.behave["gone"] = be_removed
    await stage.happen(down(1))
    await stage.pass_time(30)
    await stage.happen(down(2))
    await stage.pass_time(30)
    assert stage.titles("phone") == ["web-1 is down", "web-2 is down"]
    assert len(stage.attempts["gone"]) == 1


async def test_a_fault_in_delivering_is_logged_and_tried_again_later(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def break_down() -> None:
        raise KeyError("never seen")

    await stage.add("phone")
    stage.behave["phone"] = break_down
    await stage.happen(down())
    await stage.pass_time(60)
    assert "alerts to phone cannot be sent" in caplog.text
    assert len(stage.attempts["phone"]) == 4
    del stage.behave["phone"]
    await stage.pass_time(60)
    assert stage.titles("phone") == ["web-1 is down"]


async def test_failing_is_logged_once_and_its_end_too(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await stage.add("phone")
    stage.behave["phone"] = refuse
    await stage.happen(down())
    await stage.pass_time(600)
    del stage.behave["phone"]
    await stage.pass_time(300)
    said = [message for message in caplog.messages if "alerts to" in message]
    assert said == ["alerts to phone fail and are tried again: HTTP 500", "alerts to phone arrive again"]


async def test_what_is_being_delivered_at_the_end_is_not_delivered_again(
    stage: Stage, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    await stage.happen(down())
    begun, answer = asyncio.Event(), asyncio.Event()

    async def deliver(target: channels.Target, content: Mapping[str, Any]) -> str | None:
        begun.set()
        await answer.wait()
        return None

    notifier = Notifier(stage.outbox, writer, deliver, clock.wall, NotifierOptions(grace_s=30), clock.listening_s)
    await notifier.look()
    clock.advance(10)
    await notifier.look()
    await begun.wait()
    await stage.happen(up())
    end = asyncio.create_task(notifier.close())
    await asyncio.sleep(0)
    answer.set()
    await end
    await stage.pass_time(10)
    assert stage.titles("phone") == ["web-1 is up again after 12m"]
