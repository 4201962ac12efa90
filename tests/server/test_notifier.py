"""The notifier on a real store: each event told once, grouped, in order, and to those who are to hear of it."""

import asyncio
from functools import partial

import pytest

from server.alerts import NotifierOptions
from server.judge import judge
from server.notifier import Notifier
from store import changes
from store.events import EventKind
from store.models import MountUsage
from store.policy import Level
from store.tags import Edit
from store.writer import Writer
from tests.conftest import Clock, Create, make_report
from tests.server.notices import Stage, down, reading, up

HOUR_S = 3600.0


async def test_an_alert_leaves_after_a_moment_and_once(stage: Stage) -> None:
    await stage.add("phone")
    await stage.happen(down())
    await stage.look()
    await stage.look(4.9)
    assert stage.titles("phone") == []
    await stage.pass_time(60, 0.5)
    assert stage.titles("phone") == ["web-1 is down"]


async def test_what_happens_together_is_one_message(stage: Stage) -> None:
    await stage.add("phone")
    for number in range(50):
        await stage.happen(down(number))
        await stage.look(0.05)
    await stage.look(5)
    assert stage.titles("phone") == ["50 servers are down"]


async def test_what_follows_later_is_a_message_of_its_own(stage: Stage) -> None:
    await stage.add("phone")
    await stage.happen(down())
    await stage.pass_time(10)
    await stage.happen(up())
    await stage.pass_time(10)
    assert stage.titles("phone") == ["web-1 is down", "web-1 is up again after 12m"]


async def test_others_that_are_late_are_waited_for_but_not_for_ever(
    stage: Stage, create: Create, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    (key,) = await create("slow")
    await writer.store(key, make_report(), "")
    clock.advance(300)
    await writer.change(lambda connection, _: connection.execute("UPDATE latest SET status = 'late'"))
    await stage.happen(down(2, clock.ms))
    await stage.look()
    await stage.look(89)
    assert stage.titles("phone") == []
    await stage.look(1)
    assert stage.titles("phone") == ["web-2 is down"]


async def test_nothing_is_told_of_who_is_deleted_or_paused_while_it_is_held_and_new_names_are(
    stage: Stage, create: Create, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    await create(*(f"web-{number}" for number in range(1, 6)))
    await stage.happen(*(down(number) for number in range(1, 6)), up(2), up(3))
    await stage.look()
    await writer.change(partial(changes.delete_monitor, name="web-1", now=clock.ms))
    for name in ("web-2", "web-4"):
        await writer.change(partial(changes.pause_monitor, name=name, now=clock.ms))
    await writer.change(partial(changes.edit_monitor, name="web-5", edit=Edit(new_name="db-5"), now=clock.ms))
    await stage.restart()
    await stage.pass_time(10)
    (content,) = stage.told["phone"]
    told = [(event["kind"], event["monitor"]) for event in content["events"]]
    assert told == [("down", "web-3"), ("down", "db-5"), ("up", "web-3")]
    assert not any(name in content["body"] for name in ("web-1", "web-2", "web-4", "web-5"))


async def test_what_ended_during_a_pause_is_told_when_that_ends_and_what_did_not_is_not_told_again(
    stage: Stage, create: Create, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    keys = await create("web-1", "web-2")
    for key in keys:
        await writer.store(key, make_report(disk_usage=(MountUsage("/var", 96.0),)), "::1")
    await stage.happen(down(1), down(2))
    await stage.pass_time(10)
    for name in ("web-1", "web-2"):
        await writer.change(partial(changes.pause_monitor, name=name, now=clock.ms))
    await stage.pass_time(200)
    await writer.store(keys[0], make_report(disk_usage=(MountUsage("/var", 40.0),)), "::1")
    await stage.pass_time(200)
    assert len(stage.told["phone"]) == 1
    await stage.restart()
    for name in ("web-1", "web-2"):
        verdict = partial(judge, listening_s=clock.listening)
        await writer.change(partial(changes.resume_monitor, name=name, now=clock.ms, verdict=verdict))
    await stage.pass_time(10)
    told = [[(event["kind"], event["monitor"]) for event in each["events"]] for each in stage.told["phone"]]
    assert set(told[0]) == {("degraded", "web-1"), ("degraded", "web-2"), ("down", "web-1"), ("down", "web-2")}
    assert told[1:] == [[("recovered", "web-1"), ("up", "web-1")]]
    lines = stage.told["phone"][1]["body"].splitlines()
    assert lines[:2] == ["web-1: disk /var back at 40%, was beyond 90%", "web-1: up again"]


async def test_a_channel_that_was_added_during_an_outage_hears_of_its_end_only_if_it_was_reminded(
    stage: Stage, writer: Writer, clock: Clock
) -> None:
    await stage.happen(down())
    await stage.pass_time(10)
    await stage.add("phone")
    await stage.pass_time(60)
    await stage.happen(up())
    await stage.pass_time(10)
    await stage.happen(down(at=clock.ms))
    await stage.pass_time(10)
    await stage.add("mail")
    await stage.pass_time(6 * HOUR_S, 300)
    await stage.happen(up())
    await stage.pass_time(10)
    reminded = ["web-1 is still down, for 6h", "web-1 is up again after 12m"]
    assert stage.titles("phone") == ["web-1 is down", *reminded]
    assert stage.titles("mail") == reminded


async def test_a_channel_takes_what_is_bad_enough(stage: Stage) -> None:
    await stage.add("all")
    await stage.add("worst", Level.CRITICAL)
    await stage.happen(reading(level="warning"))
    await stage.pass_time(10)
    await stage.happen(reading(level="warning", number=2), down(3))
    await stage.pass_time(10)
    assert stage.titles("all") == ["web-1: disk /var 96%", "web-3 is down, web-2: disk /var 96%"]
    assert stage.titles("worst") == ["web-3 is down"]


async def test_who_was_told_that_it_is_critical_is_told_that_it_is_over(stage: Stage) -> None:
    await stage.add("worst", Level.CRITICAL)
    await stage.happen(reading(level="critical"))
    await stage.pass_time(10)
    await stage.happen(reading(EventKind.RECOVERED, level="warning", value=40.0))
    await stage.pass_time(10)
    assert stage.titles("worst") == ["web-1: disk /var 96%", "web-1: disk /var back at 40%"]


async def test_an_earlier_incident_makes_a_later_one_no_worse(stage: Stage) -> None:
    await stage.add("worst", Level.CRITICAL)
    await stage.happen(reading(level="critical"))
    await stage.pass_time(10)
    await stage.happen(reading(EventKind.RECOVERED, level="critical", value=40.0))
    await stage.pass_time(10)
    await stage.happen(reading(level="warning"))
    await stage.pass_time(10)
    await stage.happen(reading(EventKind.RECOVERED, level="warning", value=40.0))
    await stage.pass_time(10)
    assert stage.titles("worst") == ["web-1: disk /var 96%", "web-1: disk /var back at 40%"]


async def test_what_was_before_the_channel_is_not_sent(stage: Stage) -> None:
    await stage.happen(down())
    await stage.pass_time(10)
    await stage.add("phone")
    await stage.pass_time(100)
    assert stage.titles("phone") == []


async def test_a_server_that_stays_down_is_told_of_again_and_not_by_every_restart(
    stage: Stage, create: Create, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    await create("web-1")
    await writer.change(lambda connection, _: connection.execute("UPDATE latest SET status = 'down'"))
    for _ in range(50):
        await stage.pass_time(0.25 * HOUR_S, 300)
        await stage.restart()
    assert stage.titles("phone") == ["web-1 is still down, for 6h", "web-1 is still down, for 12h"]


async def test_nobody_is_reminded_before_all_had_time_to_report_to_a_new_receiver(
    stage: Stage, create: Create, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "")
    await stage.happen(down(at=clock.ms))
    await stage.pass_time(10)
    clock.advance(7 * HOUR_S)
    await stage.restart()
    await stage.pass_time(60)
    await writer.store(key, make_report(), "")
    await stage.pass_time(600)
    assert [title.partition(" after")[0] for title in stage.titles("phone")] == ["web-1 is down", "web-1 is up again"]


async def test_it_runs_until_it_is_cancelled(stage: Stage, writer: Writer, clock: Clock) -> None:
    await stage.add("phone")
    await stage.happen(down())
    arrived = asyncio.Event()

    async def deliver(*_: object) -> None:
        arrived.set()

    async def wait(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    notifier = Notifier(stage.outbox, writer, deliver, clock.wall, NotifierOptions(), clock.listening_s, wait=wait)
    task = asyncio.create_task(notifier.run())
    await asyncio.wait_for(arrived.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
