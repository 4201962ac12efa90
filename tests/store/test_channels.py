"""Channels: named once, bounded, and their targets for nobody but who delivers."""

from functools import partial
from pathlib import Path

import pytest

from store import channels
from store.channels import MAX_CHANNELS, ChannelKind, free_name
from store.errors import ChangeRefusedError
from store.policy import Level
from store.reader import Reader
from store.text import MAX_NAME
from store.writer import Writer

SECRET = "json://user:hunter2@host/token"


async def add(writer: Writer, name: str | None = None, usual_name: str = "JSON") -> str:
    return await writer.transact(
        partial(
            channels.add_channel,
            target=SECRET,
            kind=ChannelKind.APPRISE,
            shown="json://user:****@host/****",
            level=Level.WARNING,
            now=5,
            name=name,
            usual_name=usual_name,
        )
    )


async def listed(database: Path) -> list[channels.Channel]:
    reader = await Reader.open(database)
    try:
        return await reader.channels()
    finally:
        await reader.close()


async def test_a_channel_is_listed_without_its_target(writer: Writer, database: Path) -> None:
    assert await add(writer) == "JSON"
    (channel,) = await listed(database)
    assert (channel.name, channel.kind, channel.level, channel.created_at) == ("JSON", "apprise", "warning", 5)
    assert (channel.waiting, channel.sent_at, channel.problem, channel.dropped) == (0, None, None, 0)
    assert "hunter2" not in repr(channel) and "token" not in repr(channel)


async def test_a_target_is_read_by_name_and_hidden_in_words(writer: Writer) -> None:
    await add(writer, "phone")
    target = await writer.transact(partial(channels.read_target, name="phone"))
    assert (target.kind, target.address) == (ChannelKind.APPRISE, SECRET)
    assert "hunter2" not in repr(target)


async def test_names_are_made_until_one_is_free(writer: Writer) -> None:
    assert [await add(writer) for _ in range(3)] == ["JSON", "JSON 2", "JSON 3"]
    assert await add(writer, usual_name="x" * 200) == "x" * (MAX_NAME - 5) + "…"


def test_a_made_name_is_one_that_will_do() -> None:
    taken: set[str] = set()
    for _ in range(MAX_CHANNELS):
        taken.add(free_name("\x1b" * 100, taken))
    assert len(taken) == MAX_CHANNELS
    assert max(map(len, taken)) <= MAX_NAME


async def test_a_name_is_given_once_and_is_visible(writer: Writer) -> None:
    await add(writer, "phone")
    with pytest.raises(ChangeRefusedError, match="already a channel called phone"):
        await add(writer, "phone")
    for name in ("", " ", "a\nb", "x" * 65):
        with pytest.raises(ChangeRefusedError, match="a name"):
            await add(writer, name)


async def test_there_are_only_so_many(writer: Writer) -> None:
    for _ in range(MAX_CHANNELS):
        await add(writer)
    with pytest.raises(ChangeRefusedError, match="remove one first"):
        await add(writer)


async def test_a_removed_channel_is_gone(writer: Writer, database: Path) -> None:
    await add(writer, "phone")
    await writer.transact(partial(channels.remove_channel, name="phone"))
    assert await listed(database) == []
    for operation in (channels.remove_channel, channels.read_target):
        with pytest.raises(ChangeRefusedError, match="no channel called phone"):
            await writer.transact(partial(operation, name="phone"))


async def test_the_last_attempt_is_remembered(writer: Writer, database: Path) -> None:
    await add(writer, "phone")
    target = await writer.transact(partial(channels.read_target, name="phone"))
    attempt = partial(channels.record_attempt, channel_id=target.channel_id)
    await writer.transact(partial(attempt, now=7, problem="HTTP 500\x1b[2J"))
    (channel,) = await listed(database)
    assert (channel.sent_at, channel.failed_at, channel.problem) == (None, 7, "HTTP 500\ufffd[2J")
    await writer.transact(partial(attempt, now=9, problem=None))
    (channel,) = await listed(database)
    assert (channel.sent_at, channel.failed_at, channel.problem) == (9, 7, None)
