"""Asking for a change: of the running receiver, or, when none runs, of the database itself for a moment."""

import asyncio
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from store.errors import AgentmonError, DatabaseHeldError, ReceiverUnreachableError
from store.models import Credentials, InstallLine, ReceiverInfo
from store.policy import Changes, Level
from store.tags import Edit

WAIT_S = 5.0
"""How long to wait for a receiver that holds the lock but does not answer yet: it is starting or stopping."""

RETRY_S = 0.1


def perform(database: Path, operation: str, **arguments: Any) -> Any:
    """Run an operation of `server.control` wherever it can be run, and return its result.

    Raises an `AgentmonError` that says in one line why not.
    """
    from server.client import call

    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return call(database, operation, **arguments)
        except ReceiverUnreachableError:
            try:
                return _perform_here(database, operation, arguments)
            except DatabaseHeldError:
                if time.monotonic() >= deadline:
                    raise
        time.sleep(RETRY_S)


def _perform_here(database: Path, operation: str, arguments: dict[str, Any]) -> Any:
    from store.location import real_path, require_local
    from store.lock import DatabaseLock
    from store.schema import inspect_database, prepare_database

    if not _allows_network():
        require_local(real_path(database))
    if operation != "create":
        inspect_database(database)  # only that one makes a database where there is none
    with DatabaseLock.acquire(database, operation) as lock:
        prepare_database(database)
        lock.note(None)
        return asyncio.run(_perform_on_writer(database, operation, arguments))


def _allows_network() -> bool:
    """Return whether the receiver that will serve the database may do so on a network file system."""
    from agentmon.options import configuration

    if click.get_current_context(silent=True) is None:  # on a thread of the receiver, which is served by itself
        return True
    return bool(configuration().value("serve", "allow_network_filesystem"))


async def _perform_on_writer(database: Path, operation: str, arguments: dict[str, Any]) -> Any:
    from server.control import Control
    from server.fleet_judge import FleetJudge
    from store.writer import Writer, wall_clock_ms

    writer = await Writer.open(database)
    try:
        info = _receiver_to_come()
        judge = await FleetJudge.open(writer, wall_clock_ms, lambda: 0.0)
        control = Control(writer, lambda: info, wall_clock_ms, judge)
        return await control.operations[operation](**arguments)
    finally:
        await writer.close()


def _receiver_to_come() -> ReceiverInfo:
    """Return what `agentmon serve` will be without options, as none runs that could tell.

    Its certificate may be out of this user's reach: that is told as its problem.
    """
    from agentmon.options import configuration
    from agentmon.serve import DEFAULT_PORT, tls_files
    from server.address import host_of
    from server.reach import find_reach
    from server.tls import Identity
    from store.writer import wall_clock_ms

    config = configuration()
    host, port, public_url = (config.value("serve", name) for name in ("host", "port", "public_url"))
    tls = tls_files(config.value("serve", "tls_cert"), config.value("serve", "tls_key"))
    reach = find_reach(host, port or DEFAULT_PORT, (public_url or "").rstrip("/") or None, tls=tls is not None)
    url = reach.url
    pin, problem = None, None
    if tls and url.startswith("https:"):
        try:
            pin = Identity.load(tls, host_of(url)).pin
        except AgentmonError as error:
            problem = str(error)
    return ReceiverInfo(wall_clock_ms(), url, problem, pin, reach.others, reach.in_container)


def credentials(result: dict[str, Any]) -> Credentials:
    """Return the `Credentials` in an operation's result."""
    lines = tuple(InstallLine(**line) for line in result["install"])
    return Credentials(**(result | {"install": lines}))


class ConsoleAdmin:
    """The console's way to the receiver (`tui.ports.Admin`): each call on a worker thread."""

    def __init__(self, database: Path) -> None:
        """Ask whichever receiver serves `database` at the time of each call."""
        self._database = database

    async def receiver(self) -> ReceiverInfo:
        """Return what the running receiver says of itself."""
        return ReceiverInfo(**await self._call("receiver"))

    async def credentials(self, name: str) -> Credentials:
        """Return a monitor's newest agent key and its install lines."""
        return credentials(await self._call("credentials", name=name))

    async def create(self, name: str) -> Credentials:
        """Create a monitor with a new key."""
        return credentials((await self._call("create", names=[name]))[0])

    async def edit(self, name: str, edit: Edit) -> None:
        """Give a monitor another name, tags or note, all or nothing."""
        await self._call("edit", name=name, **asdict(edit))

    async def rotate(self, name: str) -> Credentials:
        """Give a monitor a new key."""
        return credentials(await self._call("rotate", name=name))

    async def pause(self, name: str, for_s: float | None = None) -> None:
        """Judge a monitor no more, until resumed or for `for_s` seconds."""
        await self._call("pause", name=name, for_s=for_s)

    async def resume(self, name: str) -> None:
        """Judge a paused monitor again."""
        await self._call("resume", name=name)

    async def delete(self, name: str) -> None:
        """Remove a monitor and its history."""
        await self._call("delete", name=name)

    async def set(self, name: str, settings: Changes) -> None:
        """Change settings of one monitor; None returns to the default."""
        await self._call("set", name=name, settings=dict(settings))

    async def set_defaults(self, settings: Changes) -> None:
        """Change the defaults of all monitors; None returns to what is built in."""
        await self._call("set_defaults", settings=dict(settings))

    async def add_channel(
        self, *, url: str | None = None, command: str | None = None, name: str | None = None, level: Level
    ) -> str:
        """Send alerts of at least `level` to an Apprise URL or a command from now on; returns the channel's name."""
        added = await self._call("add_channel", url=url, command=command, name=name, level=level)
        return str(added["name"])

    async def remove_channel(self, name: str) -> None:
        """Send no more alerts there."""
        await self._call("remove_channel", name=name)

    async def test_channel(self, name: str) -> str | None:
        """Send a test message there now; returns why that failed, None if it arrived."""
        problem: str | None = (await self._call("test_channel", name=name))["problem"]
        return problem

    async def _call(self, operation: str, **arguments: Any) -> Any:
        from server.client import call

        return await asyncio.to_thread(call, self._database, operation, **arguments)
