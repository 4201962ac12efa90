"""Reading a database for a command that then ends."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from store.errors import AgentmonError
from store.models import Monitor
from store.policy import Defaults
from store.reader import Reader
from store.tags import has_tags
from store.text import safe_text


@asynccontextmanager
async def reading(database: Path) -> AsyncIterator[Reader]:
    """Open a reader and close it; raises `DatabaseRefusedError`."""
    reader = await Reader.open(database)
    try:
        yield reader
    finally:
        await reader.close()


async def read_fleet(database: Path) -> tuple[Monitor, ...]:
    """Return all monitors by name."""
    async with reading(database) as reader:
        return (await reader.changes()).monitors


async def read_monitor(database: Path, name: str) -> Monitor:
    """Return one monitor; raises `AgentmonError` if there is none of that name."""
    async with reading(database) as reader:
        return required(await reader.monitor(name), name)


async def read_key(database: Path, name: str) -> str:
    """Return a monitor's newest key; raises `AgentmonError` if there is no such monitor."""
    async with reading(database) as reader:
        key = await reader.agent_key(name)
    if key is None:
        raise _unknown(name)
    return key


async def read_defaults(database: Path) -> Defaults:
    """Return the settings of all monitors that have none of their own."""
    async with reading(database) as reader:
        return await reader.defaults()


def tagged(monitors: Iterable[Monitor], tags: Collection[str]) -> list[Monitor]:
    """Return the monitors that have all of these tags."""
    return [monitor for monitor in monitors if has_tags(monitor.tags, tags)]


def required(monitor: Monitor | None, name: str) -> Monitor:
    """Return the monitor that was found, or raise `AgentmonError`."""
    if monitor is None:
        raise _unknown(name)
    return monitor


def _unknown(name: str) -> AgentmonError:
    return AgentmonError(f"there is no monitor called {safe_text(name)}")
