"""Channels as people change them: added, removed, tried out. The operations join those of `server/control.py`."""

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from server.channel_urls import plain_url
from server.dispatch import Dispatcher
from server.masking import masked_command
from server.messages import make_test
from store.channels import MAX_TARGET, ChannelKind, add_channel, read_target, record_attempt, remove_channel
from store.errors import ChangeRefusedError
from store.policy import Level
from store.writer import Writer


class ChannelControl:
    """The operations on channels by name; all raise `ChangeRefusedError` or `StoreUnavailableError`."""

    def __init__(self, writer: Writer, dispatcher: Dispatcher, clock: Callable[[], int]) -> None:
        """Keep what the operations need; `clock` gives UTC milliseconds."""
        self._writer = writer
        self._dispatcher = dispatcher
        self._clock = clock
        self.operations: dict[str, Callable[..., Awaitable[Any]]] = {
            "add_channel": self.add_channel,
            "remove_channel": self.remove_channel,
            "test_channel": self.test_channel,
        }

    async def add_channel(
        self,
        url: str | None = None,
        command: str | None = None,
        name: str | None = None,
        level: str = Level.WARNING,
    ) -> dict[str, str]:
        """Add an Apprise URL or a command; returns the channel's `name`, and `shown`, its target without secrets."""
        if (url is None) == (command is None):
            raise ChangeRefusedError("a channel is either a URL or a command")
        if level not in list(Level):
            raise ChangeRefusedError(f"a level is one of {', '.join(Level)}")
        target = (command or "").strip() if url is None else plain_url(url)
        _require_plain(target)
        if command is not None:
            kind, (usual_name, shown) = ChannelKind.COMMAND, masked_command(target)
        else:
            kind, (usual_name, shown) = ChannelKind.APPRISE, await self._dispatcher.check(target)
        add = partial(
            add_channel, target=target, kind=kind, shown=shown, level=Level(level), now=self._clock(), name=name,
            usual_name=usual_name,
        )  # fmt: skip
        return {"name": await self._writer.transact(add), "shown": shown}

    async def remove_channel(self, name: str) -> None:
        """Remove a channel; what waits for it goes along."""
        await self._writer.transact(partial(remove_channel, name=name))

    async def test_channel(self, name: str) -> dict[str, str | None]:
        """Send a test message now and return the `problem`, None if it arrived; what waits is then tried again."""
        target = await self._writer.transact(partial(read_target, name=name))
        problem = await self._dispatcher.deliver(target, make_test(socket.gethostname(), name))
        attempt = partial(record_attempt, channel_id=target.channel_id, now=self._clock(), problem=problem)
        await self._writer.transact(attempt)
        return {"problem": problem}


def _require_plain(target: str) -> None:
    if not target:
        raise ChangeRefusedError("a channel needs a URL or a command")
    if len(target) > MAX_TARGET:
        raise ChangeRefusedError(f"at most {MAX_TARGET} characters can say where alerts go")
    if "\0" in target or not target.isprintable():
        raise ChangeRefusedError("a URL or a command is one line without control characters")
