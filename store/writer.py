"""The one writing connection: group commit of reports, and every other change in a transaction of its own.

A report's `store` returns after the commit that holds it is on disk. While one transaction is being committed
the reports that arrive wait for the next, so that the cost of syncing is shared by as many as there are.
"""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeGuard, TypeVar

import aiosqlite

from store.batch import Entry, remember, write_batch
from store.connection import BUSY_TIMEOUT_S, open_writer
from store.errors import AgentmonError, StoreUnavailableError, UnknownKeyError
from store.foreign_log import Files
from store.ledger import Contents, Ledger, load_ledger, read_contents
from store.live import Live
from store.models import AgentInfo, Report
from store.place import READ_ONLY, Place
from store.restamp import Moved
from store.text import safe_text
from store.verdicts import Ruling, write_ruling

log = logging.getLogger("agentmon.store")

T = TypeVar("T")
Change = Callable[[aiosqlite.Connection, Ledger], Awaitable[T]]
"""Statements to run inside a transaction: takes the connection and what is committed so far."""

MAX_BATCH = 500
TROUBLED_TIMEOUT_S = 0.2
"""How long a write waits for a foreign lock once one has waited in vain."""

MAX_WAITING = 5_000
"""Reports in memory when the store stalls: 5,000 of the largest that fit a body are some 100 MB, typical ones 5."""

OF_A_ROW = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Errors of SQLite that speak of one row; all others speak of the store."""

LEFT_OPEN: list[aiosqlite.Connection] = []
"""Connections to databases that were made read-only: all is committed, and closing them would touch the index.

The thread of one goes on, so whoever closed a writer may have to end the process without waiting for its threads.
"""

FILE_GONE = "the database or its log was moved, replaced or deleted under the running receiver: put it back or restart"


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A report that waits to be written, and who waits for it."""

    entry: Entry
    done: asyncio.Future[None]


def wall_clock_ms() -> int:
    """Return the time of day, UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Writer:
    """Writes reports and changes to a database that `store.schema.prepare_database` has made ready.

    `clock` gives UTC milliseconds; `listening_s` gives the seconds that the receiver has been listening, on a
    clock that no change of the time of day moves. `note` is given the files after a commit that changed the database's
    or made another log (`store.foreign_log`). `steady_s` gives seconds that nobody sets and that never stop, by which
    rates are made; by default the same as `listening_s`.
    """

    def __init__(
        self,
        path: Path,
        connection: aiosqlite.Connection,
        ledger: Ledger,
        clock: Callable[[], int],
        listening_s: Callable[[], float],
        note: Callable[[Files], None],
        steady_s: Callable[[], float],
    ) -> None:
        """Wrap an open connection; use `open` to get a writer that runs."""
        self._place = Place(path)
        self._rescued = False
        self._patience_s = BUSY_TIMEOUT_S
        self._connection = connection
        self._ledger = ledger
        self._clock = clock
        self._listening_s = listening_s
        self._note = note
        self._steady_s = steady_s
        self._problem: str | None = None
        self._transaction = asyncio.Lock()
        self._closing = False
        self._waiting: list[Pending] = []
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._write_reports())

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Callable[[], int] = wall_clock_ms,
        listening_s: Callable[[], float] = time.monotonic,
        note: Callable[[Files], None] = lambda _: None,
        steady_s: Callable[[], float] | None = None,
    ) -> Self:
        """Open the database and read what is in it; raises `StoreUnavailableError` if that fails."""
        try:
            connection = await open_writer(path)
            try:
                ledger = await load_ledger(connection, clock())
            except sqlite3.Error:
                await connection.close()
                raise
        except sqlite3.Error as error:
            raise StoreUnavailableError(f"cannot open {safe_text(str(path))}: {error}") from error
        return cls(path, connection, ledger, clock, listening_s, note, steady_s or listening_s)

    async def close(self) -> None:
        """Write what waits, then close the database."""
        self._closing = True
        self._arrived.set()
        await self._task
        # A console that still reads keeps the write-ahead log: empty it, so that a copy of the one file holds all.
        async with self._transaction:
            await self._empty_log()
            if self._place.is_safe():
                await self._connection.close()
            else:
                LEFT_OPEN.append(self._connection)

    async def _empty_log(self) -> bool:
        """Write into the database what stands in its log alone; returns whether nothing was in the way."""
        if not self._place.is_safe():
            return False
        await self._be_patient()
        try:
            ((busy, _, _),) = await self._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            return False
        return not busy

    @property
    def problem(self) -> str | None:
        """Why the store takes no writes, as one line; None while it does."""
        return self._problem

    @property
    def lives(self) -> Mapping[int, Live]:
        """All monitors by id, as committed."""
        return MappingProxyType(self._ledger.lives)

    def find(self, agent_key: str) -> int | None:
        """Return the id of the monitor that a key belongs to, None if to none."""
        key = self._ledger.keys.get(agent_key)
        return key.monitor_id if key else None

    async def store(self, agent_key: str, report: Report, address: str, agent: AgentInfo | None = None) -> None:
        """Store a report that `agent` sent, if that is one of ours; returns once it is on disk.

        Raises `UnknownKeyError` if the key belongs to no monitor, `ReportRefusedError` if the report names too much
        that is new, `StoreUnavailableError` if it was not stored.
        """
        await self.submit(agent_key, report, address, agent)

    def submit(
        self, agent_key: str, report: Report, address: str, agent: AgentInfo | None = None
    ) -> asyncio.Future[None]:
        """Take a report as of now, to be stored soon; what is returned ends as `store` does, and must be awaited.

        Raises `StoreUnavailableError` if too many wait already.
        """
        if self._closing or len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailableError(self._problem or "too many reports wait to be written")
        entry = Entry(agent_key, report, address, agent, self._clock(), self._listening_s(), self._steady_s())
        pending = Pending(entry, asyncio.get_running_loop().create_future())
        self._waiting.append(pending)
        self._arrived.set()
        return pending.done

    async def transact(self, change: Change[T]) -> T:
        """Run statements that touch no monitor in a transaction of their own.

        Whatever they raise undoes them and is passed on; trouble of the store itself becomes
        `StoreUnavailableError`.
        """
        return await self._seen_through(self._guarded(change))

    async def change(self, change: Change[T]) -> T:
        """Run a change of monitors or keys like `transact`, and take what it may have altered into the ledger."""

        async def change_and_read(connection: aiosqlite.Connection, ledger: Ledger) -> tuple[T, Contents]:
            return await change(connection, ledger), await read_contents(connection)

        async def keep() -> T:
            result, contents = await self._guarded(change_and_read)
            self._ledger.take(contents)
            return result

        return await self._seen_through(keep())

    async def move(self, change: Change[Moved]) -> Moved:
        """Run a change like `transact` that gives monitors other times, and remember them as they are then."""

        async def move_and_remember() -> Moved:
            moved = await self._guarded(change)
            self._ledger.lives.update(moved.lives)
            return moved

        return await self._seen_through(move_and_remember())

    async def rejudge(self, decide: Callable[[Mapping[int, Live]], Ruling]) -> Ruling:
        """Let a judge decide on all monitors at once, write what it decided, and return that.

        It sees each monitor as committed, and no report comes between its ruling and the write.
        """
        return await self._seen_through(self._rejudge(decide))

    async def _rejudge(self, decide: Callable[[Mapping[int, Live]], Ruling]) -> Ruling:
        ruling = decide(self.lives)
        if ruling.changed or ruling.events:
            self._ledger.lives.update(await self._guarded(partial(write_ruling, ruling=ruling)))
        return ruling

    async def _seen_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work as the only one on the connection, to its end even if who asked for it is cancelled.

        A cancelled wait does not cancel its SQL: a BEGIN that nobody awaits would spoil the next transaction.
        """

        async def alone() -> T:
            async with self._transaction:
                return await work

        return await asyncio.shield(asyncio.ensure_future(alone()))

    async def _write_reports(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._write_batch(batch)

    async def _write_batch(self, batch: Sequence[Pending]) -> None:
        async with self._transaction:
            try:
                await self._commit(batch)
            except StoreUnavailableError as error:
                _settle(batch, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, one of the reports may have brought it about
                if is_busy(error):
                    _settle(batch, self._failed(error))
                else:
                    await self._row_by_row(batch)

    async def _row_by_row(self, batch: Sequence[Pending]) -> None:
        """Store what can be stored: one bad report takes no neighbour along, a bad store fails all at once."""
        for place, pending in enumerate(batch):
            try:
                await self._commit([pending])
            except StoreUnavailableError as error:
                _settle(batch[place:], error)
                return
            except Exception as error:
                if is_trouble(error):
                    _settle(batch[place:], self._failed(error))
                    return
                # Were it not caught, nobody would write from here on, and every sender would wait for ever.
                log.exception("a report could not be stored")
                _settle([pending], StoreUnavailableError("this report could not be stored"))

    async def _commit(self, batch: Sequence[Pending]) -> None:
        keys = self._ledger.keys
        known = [pending for pending in batch if pending.entry.agent_key in keys]
        if len(known) < len(batch):
            unknown = [pending for pending in batch if pending.entry.agent_key not in keys]
            _settle(unknown, UnknownKeyError("the key belongs to no monitor"))
        if known:
            entries = [pending.entry for pending in known]
            stored = await self._in_transaction(partial(write_batch, entries=entries))
            remember(self._ledger, stored)
            for place, error in stored.refused.items():
                _settle([known[place]], error)
            _settle(known)

    async def _guarded(self, change: Change[T]) -> T:
        try:
            return await self._in_transaction(change)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    async def _in_transaction(self, change: Change[T]) -> T:
        self._require_files()
        await self._be_patient()
        if self._connection.in_transaction:
            await self._connection.execute("ROLLBACK")
        await self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = await change(self._connection, self._ledger)
            await self._connection.execute("COMMIT")
        except BaseException:
            # If even this fails (it may, on a full disk), the next transaction starts with it.
            with contextlib.suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    await self._connection.execute("ROLLBACK")
            raise
        self._works()
        if files := self._place.written():
            self._note(files)
        return result

    async def _be_patient(self) -> None:
        """Wait for a foreign lock, but not for long where others waited in vain: all that wait their turn add up."""
        patience_s = BUSY_TIMEOUT_S if self._problem is None else TROUBLED_TIMEOUT_S
        if self._patience_s != patience_s:
            await self._connection.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000):d}")
            self._patience_s = patience_s

    async def look_after_files(self) -> None:
        """Raise `StoreUnavailableError` if a file of the database is not as it was when it was opened."""
        try:
            self._require_files()
        except StoreUnavailableError:
            await self._seen_through(self._rescue())
            raise

    def _require_files(self) -> None:
        """Raise `StoreUnavailableError` where SQLite would commit into files that nobody finds again, or crash."""
        if not self._place.is_same():
            raise self._failed(StoreUnavailableError(FILE_GONE))
        self._rescued = False
        if not self._place.is_safe():
            raise self._failed(StoreUnavailableError(READ_ONLY))

    async def _rescue(self) -> None:
        """Write into the database what stands in its log alone, once.

        A log that was deleted is still open; one that stays behind would be taken for that of the next database there.
        """
        if not self._rescued:
            self._rescued = await self._empty_log()

    def _failed(self, error: sqlite3.Error | StoreUnavailableError) -> StoreUnavailableError:
        problem = str(error) if isinstance(error, StoreUnavailableError) else f"the store takes no writes: {error}"
        if self._problem != problem:
            log.error("%s", problem)
        self._problem = problem
        return StoreUnavailableError(problem)

    def _works(self) -> None:
        if self._problem:
            log.warning("the store takes writes again")
        self._problem = None


def is_trouble(error: Exception) -> TypeGuard[sqlite3.Error]:
    """Return whether an error speaks of the store as a whole, and not of one report."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, OF_A_ROW)


def is_busy(error: Exception) -> TypeGuard[sqlite3.OperationalError]:
    """Return whether another process holds SQLite's lock, so that trying again would wait as long again."""
    return (
        isinstance(error, sqlite3.OperationalError)
        and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    )


def _settle(batch: Sequence[Pending], error: AgentmonError | None = None) -> None:
    for pending in batch:
        if pending.done.done():  # the sender went away meanwhile
            continue
        if error:
            pending.done.set_exception(error)
        else:
            pending.done.set_result(None)
