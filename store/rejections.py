"""What the receiver refused lately: folded lines that answer "why does my new server not show?"."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import aiosqlite

from store.ledger import Ledger

FINGERPRINT_LENGTH = 8
MAX_REJECTIONS = 256
"""Lines kept, in memory and on disk."""

MAX_ENDED_KEYS = 10_000


def fingerprint(agent_key: str) -> str:
    """Return what stands for a key where it must not be shown: the first 32 bits of its SHA-256, in hex."""
    return hashlib.sha256(agent_key.encode()).hexdigest()[:FINGERPRINT_LENGTH]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Refusals of one kind from one address: `count` of them from `first_at` to `last_at` (ms).

    `fingerprint` is empty where no key could be read, or "many" where many keys were folded; `field` is the path of
    the first wrong field, else empty. `monitor` is whose key it was once, and `ended` says how that ended ("rotated"
    or "deleted").
    """

    address: str
    fingerprint: str
    reason: str
    field: str
    status: int
    count: int
    first_at: int
    last_at: int
    monitor: str | None = None
    ended: str | None = None


async def read_rejections(connection: aiosqlite.Connection) -> list[Rejection]:
    """Return all lines, the latest first."""
    rows = await connection.execute_fetchall(
        "SELECT address, rejection.fingerprint, rejection.reason, field, status, count, first_at, last_at,"
        " monitor, ended_key.reason FROM rejection LEFT JOIN ended_key USING (fingerprint) ORDER BY last_at DESC"
    )
    return [Rejection(*row) for row in rows]


async def write_rejections(
    connection: aiosqlite.Connection, ledger: Ledger, *, lines: Sequence[Rejection], keep: int = MAX_REJECTIONS
) -> None:
    """Write changed lines over those of the same kind, and drop the least recent beyond `keep`."""
    await connection.executemany(
        "INSERT OR REPLACE INTO rejection VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(r.address, r.fingerprint, r.reason, r.field, r.status, r.count, r.first_at, r.last_at) for r in lines],
    )
    await connection.execute(
        "DELETE FROM rejection WHERE (address, fingerprint, reason, field) IN (SELECT address, fingerprint, reason,"
        " field FROM rejection ORDER BY last_at DESC LIMIT -1 OFFSET ?)",
        (keep,),
    )


async def record_ended_keys(
    connection: aiosqlite.Connection, keys: Sequence[str], monitor: str, reason: str, now: int
) -> None:
    """Remember by fingerprint, inside the caller's transaction, whose keys these were and why they ended."""
    await connection.executemany(
        "INSERT OR REPLACE INTO ended_key VALUES (?, ?, ?, ?)",
        [(fingerprint(key), monitor, reason, now) for key in keys],
    )
    await connection.execute(
        "DELETE FROM ended_key WHERE fingerprint IN (SELECT fingerprint FROM ended_key ORDER BY ended_at DESC"
        " LIMIT -1 OFFSET ?)",
        (MAX_ENDED_KEYS,),
    )
