"""Limits of the configuration file: beneath what people set, the same to the writer and to every reader."""

from functools import partial
from pathlib import Path

from store import changes
from store.policy import Defaults
from store.reader import Reader
from store.writer import Writer
from tests.conftest import START_MS, Create

FROM_FILE = {"cpu.warn": 60.0, "memory.warn": 70.0, "disk./tmp.ignore": 1.0}


async def warnings_read(database: Path) -> list[tuple[float | None, float | None]]:
    reader = await Reader.open(database)
    try:
        policies = [monitor.policy for monitor in (await reader.changes()).monitors]
        return [(policy.limits("cpu").warn, policy.limits("disk", "/tmp").warn) for policy in policies]
    finally:
        await reader.close()


async def test_they_hold_for_everyone_who_has_nothing_else(writer: Writer, database: Path, create: Create) -> None:
    await create("web-1", "web-2")
    await writer.change(partial(changes.set_monitor, name="web-2", settings={"cpu.warn": 65.0}, now=START_MS))
    seq = writer.lives[1].monitor.seq
    assert await writer.change(partial(changes.configure, settings=FROM_FILE, now=START_MS))
    assert writer.lives[1].monitor.seq > seq
    assert [writer.lives[i].monitor.policy.limits("cpu").warn for i in (1, 2)] == [60, 65]
    assert await warnings_read(database) == [(60, None), (65, None)]
    assert not await writer.change(partial(changes.configure, settings=FROM_FILE, now=START_MS))


async def test_what_people_set_goes_before_them_until_it_is_unset(
    writer: Writer, database: Path, create: Create
) -> None:
    await create("web-1")
    await writer.change(partial(changes.configure, settings=FROM_FILE, now=START_MS))
    await writer.change(
        partial(changes.set_defaults, settings={"cpu.warn": 75.0, "disk./tmp.ignore": 0.0}, now=START_MS)
    )
    assert await warnings_read(database) == [(75, 80)]
    await writer.change(
        partial(changes.set_defaults, settings={"cpu.warn": None, "disk./tmp.ignore": None}, now=START_MS)
    )
    assert await warnings_read(database) == [(60, None)]
    await writer.change(partial(changes.configure, settings={}, now=START_MS))
    assert await warnings_read(database) == [(80, 80)]


async def test_they_outlive_the_receiver_and_a_reader_can_tell_them_from_what_people_set(
    writer: Writer, database: Path
) -> None:
    await writer.change(partial(changes.configure, settings=FROM_FILE, now=START_MS))
    await writer.change(partial(changes.set_defaults, settings={"cpu.crit": 95.0}, now=START_MS))
    reader = await Reader.open(database)
    try:
        assert await reader.defaults() == Defaults({"cpu.crit": 95.0}, FROM_FILE)
    finally:
        await reader.close()
