"""What the receiver refused lately: folded lines that answer "why does my new server not show?", and what to do."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from store.text import safe_text

if TYPE_CHECKING:
    # The console words rejections before it has need of SQLite.
    import aiosqlite

    from store.ledger import Ledger

FINGERPRINT_LENGTH = 8
MANY = "many"
"""Stands for the fingerprint where refusals with many keys were folded into one line."""

MAX_REJECTIONS = 256
"""Lines kept, in memory and on disk."""

MAX_ENDED_KEYS = 10_000
ROTATED, DELETED = "rotated", "deleted"


class Refusal(StrEnum):
    """Why a report was refused: a fixed set of words that quote nothing of what came."""

    MALFORMED = "malformed HTTP"
    CUT_OFF = "body cut off"
    BROKEN = "body broken"
    GONE = "sender went away"
    UNKNOWN_KEY = "unknown agent key"
    METHOD = "method not allowed"
    HEADERS_LATE = "headers late"
    BODY_LATE = "body late"
    TOO_LARGE = "body too large"
    ENCODED = "content encoding"
    NO_REPORT = "no JSON object"
    INVALID_KEY = "invalid agent key"
    INVALID_REPORT = "invalid report"
    MANY_UNKNOWN = "too many unknown agent keys"
    MANY_REPORTS = "too many reports"
    MANY_CONNECTIONS = "too many connections"
    MANY_NAMES = "too many different names"
    STORE = "store unavailable"
    TLS = "TLS handshake failed"
    PLAIN_HTTP = "http instead of https"


def fingerprint(agent_key: str) -> str:
    """Return what stands for a key where it must not be shown: the first 32 bits of its SHA-256, in hex."""
    return hashlib.sha256(agent_key.encode()).hexdigest()[:FINGERPRINT_LENGTH]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Refusals of one kind from one address: `count` of them from `first_at` to `last_at` (ms).

    `address` is a network (with a `/`) where many addresses of it were folded. `fingerprint` is empty where no key
    could be read, or `MANY` where many keys were folded; `field` is the path of the first wrong field, else empty.
    `monitor` is whose key it is, or was: then `ended` says how that ended (`ROTATED` or `DELETED`).
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

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the same refusals have in common."""
        return self.address, self.fingerprint, self.reason, self.field


LineKey = tuple[str, str, str, str]
"""Address, fingerprint, reason and field of a line."""


async def read_rejections(connection: "aiosqlite.Connection") -> list[Rejection]:
    """Return all lines, the latest first."""
    rows = await connection.execute_fetchall(
        "SELECT address, rejection.fingerprint, rejection.reason, field, status, count, first_at, last_at,"
        " monitor, ended_key.reason FROM rejection LEFT JOIN ended_key USING (fingerprint) ORDER BY last_at DESC"
    )
    lines = [Rejection(*row) for row in rows]
    if not any(line.fingerprint for line in lines):
        return lines
    owners = await _read_owners(connection)
    return [
        replace(line, monitor=owners[line.fingerprint], ended=None) if line.fingerprint in owners else line
        for line in lines
    ]


async def _read_owners(connection: "aiosqlite.Connection") -> dict[str, str]:
    """Return the monitors' names by the fingerprints of the keys that work now."""
    rows = await connection.execute_fetchall(
        "SELECT agent_key, name FROM agent_key JOIN monitor ON monitor.id = monitor_id"
    )
    return {fingerprint(row[0]): row[1] for row in rows}


async def write_rejections(
    connection: "aiosqlite.Connection",
    ledger: "Ledger",
    *,
    lines: Sequence[Rejection],
    gone: Collection[LineKey] = (),
    keep: int = MAX_REJECTIONS,
) -> None:
    """Write changed lines over those of the same kind, and drop what is gone and the least recent beyond `keep`."""
    await connection.executemany(
        "DELETE FROM rejection WHERE address = ? AND fingerprint = ? AND reason = ? AND field = ?", list(gone)
    )
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
    connection: "aiosqlite.Connection", keys: Sequence[str], monitor: str, reason: str, now: int
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


_GAVE_UP = "the sender gave up before its whole report was here: is its timeout short, or its line bad?"
_TOO_SLOW = "the report did not arrive in time: something on the way is slow or drops data"

_ADVICE: dict[str, str] = {
    Refusal.MALFORMED: "what came was no HTTP: does the agent say https:// to a receiver that speaks http?",
    Refusal.TLS: "does it trust this receiver's certificate? Install the agent again with its new line",
    Refusal.PLAIN_HTTP: "the agent says http:// to a receiver that speaks https: install it again with its new line",
    Refusal.CUT_OFF: _GAVE_UP,
    Refusal.BROKEN: _GAVE_UP,
    Refusal.GONE: _GAVE_UP,
    Refusal.METHOD: "reports are sent with POST: this was a browser, a health check or a redirected agent",
    Refusal.HEADERS_LATE: _TOO_SLOW,
    Refusal.BODY_LATE: _TOO_SLOW,
    Refusal.TOO_LARGE: "a report has at most 256 KiB: see with the agent's --print what makes this one so large",
    Refusal.ENCODED: "the report came with a Content-Encoding: let the agent, or a proxy on the way, send it plainly",
    Refusal.NO_REPORT: "the body was empty or no JSON object: see with the agent's --print what it sends",
    Refusal.INVALID_KEY: "the agent's key is missing or malformed: agentmon monitor key NAME shows the right one",
    Refusal.MANY_UNKNOWN: "this address brings so many unknown keys that it must wait: give its agents keys that exist",
    Refusal.MANY_REPORTS: "one key sends more reports than serve --max-report-rate allows: is its agent in a loop?",
    Refusal.MANY_CONNECTIONS: "more connections at once than are allowed: do all agents report in the same second?",
    Refusal.MANY_NAMES: "its mounts or host facts are new in each report: see with the agent's --print which change",
    Refusal.STORE: "the receiver could not write, as its log says: the agent sends the next report by itself",
}


def advice(rejection: Rejection) -> str:
    """Return what a person can do about refused reports, as one plain sentence."""
    if rejection.reason == Refusal.UNKNOWN_KEY:
        return _advice_on_key(rejection)
    if rejection.reason == Refusal.INVALID_REPORT:
        return _advice_on_report(rejection)
    return _ADVICE.get(rejection.reason, f"the receiver answered {rejection.status}: its log may say more")


def _advice_on_key(rejection: Rejection) -> str:
    if rejection.fingerprint == MANY:
        return "no monitor has these many keys: someone is guessing, or a whole group of agents has lost its monitors"
    if rejection.monitor is None:
        return "no monitor has this key: agentmon monitor key NAME shows the right one, or create the monitor"
    name = safe_text(rejection.monitor)
    if rejection.ended == DELETED:
        return f"this was the key of {name}, deleted: uninstall the agent, or create the monitor and install it anew"
    if rejection.ended == ROTATED:
        return f"this is the old key of {name}, replaced: install the agent anew with the new key"
    return f"this is the key of {name} now: the agent's next report will be taken"


def _advice_on_report(rejection: Rejection) -> str:
    who = "the agent" if rejection.monitor is None else f"the agent of {safe_text(rejection.monitor)}"
    if not rejection.field:
        return f"{who} sends reports with wrong fields: see with its --print which"
    return f"{who} sends a bad {safe_text(rejection.field)}: see with its --print what, and update it"
