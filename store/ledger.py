"""The writer's memory of the store: every monitor and key, so that a report needs no read before its write."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import aiosqlite

from store.live import Live
from store.policy import Defaults
from store.rows import MONITOR_QUERY, live_of

_KEYS = "SELECT monitor_id, id, agent_key FROM agent_key ORDER BY monitor_id, id"


@dataclass(frozen=True, slots=True)
class Key:
    """A key that works: its rank by age, whose it is, whether a report with it ends older keys, and if it is newest."""

    id: int
    monitor_id: int
    ends_older: bool
    is_newest: bool


@dataclass(slots=True)
class Ledger:
    """What is committed, in memory; changed only after a commit."""

    seq: int
    lives: dict[int, Live] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)

    def next_seq(self) -> int:
        """Return a number larger than all before; the gaps that failed batches leave do no harm."""
        self.seq += 1
        return self.seq

    def take(self, contents: "Contents") -> None:
        """Take committed contents in; when and by whom a monitor was heard, and its interned names, are in no table."""
        old = self.lives
        self.lives = {i: _keep_unstored(live, old.get(i)) for i, live in contents.lives.items()}
        self.keys = contents.keys
        self.defaults = contents.defaults

    def keys_before(self, key: Key) -> list[str]:
        """Return the keys of a monitor that are older than one of its keys."""
        return [text for text, k in self.keys.items() if k.monitor_id == key.monitor_id and k.id < key.id]

    def drop_keys_before(self, key: Key) -> None:
        """Forget the keys of a monitor that a newer one has ended."""
        for text in self.keys_before(key):
            del self.keys[text]
        self.keys = {t: replace(k, ends_older=False) if k == key else k for t, k in self.keys.items()}


@dataclass(frozen=True, slots=True)
class Contents:
    """Monitors, keys and default settings as the tables have them."""

    lives: dict[int, Live]
    keys: dict[str, Key]
    defaults: Defaults


async def load_ledger(connection: aiosqlite.Connection, now: int) -> Ledger:
    """Read the whole ledger at start; `now` (ms) keeps `seq` above whatever deleted monitors had."""
    ledger = Ledger(seq=now)
    ledger.take(await read_contents(connection))
    ledger.seq = max([now, *(live.monitor.seq for live in ledger.lives.values())])
    return ledger


async def read_contents(connection: aiosqlite.Connection) -> Contents:
    """Read everything that a change may have altered: some 15 ms with 1,000 monitors, and changes are rare."""
    rows = await connection.execute_fetchall(MONITOR_QUERY)
    keys = await connection.execute_fetchall(_KEYS)
    ((settings, configured),) = await connection.execute_fetchall("SELECT settings, configured FROM defaults")
    defaults = Defaults(json.loads(settings), json.loads(configured))
    return Contents({live.monitor.id: live for live in map(live_of, rows)}, _ranked(keys), defaults)


def _keep_unstored(live: Live, old: Live | None) -> Live:
    if old is None:
        return live
    return replace(
        live,
        heard_s=old.heard_s,
        steady_s=old.steady_s,
        restamped=old.restamped,
        host_id=old.host_id,
        mount_ids=old.mount_ids,
        runs=old.runs,
        trend=old.trend,
    )


def _ranked(rows: Iterable[Any]) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    for monitor_id, group in groupby(rows, key=lambda row: row[0]):
        ranked = list(group)
        for place, (_, key_id, text) in enumerate(ranked):
            keys[text] = Key(key_id, monitor_id, ends_older=place > 0, is_newest=place == len(ranked) - 1)
    return keys
