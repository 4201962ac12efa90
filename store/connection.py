"""The two kinds of connection: the one writer, and readers that can change nothing."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import aiosqlite

from store.location import uri
from store.schema import durable_statements, reading_statements, reading_uri
from store.sizes import kibibytes

BUSY_TIMEOUT_S = 2.0
"""How long a write waits for a foreign process that holds SQLite's lock before its reports are answered 503."""


async def open_writer(path: Path) -> aiosqlite.Connection:
    """Open the writing connection; every commit is on disk when it returns (WAL, `synchronous=FULL`)."""
    return await _connect(uri(path, "rw"), (*durable_statements(), "PRAGMA foreign_keys = ON"))


async def open_reader(path: Path) -> aiosqlite.Connection:
    """Open a connection that reads only, also where nothing may be written; it never holds the writer up."""
    return await _connect(reading_uri(path), reading_statements(path))


async def _connect(address: str, statements: Sequence[str]) -> aiosqlite.Connection:
    # aiosqlite leaves a thread behind when connecting fails, which then speaks to a closed loop: fail before it.
    sqlite3.connect(address, uri=True).close()
    connection = await aiosqlite.connect(address, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    try:
        for statement in statements:
            await connection.execute(statement)
        await connection.create_function("kibibytes", 1, kibibytes, deterministic=True)
    except BaseException:  # also when whoever asked has given up: nobody else would close it
        await connection.close()
        raise
    return connection
