"""Opening a connection: whoever gives up while it opens leaves no thread behind, which would keep the process."""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from store.connection import open_reader, open_writer

Open = Callable[[Path], Coroutine[None, None, aiosqlite.Connection]]


@pytest.mark.parametrize(
    ("opened", "step"),
    [(open_reader, "create_function"), (open_writer, "create_function"), (open_writer, "execute")],
)
async def test_a_connection_that_is_given_up_while_it_opens_is_closed(
    database: Path, monkeypatch: pytest.MonkeyPatch, opened: Open, step: str
) -> None:
    real: Callable[..., Any] = getattr(aiosqlite.Connection, step)

    async def given_up(*arguments: Any, **options: Any) -> Any:
        task.cancel()
        return await real(*arguments, **options)

    monkeypatch.setattr(aiosqlite.Connection, step, given_up)
    threads = set(threading.enumerate())
    task = asyncio.create_task(opened(database))
    with pytest.raises(asyncio.CancelledError):
        await task
    left = set(threading.enumerate()) - threads
    for thread in left:
        thread.join(10)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.mark.parametrize(("platform", "full"), [("darwin", 1), ("linux", 0)])
async def test_a_mac_writes_through_the_cache_of_its_drive(
    database: Path, monkeypatch: pytest.MonkeyPatch, platform: str, full: int
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    connection = await open_writer(database)
    for pragma in ("fullfsync", "checkpoint_fullfsync"):
        ((found,),) = await connection.execute_fetchall(f"PRAGMA {pragma}")
        assert found == full
    await connection.close()
