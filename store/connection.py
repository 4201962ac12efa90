"""The two kinds of connection: the one writer, and readers that can change nothing."""

import sqlite3
from pathlib import Path

import aiosqlite

from store.schema import uri
from store.sizes import kibibytes

BUSY_TIMEOUT_S = 2.0
"""How long a write waits for a foreign process that holds SQLite's lock before its reports are answered 503."""


async def open_writer(path: Path) -> aiosqlite.Connection:
    """Open the writing connection; every commit is on disk when it returns (WAL, `synchronous=FULL`)."""
    connection = await _connect(path, "rw")
    try:
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:  # also when whoever asked has given up: nobody else would close it
        await connection.close()
        raise
    return connection


async def open_reader(path: Path) -> aiosqlite.Connection:
    """Open a connection that reads only; it never holds the writer up."""
    return await _connect(path, "ro")


async def _connect(path: Path, mode: str) -> aiosqlite.Connection:
    # aiosqlite leaves a thread behind when connecting fails, which then speaks to a closed loop: fail before it.
    sqlite3.connect(uri(path, mode), uri=True).close()
    connection = await aiosqlite.connect(uri(path, mode), uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    try:
        await connection.create_function("kibibytes", 1, kibibytes, deterministic=True)
    except BaseException:
        await connection.close()
        raise
    return connection
