"""The event log: what is recorded comes back, in the order and the period that are asked for, and one day goes."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from store.event_log import EXPIRE_ROWS, expire_events, record
from store.events import Event, EventKind
from store.reader import Reader
from store.writer import Writer

DETAIL: dict[str, Any] = {"settings": {"disk./ü.warn": 70.0, "cpu.warn": None, "load.crit": "off"}}


async def write(writer: Writer, *events: Event) -> None:
    await writer.transact(lambda connection, _: record(connection, events))


def event(at: int, monitor_id: int | None = 1, monitor: str | None = "web-1", **detail: Any) -> Event:
    return Event(EventKind.SET, at, monitor_id, monitor, detail)


@pytest.fixture
async def reader(database: Path) -> AsyncIterator[Reader]:
    opened = await Reader.open(database)
    yield opened
    await opened.close()


async def ats(reader: Reader, **asked: Any) -> list[int]:
    """Return the times of the events that are found."""
    return [found.at for found in await reader.events(**asked)]


async def test_an_event_comes_back_as_it_was_with_an_id(writer: Writer, reader: Reader) -> None:
    await write(writer, event(1_000, **DETAIL), Event(EventKind.RECEIVER_STARTED, 2_000))
    second, first = await reader.events()
    assert first == Event(EventKind.SET, 1_000, 1, "web-1", DETAIL, first.id)
    assert (second.kind, second.monitor_id, second.monitor, second.detail) == (
        EventKind.RECEIVER_STARTED,
        None,
        None,
        {},
    )
    assert second.id > first.id > 0


async def test_events_come_newest_first_or_oldest_first(writer: Writer, reader: Reader) -> None:
    await write(writer, *map(event, range(5)))
    assert await ats(reader) == [4, 3, 2, 1, 0]
    assert await ats(reader, oldest_first=True) == [0, 1, 2, 3, 4]
    assert await ats(reader, limit=2) == [4, 3]
    assert await ats(reader, limit=2, oldest_first=True) == [0, 1]


async def test_ids_bound_what_is_found_and_times_too(writer: Writer, reader: Reader) -> None:
    await write(writer, *map(event, range(5)))
    ids = [found.id for found in await reader.events(oldest_first=True)]
    assert await ats(reader, after=ids[1], before=ids[4]) == [3, 2]
    assert await ats(reader, since=3) == [4, 3]
    assert await ats(reader, since=1, before=ids[3], oldest_first=True) == [1, 2]


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_pages_join_without_a_seam(writer: Writer, reader: Reader, oldest_first: bool) -> None:
    await write(writer, *map(event, range(7)))
    found: list[Event] = []
    while page := await reader.events(
        after=found[-1].id if found and oldest_first else 0,
        before=found[-1].id if found and not oldest_first else None,
        limit=3,
        oldest_first=oldest_first,
    ):
        found += page
    assert [each.at for each in found] == (list(range(7)) if oldest_first else list(range(7))[::-1])


async def test_one_monitor_s_events_are_found_by_its_id(writer: Writer, reader: Reader) -> None:
    await write(writer, event(1), event(2, 2, "db-1"), event(3, 1, "renamed"), event(4, None, None))
    assert await ats(reader, monitor_id=1) == [3, 1]
    assert await ats(reader, monitor_id=2) == [2]
    assert await ats(reader, monitor_id=3) == []


async def test_a_name_is_known_as_long_as_an_event_tells_of_it(writer: Writer, reader: Reader) -> None:
    await write(writer, event(1, monitor="gone"), event(9, None, None))
    assert await reader.is_told_of("gone")
    assert not await reader.is_told_of("web-1")
    await writer.transact(partial(expire_events, before=5))
    assert not await reader.is_told_of("gone")


async def test_old_events_go_a_few_at_a_time(writer: Writer, reader: Reader) -> None:
    await write(writer, *map(event, range(EXPIRE_ROWS + 3)))
    expire = partial(expire_events, before=EXPIRE_ROWS + 1)
    assert await writer.transact(expire)
    assert await ats(reader) == [EXPIRE_ROWS + 2, EXPIRE_ROWS + 1, EXPIRE_ROWS]
    assert not await writer.transact(expire)
    assert await ats(reader) == [EXPIRE_ROWS + 2, EXPIRE_ROWS + 1]


async def test_beyond_the_number_that_is_kept_the_oldest_go(writer: Writer, reader: Reader) -> None:
    await write(writer, *map(event, range(10)))
    assert not await writer.transact(partial(expire_events, before=0, keep=4))
    assert await ats(reader) == [9, 8, 7, 6]


async def test_ids_are_never_used_again(writer: Writer, reader: Reader) -> None:
    await write(writer, event(1))
    (first,) = await reader.events()
    await writer.transact(partial(expire_events, before=5))
    await write(writer, event(6))
    (second,) = await reader.events()
    assert second.id > first.id


async def test_nothing_to_record_is_no_trouble(writer: Writer, reader: Reader) -> None:
    await write(writer)
    assert await reader.events() == []
