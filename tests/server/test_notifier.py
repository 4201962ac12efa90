"""The notifier on a real store: each event told once, grouped, in order, and to those who are to hear of it."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.alerts import NotifierOptions
from server.notifier import Notifier
from store import changes
from store.events import EventKind
from store.outbox import Outbox
from store.policy import Level
from store.schema import prepare_database
from store.writer import Writer
from tests.conftest import Clock, Create, make_report
from tests.server.notices import Stage, down, reading, refuse, up

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
    await stage.happen(down(at=clock.ms))
    await stage.look()
    await stage.look(89)
    assert stage.titles("phone") == []
    await stage.look(1)
    assert stage.titles("phone") == ["web-1 is down"]


async def test_a_pause_also_ends_what_was_not_told_yet(
    stage: Stage, create: Create, writer: Writer, clock: Clock
) -> None:
    await stage.add("phone")
    await create("web-1", "web-2")
    await stage.happen(down(1), down(2), up(1))
    await stage.look()
    for name in ("web-1", "web-2"):
        await writer.change(partial(changes.pause_monitor, name=name, now=clock.ms))
    await stage.pass_time(10)
    await stage.restart()
    await stage.pass_time(10)
    assert stage.titles("phone") == ["web-1 is up again after 12m"]


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
    await stage.happen(reading(level="critical"), reading(EventKind.RECOVERED, level="critical", value=40.0))
    await stage.pass_time(10)
    await stage.happen(reading(level="warning"), reading(EventKind.RECOVERED, level="warning", value=40.0))
    await stage.pass_time(10)
    assert stage.titles("worst") == ["web-1: disk /var back at 40%"]


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
    await writer.change(lambda connection, _: connection.execute("UPDATE latest SET status = 'down'"))
    clock.advance(7 * HOUR_S)
    await stage.restart()
    await stage.pass_time(60)
    await writer.store(key, make_report(), "")
    await stage.pass_time(600)
    assert [title.partition(" after")[0] for title in stage.titles("phone")] == ["web-1 is up again"]


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


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("down"), st.integers(1, 4)),
        st.tuples(st.just("up"), st.integers(1, 4)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("fail"), st.integers(0, 1)),
    ),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_every_event_is_in_exactly_one_message_of_each_channel(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(_play(tmp_path_factory.mktemp("play") / "a.db", steps))


async def _play(database: Path, steps: list[tuple[str, int]]) -> None:
    prepare_database(database)
    clock = Clock()
    writer = await Writer.open(database, clock.wall, clock.listening_s)
    stage = Stage(await Outbox.open(database), writer, clock, NotifierOptions(backoff_s=(5.0, 20.0), grace_s=0.0))
    happened: list[tuple[str, str]] = []
    try:
        for name in ("phone", "mail"):
            await stage.add(name)
        for verb, number in steps:
            if verb in ("down", "up"):
                await stage.happen((down if verb == "down" else up)(number, clock.ms))
                happened.append((verb, f"web-{number}"))
            elif verb == "wait":
                await stage.look(number)
            elif verb == "restart":
                await stage.restart()
            else:
                stage.behave = {"phone": refuse} if number else {}
        stage.behave = {}
        await stage.pass_time(200)
    finally:
        await stage.close()
        await writer.close()
    for name in ("phone", "mail"):
        told = [(event["kind"], event["monitor"]) for content in stage.told[name] for event in content["events"]]
        assert told == happened
