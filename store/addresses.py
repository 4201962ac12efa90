"""Under which address install lines sent agents, since when: after the receiver has moved, agents still send there.

The functions are for `Writer.transact`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import aiosqlite

from store.event_log import record
from store.events import Event, EventKind
from store.ledger import Ledger

KEPT = 50
"""Addresses that are remembered; a machine that moves every day is never asked for older ones."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address that install lines name since `at` (ms)."""

    at: int
    address: str


async def keep_address(
    connection: aiosqlite.Connection, ledger: Ledger, *, address: str, own: Collection[str], now: int
) -> tuple[Address, ...]:
    """Remember the address that install lines name now, and return all, oldest first.

    While the last one is among the machine's `own`, agents reach it there, whatever its default route is by now.
    """
    rows = await connection.execute_fetchall("SELECT at, address FROM receiver_address ORDER BY rowid")
    known = tuple(Address(*row) for row in rows)
    before = known[-1].address if known else None
    if before == address or before in own:
        return known
    await connection.execute("INSERT INTO receiver_address (at, address) VALUES (?, ?)", (now, address))
    await connection.execute(
        "DELETE FROM receiver_address WHERE rowid NOT IN"
        " (SELECT rowid FROM receiver_address ORDER BY rowid DESC LIMIT ?)",
        (KEPT,),
    )
    if before is not None:
        detail = {"before": before, "address": address}
        await record(connection, [Event(EventKind.RECEIVER_MOVED, now, detail=detail)])
    return *known, Address(now, address)


def move_since(addresses: Iterable[Address], at: int) -> dict[str, str]:
    """Return which address the receiver had at a time (ms) and has now, as an event's detail; empty if the same."""
    every = list(addresses)
    before = next((each.address for each in reversed(every) if each.at <= at), None)
    if before is None or before == every[-1].address:
        return {}
    return {"before": before, "address": every[-1].address}
