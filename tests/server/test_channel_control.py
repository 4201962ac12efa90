"""Channels as people change them, with the real courier: refused in a line, tried out, and silent about secrets."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from server.channel_control import ChannelControl
from server.dispatch import Dispatcher
from store.channels import read_target
from store.errors import ChangeRefusedError
from store.reader import Reader
from store.writer import Writer
from tests.conftest import Clock
from tests.e2e.alert_sink import alert_sink

SECRET = "tk_hunter2"


@pytest.fixture
def control(writer: Writer, clock: Clock) -> ChannelControl:
    return ChannelControl(writer, Dispatcher(), clock.wall)


async def channels(database: Path) -> list[Any]:
    reader = await Reader.open(database)
    try:
        return await reader.channels()
    finally:
        await reader.close()


async def test_a_url_is_named_after_its_service(control: ChannelControl, writer: Writer) -> None:
    url = f"json://host/{SECRET}"
    assert await control.add_channel(url=f" {url}\n") == {"name": "JSON", "shown": "json://host/****"}
    target = await writer.transact(partial(read_target, name="JSON"))
    assert (target.kind, target.address) == ("apprise", url)


async def test_a_command_is_named_after_its_program(control: ChannelControl, writer: Writer) -> None:
    added = await control.add_channel(command=f"/opt/page.sh --token {SECRET}", level="critical")
    assert added == {"name": "page.sh", "shown": "/opt/page.sh …"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "either a URL or a command"),
        ({"url": "json://h", "command": "true"}, "either a URL or a command"),
        ({"command": "  "}, "needs a URL or a command"),
        ({"command": "true", "level": "loud"}, "a level is one of warning, critical"),
        ({"command": "true\0"}, "one line without control characters"),
        ({"command": "true\ntrue"}, "one line without control characters"),
        ({"url": "json://host/" + "x" * 9_000}, "at most 8000 characters"),
        ({"command": "true", "name": "a\x1bb"}, "a name holds no control"),
        ({"url": f"nosuch://{SECRET}"}, "Apprise knows no service nosuch://"),
    ],
)
async def test_what_will_not_do_is_refused_in_a_line(
    control: ChannelControl, database: Path, arguments: dict[str, str], problem: str
) -> None:
    with pytest.raises(ChangeRefusedError, match=problem) as refused:
        await control.add_channel(**arguments)
    assert SECRET not in str(refused.value)
    assert await channels(database) == []


async def test_a_test_arrives_and_is_remembered(control: ChannelControl, database: Path, clock: Clock) -> None:
    with alert_sink() as sink:
        await control.add_channel(url=sink.url, name="hook")
        assert await control.test_channel("hook") == {"problem": None}
        sink.answer = 500
        clock.advance(1)
        assert await control.test_channel("hook") == {"problem": "HTTP 500"}
    (got,) = sink.received
    assert (got["title"], got["type"]) == ("agentmon: test", "info")
    (channel,) = await channels(database)
    assert (channel.sent_at, channel.failed_at, channel.problem) == (clock.ms - 1_000, clock.ms, "HTTP 500")


async def test_a_channel_that_is_not_there_is_neither_tried_nor_removed(control: ChannelControl) -> None:
    for operation in (control.test_channel, control.remove_channel):
        with pytest.raises(ChangeRefusedError, match="there is no channel called nobody"):
            await operation("nobody")
