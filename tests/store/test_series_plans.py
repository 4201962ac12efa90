"""No question to the history reads a large table from end to end, with the planner's statistics or without."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.upkeep import ANALYZE_EVERY_S
from store import buckets, changes, expiry, forecasts, names, past, rollup, rows, series
from store.models import MountUsage
from store.tiers import Tier
from tests.conftest import Clock, make_report
from tests.store.history import History

LARGE = r"sample(_mount)?|rollup(_mount)?(_5m|_1h)?|verdict|before|s"
MODULES = (buckets, changes, expiry, forecasts, names, past, rollup, rows, series)


def statements(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the statements in a module's constant."""
    if isinstance(value, str) and re.match(r"\s*(SELECT|WITH|DELETE|UPDATE)\b", value):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from statements(f"{name}[{key.name if isinstance(key, Tier) else key}]", item)
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from statements(f"{name}[{place}]", item)


STATEMENTS = dict(
    found for module in MODULES for name, value in vars(module).items() for found in statements(name, value)
)


def any_parameters(statement: str) -> Any:
    if named := set(re.findall(r":(\w+)", statement)):
        return dict.fromkeys(named, 1)
    numbers = [int(number) for number in re.findall(r"\?(\d)", statement)]
    return (1,) * max([*numbers, len(re.findall(r"\?(?!\d)", statement))])


async def fill(path: Path) -> None:
    async with History(path, Clock()) as history:
        for minute in range(300):
            history.clock.advance(60)
            disks = tuple(MountUsage(f"/{n}", float(minute % 100), "5G") for n in range(3))
            await history.report(make_report(disk_usage=disks))
        await history.go_round()
        history.clock.advance(ANALYZE_EVERY_S)
        await history.go_round()


FORGET = "DELETE FROM sqlite_stat1;"
SOME = f"""{FORGET} INSERT INTO sqlite_stat1 VALUES
    ('sample_mount', 'sample_mount', '18585 201 2 1'), ('mount', 'sqlite_autoindex_mount_1', '20 2 1'),
    ('rollup_mount_5m', 'rollup_mount_5m', '65520 201 1'), ('rollup_mount_1h', 'rollup_mount_1h', '9920 201 1');"""
"""What `PRAGMA optimize` may leave: it looks at some tables only."""


@pytest.mark.parametrize("statistics", [FORGET, "ANALYZE;", SOME], ids=["none", "all", "some"])
async def test_no_statement_reads_a_large_table_whole(tmp_path: Path, statistics: str) -> None:
    assert len(STATEMENTS) > 30
    await fill(tmp_path / "a.db")
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.executescript(statistics)
    connection.close()
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.create_function("kibibytes", 1, lambda size: None)
    for name, statement in STATEMENTS.items():
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", any_parameters(statement)).fetchall()
        scans = [step[3] for step in steps if re.match(rf"SCAN ({LARGE})\b", step[3])]
        assert scans == [], name
    connection.close()
