"""A receiver that has moved: noticed once, told with both addresses, and only if it has lost the old one."""

from functools import partial

import pytest

from store.addresses import KEPT, Address, keep_address, move_since
from store.event_log import read_events
from store.events import Event, EventKind
from store.wording import sentence
from store.writer import Writer


async def keep(writer: Writer, address: str, now: int, *own: str) -> tuple[Address, ...]:
    """Tell the store which address lines name now."""
    return await writer.transact(partial(keep_address, address=address, own=own, now=now))


async def told(writer: Writer) -> list[str]:
    """Return what the events say, oldest first."""
    events = await writer.transact(lambda connection, _: read_events(connection, oldest_first=True))
    return [sentence(event) for event in events]


async def test_the_first_address_is_kept_without_a_word(writer: Writer) -> None:
    assert await keep(writer, "192.0.2.5", 1) == (Address(1, "192.0.2.5"),)
    assert await keep(writer, "192.0.2.5", 2) == (Address(1, "192.0.2.5"),)
    assert await told(writer) == []


async def test_another_address_is_told_once_with_the_ways_out(writer: Writer) -> None:
    await keep(writer, "192.0.2.5", 1)
    for now in (5, 6):
        assert await keep(writer, "192.0.2.7", now) == (Address(1, "192.0.2.5"), Address(5, "192.0.2.7"))
    (said,) = await told(writer)
    assert said.startswith("this receiver was 192.0.2.5 and is 192.0.2.7 now")
    assert all(way in said for way in ("fixed lease", "public_url", "install lines"))


async def test_another_default_route_is_no_move_while_the_old_address_is_there(writer: Writer) -> None:
    await keep(writer, "192.0.2.5", 1)
    assert await keep(writer, "10.8.0.2", 2, "192.0.2.5") == (Address(1, "192.0.2.5"),)
    assert await told(writer) == []
    await keep(writer, "10.8.0.2", 3)
    assert len(await told(writer)) == 1


async def test_old_addresses_are_forgotten(writer: Writer) -> None:
    for now in range(KEPT + 9):
        await keep(writer, f"192.0.2.{now}", now)
    assert len(await keep(writer, f"192.0.2.{KEPT + 8}", 999)) == KEPT


MOVED = (Address(10, "192.0.2.5"), Address(20, "192.0.2.6"), Address(30, "192.0.2.7"))


@pytest.mark.parametrize(("at", "before"), [(10, "192.0.2.5"), (19, "192.0.2.5"), (25, "192.0.2.6")])
def test_a_silence_is_told_with_the_address_of_the_last_report(at: int, before: str) -> None:
    detail = move_since(MOVED, at)
    assert detail == {"before": before, "address": "192.0.2.7"}
    said = sentence(Event(EventKind.SILENCE, 40, detail={"monitors": 3, "silence_s": 300.0, **detail}))
    assert f"this receiver was {before} when they last reported and is 192.0.2.7 now" in said
    assert len(said) <= 240


def test_without_a_move_since_the_last_report_there_is_nothing_to_tell() -> None:
    assert move_since(MOVED, 31) == move_since(MOVED, 5) == move_since((), 5) == {}
    back = (*MOVED, Address(40, "192.0.2.5"))
    assert move_since(back, 15) == {}
