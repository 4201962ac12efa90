"""`history` and `backup`: every step in every form, and a forecast where there is one."""

import asyncio
import csv
import io
import json
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from server.upkeep import Upkeep, UpkeepOptions
from store import changes
from store.models import MountUsage
from store.schema import prepare_database
from store.tiers import DAY_MS, HOUR_MS
from store.writer import Writer, wall_clock_ms
from tests.agentmon.conftest import Run
from tests.conftest import Clock, make_report

HOURS = 3


async def _fill(path: Path, clock: Clock) -> None:
    writer = await Writer.open(path, clock.wall, clock.listening_s)
    make = partial(changes.create_monitors, names=["web-1"], now=clock.wall())
    ((_, _, key),) = await writer.change(make)
    for minute in range(HOURS * 60):
        mounts = (MountUsage("/", 40.0 + minute / 60, "50G", "22G", "28G"), MountUsage("/a b", 10.0))
        report = make_report(
            cpu_usage=float(minute % 60), disk_usage=mounts, network_rx_bytes=minute * 600, swap_usage=None
        )
        await writer.store(key, report, "::1")
        clock.advance(60)
    await Upkeep(writer, UpkeepOptions(), clock.wall).go_round()
    await writer.close()


@pytest.fixture
def filled(home: Path) -> Path:
    """A database with three hours of minutely reports, up to now, beginning with an hour."""
    path = home / ".local/share/agentmon/agentmon.db"
    prepare_database(path)
    start = wall_clock_ms() // HOUR_MS * HOUR_MS - HOURS * HOUR_MS
    asyncio.run(_fill(path, Clock(ms=start)))
    return path


def rows(run: Run, *arguments: str) -> list[dict[str, Any]]:
    ran = run("history", "web-1", *arguments, "--json")
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


def test_raw_rows_are_the_reports(run: Run, filled: Path) -> None:
    found = rows(run, "--step", "raw")
    assert len(found) == 180
    assert found[0]["cpu_usage"] == 0.0
    assert found[0]["disk_usage"][0] == {"mount": "/", "usage": 40.0, "size": "50G", "used": "22G", "avail": "28G"}
    assert "agent_key" not in found[0]


def test_rolled_rows_have_spreads_a_count_and_bytes_moved(run: Run, filled: Path) -> None:
    found = rows(run, "--step", "1h")
    assert [row["count"] for row in found] == [60, 60, 60]
    assert found[1]["cpu_usage"] == {"avg": 29.5, "min": 0.0, "max": 59.0}
    assert found[1]["swap_usage"] is None
    assert found[1]["network_rx_bytes"] == 60 * 600
    assert found[1]["network_rx_rate"] == 10.0
    assert found[1]["disk_usage"][0]["usage"] == {"avg": 41.49, "min": 41.0, "max": 41.98}
    assert [row["count"] for row in rows(run, "--step", "5m")] == [5] * 36


def test_auto_takes_the_step_by_the_length_of_the_time(run: Run, filled: Path) -> None:
    assert "count" not in rows(run)[0]
    assert len(rows(run, "--since", "7d")) == 36
    assert len(rows(run, "--since", "60d")) == 3


def test_a_time_is_half_open(run: Run, filled: Path) -> None:
    first, second = (row["at"] for row in rows(run, "--step", "1h")[:2])
    assert len(rows(run, "--step", "raw", "--since", first, "--until", second)) == 60
    assert [row["at"] for row in rows(run, "--step", "1h", "--since", first, "--until", second)] == [first]


def table(run: Run, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run("history", "web-1", *arguments, "--csv").out)))


def test_csv_has_a_column_for_each_mount_and_each_part(run: Run, filled: Path) -> None:
    raw = table(run, "--step", "raw")
    assert len(raw) == 180
    assert raw[0]["disk:/"] == "40.0"
    assert raw[0]["disk:/a b"] == "10.0"
    hourly = table(run, "--step", "1h")
    assert hourly[1]["cpu_usage_avg"] == "29.5"
    assert hourly[1]["disk:/_max"] == "41.98"
    assert hourly[1]["count"] == "60"


def test_lines_are_for_people(run: Run, filled: Path) -> None:
    lines = run("history", "web-1", "--step", "1h").out.splitlines()
    assert len(lines) == 3
    assert "cpu  29.5%" in lines[1]
    assert "/a b 10%" in lines[1]


def test_a_mount_that_fills_says_when_and_others_keep_their_shape(run: Run, filled: Path) -> None:
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE mount SET full_at = ? WHERE path = '/'", (wall_clock_ms() + DAY_MS,))
    connection.commit()
    connection.close()
    (monitor,) = json.loads(run("status", "--json").out)["monitors"]
    slash, other = monitor["disk_usage"]
    assert slash["full_in_s"] == pytest.approx(86400, abs=60)
    assert set(other) == {"mount", "usage", "size", "used", "avail"}


def test_a_backup_can_be_served_and_read(run: Run, filled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy)).code == 0
    assert run("backup", str(copy)).code == 1
    assert run("backup", str(copy), "--force").code == 0
    found = run("--db", str(copy), "history", "web-1", "--step", "raw", "--json")
    assert len(json.loads(found.out)) == 180


@pytest.mark.parametrize("kept", [["--keep-raw", "1h"], ["--keep-raw", "20d"], ["--keep-1h", "2d"]])
def test_a_retention_that_would_lose_what_is_needed_is_wrong_usage(run: Run, kept: list[str]) -> None:
    ran = run("serve", *kept)
    assert ran.code == 2
    assert "kept" in ran.err


def test_columns_of_lines_align(run: Run, filled: Path) -> None:
    lines = run("history", "web-1", "--step", "raw", "--since", "7d").out.splitlines()
    assert len({line.index("/a b") for line in lines}) == 1
