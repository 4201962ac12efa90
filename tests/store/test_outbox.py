"""What waits to be sent: events that became no message yet, and messages, oldest first and not without bound."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from store.changes import delete_monitor
from store.channels import ChannelKind, add_channel, remove_channel
from store.errors import StoreUnavailableError
from store.event_log import record
from store.events import Event, EventKind
from store.incidents import Incident
from store.outbox import PAGE, Choice, Mark, Message, Outbox, queue_messages, settle
from store.policy import Level
from store.reader import Reader
from store.schema import migrations, prepare_database
from store.writer import Writer
from tests.conftest import Create

INCIDENTS_FROM = next(step.version for step in migrations() if "CREATE TABLE incident" in step.sql)
"""The schema's version since which it is stored what channels were told of."""


@pytest.fixture
async def outbox(database: Path) -> AsyncIterator[Outbox]:
    opened = await Outbox.open(database)
    yield opened
    await opened.close()


async def happen(writer: Writer, *events: Event) -> None:
    await writer.transact(lambda connection, _: record(connection, events))


async def add(writer: Writer, name: str, level: Level = Level.WARNING) -> None:
    kind = ChannelKind.COMMAND
    await writer.transact(partial(add_channel, target=name, kind=kind, shown="", level=level, now=0, name=name))


async def queue(
    writer: Writer,
    number: int,
    keep: int = 100,
    levels: tuple[Level, ...] = tuple(Level),
    about: tuple[int, ...] | None = None,
) -> None:
    def choose(_: object, level: Level, told: tuple[Incident, ...]) -> Choice:
        return Choice({"number": number, "level": level} if level in levels else None, about, told)

    await writer.transact(partial(queue_messages, choose=choose, mark=Mark(number, 0), now=number, keep=keep))


async def taken(writer: Writer, outbox: Outbox, channel_id: int) -> list[Any]:
    """Take all that waits for a channel."""
    found = []
    while (message := await outbox.next(channel_id)) is not None:
        found.append(message.content["number"])
        await writer.transact(partial(settle, message=message, now=1, problem=None))
    return found


def down(number: int = 1) -> Event:
    return Event(EventKind.DOWN, 1_000, number, f"web-{number}", {"silence_s": 1.0})


async def test_at_first_nothing_waits(writer: Writer, outbox: Outbox) -> None:
    assert await outbox.mark() == Mark(0, 0)
    assert await outbox.unsent(0) == ([], 0)
    assert await outbox.waiting() == []


async def test_only_what_people_are_told_of_waits_but_all_is_read(writer: Writer, outbox: Outbox) -> None:
    await happen(writer, down(1), Event(EventKind.REBOOTED, 1, 2, "web-2", {"silence_s": 1}), down(3))
    await happen(writer, Event(EventKind.CREATED, 2, 4, "web-4"))
    found, read_to = await outbox.unsent(0)
    assert [event.monitor for event in found] == ["web-1", "web-3"]
    assert read_to == 4
    assert await outbox.unsent(4) == ([], 4)


async def test_more_than_a_page_comes_in_pages(writer: Writer, outbox: Outbox) -> None:
    await happen(writer, *(down(number) for number in range(PAGE + 5)))
    found, read_to = await outbox.unsent(0)
    assert (len(found), read_to) == (PAGE, PAGE)
    found, read_to = await outbox.unsent(read_to)
    assert (len(found), read_to) == (5, PAGE + 5)


async def test_what_a_channel_was_told_is_kept_until_it_or_the_monitor_ends(
    writer: Writer, outbox: Outbox, create: Create
) -> None:
    await create("web-1", "web-2")
    for name in ("a", "b"):
        await add(writer, name)
    first, second = (Incident(number, "down", Level.CRITICAL, {"silence_s": 1.0}) for number in (1, 2))
    reading, silence = Incident(1, "disk:/var", Level.WARNING), Incident(None, "silence", Level.CRITICAL)

    async def tell(*after: Incident) -> None:
        told = partial(queue_messages, choose=lambda *_: Choice(None, None, after), mark=Mark(1, 0), now=1)
        await writer.transact(told)

    await tell(first, second, reading, silence)
    await writer.transact(partial(remove_channel, name="b"))
    assert await outbox.told() == [first, second, reading, silence]
    worse = replace(reading, level=Level.CRITICAL)
    await tell(first, second, worse)
    assert await outbox.told() == [first, second, worse]
    await writer.change(partial(delete_monitor, name="web-1", now=1))
    assert await outbox.told() == [second]


async def test_what_waits_to_be_told_of_deleted_monitors_is_withdrawn(
    writer: Writer, outbox: Outbox, create: Create
) -> None:
    await create("web-1", "web-2")
    await add(writer, "a")
    for number, about in enumerate(((1,), (1, 2), (2,), None)):
        await queue(writer, number, about=about)
    await writer.change(partial(delete_monitor, name="web-1", now=1))
    assert await taken(writer, outbox, 1) == [1, 2, 3]


async def test_messages_and_the_mark_come_and_go_together(writer: Writer, outbox: Outbox) -> None:
    await add(writer, "all")

    async def crash(connection: Any, ledger: Any) -> None:
        await queue_messages(connection, ledger, choose=lambda *_: Choice({}, None, ()), mark=Mark(9, 9), now=1)
        raise KeyError

    with pytest.raises(KeyError):
        await writer.transact(crash)
    assert (await outbox.mark(), await outbox.waiting()) == (Mark(0, 0), [])
    await queue(writer, 9)
    assert (await outbox.mark(), len(await outbox.waiting())) == (Mark(9, 0), 1)


async def test_each_channel_gets_what_is_for_its_level_oldest_first(writer: Writer, outbox: Outbox) -> None:
    await add(writer, "all")
    await add(writer, "worst", Level.CRITICAL)
    await queue(writer, 1)
    await queue(writer, 2, levels=(Level.WARNING,))
    await queue(writer, 3)
    assert [channel.name for channel in await outbox.waiting()] == ["all", "worst"]
    message = await outbox.next(2)
    assert message is not None
    assert (message.content["level"], message.target.address) == ("critical", "worst")
    assert await taken(writer, outbox, 1) == [1, 2, 3]
    assert await taken(writer, outbox, 2) == [1, 3]


async def test_beyond_what_may_wait_the_oldest_are_given_up_and_counted(
    writer: Writer, outbox: Outbox, database: Path
) -> None:
    await add(writer, "a")
    await add(writer, "b")
    for number in range(8):
        await queue(writer, number, keep=5)
        if number == 3:
            assert len(await taken(writer, outbox, 2)) == 4
    reader = await Reader.open(database)
    counts = [(channel.name, channel.waiting, channel.dropped) for channel in await reader.channels()]
    await reader.close()
    assert counts == [("a", 5, 3), ("b", 4, 0)]
    assert await taken(writer, outbox, 1) == [3, 4, 5, 6, 7]


async def test_what_failed_waits_on_and_says_why(writer: Writer, outbox: Outbox, database: Path) -> None:
    await add(writer, "a")
    await queue(writer, 1)

    async def fail() -> Message:
        message = await outbox.next(1)
        assert message is not None
        await writer.transact(partial(settle, message=message, now=7, problem="HTTP 500"))
        return message

    assert [(await fail()).attempts for _ in range(3)] == [0, 1, 2]
    assert [channel.failing for channel in await outbox.waiting()] == [True]
    assert await taken(writer, outbox, 1) == [1]


async def test_what_waits_for_a_removed_channel_goes_along(writer: Writer, outbox: Outbox) -> None:
    await add(writer, "a")
    await queue(writer, 1)
    message = await outbox.next(1)
    assert message is not None
    await writer.transact(partial(remove_channel, name="a"))
    await writer.transact(partial(settle, message=message, now=1, problem="too late"))
    assert (await outbox.waiting(), await outbox.next(1)) == ([], None)


async def test_a_database_that_cannot_be_read_is_said_so(writer: Writer, database: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        await Outbox.open(tmp_path / "nothing.db")
    outbox = await Outbox.open(database)
    await outbox.close()
    with pytest.raises(StoreUnavailableError):
        await outbox.mark()


def test_what_was_told_before_incidents_were_kept_is_taken_from_the_events(tmp_path: Path) -> None:
    database, steps = tmp_path / "old.db", migrations()
    prepare_database(database, [step for step in steps if step.version < INCIDENTS_FROM])
    connection = sqlite3.connect(database)
    connection.executescript("""
        INSERT INTO monitor (id, name, created_at) VALUES (1, 'web-1', 0), (2, 'web-2', 0);
        INSERT INTO channel (id, name, kind, target, shown, level, created_at) VALUES
            (1, 'all', 'command', '', '', 'warning', 0), (2, 'worst', 'command', '', '', 'critical', 0),
            (3, 'new', 'command', '', '', 'warning', 99);
        INSERT INTO event (at, kind, monitor_id, detail) VALUES
            (1, 'down', 1, '{"silence_s": 1}'), (1, 'down', 2, '{}'), (2, 'up', 2, '{"was": "down", "for_s": 1}'),
            (3, 'degraded', 1, '{"metric": "disk", "mount": "/var", "level": "warning"}'),
            (4, 'degraded', 1, '{"metric": "cpu", "mount": null, "level": "critical"}'),
            (5, 'recovered', 1, '{"metric": "cpu", "mount": null, "level": "critical"}'),
            (6, 'silence', NULL, '{}'), (7, 'down', 3, '{}'),
            (8, 'degraded', 2, '{"metric": "cpu", "level": "warning"}');
        UPDATE notified SET event_id = 8;
    """)
    connection.close()
    prepare_database(database)
    connection = sqlite3.connect(database)
    found = connection.execute(
        "SELECT channel_id, monitor_id, subject, level FROM incident ORDER BY 1, 2, 3"
    ).fetchall()
    connection.close()
    assert found == [
        (1, None, "silence", "critical"),
        (1, 1, "disk:/var", "warning"),
        (1, 1, "down", "critical"),
        (2, None, "silence", "critical"),
        (2, 1, "down", "critical"),
    ]
