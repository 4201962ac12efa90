"""`agentmon history`: a monitor's stored series, as rows for people, for spreadsheets and for programs.

A row is a JSON object: a report's fields, or with a rolled-up step a spread (`avg`, `min`, `max`) for each number.
The other forms are made from it.
"""

import asyncio
import csv
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import asdict
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentmon.options import TIME_HELP, common_options, database, option, utc_option
from agentmon.times import PointInTime, require_order, require_past

if TYPE_CHECKING:
    from store.models import Monitor
    from store.reader import Reader
    from store.series import Point

AUTO_ROWS = 500
"""About as many rows as `--step auto` aims at: a day of minutely reports is still raw, a month is hours."""

MOUNT_COLUMN = "disk:"

Row = dict[str, Any]
Show = Callable[[AsyncIterator[Row]], Coroutine[Any, Any, None]]


@click.command()
@common_options
@click.argument("name")
@option("--since", type=PointInTime(), default="24h", show_default=True, help=TIME_HELP)
@option("--until", type=PointInTime(), metavar="T", help="Up to and without this time.  [default: now]")
@option(
    "--step",
    type=click.Choice(["raw", "5m", "1h", "auto"]),
    default="auto",
    show_default=True,
    help="Reports as stored, rolled up, or by the length of the time.",
)
@option("--json", "as_json", is_flag=True, help="A list of objects, oldest first.")
@option("--csv", "as_csv", is_flag=True, help="A row a report, a column a mount.")
@utc_option
def history(name: str, since: int, until: int | None, step: str, as_json: bool, as_csv: bool, utc: bool) -> None:
    """Show what a server reported, oldest first."""
    from agentmon.output import shown_zone
    from store.tiers import END_OF_TIME

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    require_past("--since", since)
    require_order(since, until)
    show = _show_json if as_json else _show_csv if as_csv else partial(_show_lines, shown_zone(utc))
    asyncio.run(_run(database(), name, since, END_OF_TIME if until is None else until, step, show))


async def _run(path: Path, name: str, since: int, until: int, step: str, show: Show) -> None:
    from agentmon.reading import reading, required

    async with reading(path) as reader:
        monitor = required(await reader.monitor(name), name)
        await show(_rows(reader, monitor, since, until, step))


async def _rows(reader: "Reader", monitor: "Monitor", since: int, until: int, step: str) -> AsyncIterator[Row]:
    from agentmon.output import sample_fields
    from store.tiers import ROLLED
    from store.writer import wall_clock_ms

    if step == "auto":
        step = await reader.finest_step(monitor, since, min(until, wall_clock_ms()), AUTO_ROWS)
    for tier in ROLLED:
        if tier.name == step:
            for point in (await reader.tier_points(monitor, tier, since, until)).points:
                yield _point_fields(point)
            return
    async for page in reader.sample_pages(monitor.id, since, until):
        for sample in page:
            yield sample_fields(sample)


def _point_fields(point: "Point") -> Row:
    from agentmon.output import iso_time
    from store.buckets import SCALES

    spreads = {name: point.numbers.get(name) for name in SCALES}
    return {
        "at": iso_time(point.at),
        "count": point.count,
        **{name: spread and asdict(spread) for name, spread in spreads.items()},
        "network_rx_bytes": point.rx_bytes,
        "network_tx_bytes": point.tx_bytes,
        "network_rx_rate": point.rx_rate,
        "network_tx_rate": point.tx_rate,
        "disk_usage": [asdict(mount) for mount in point.mounts],
    }


async def _show_json(rows: AsyncIterator[Row]) -> None:
    from agentmon.output import print_json_list

    await print_json_list(rows)


async def _show_csv(rows: AsyncIterator[Row]) -> None:
    flat = [_flat(row) async for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row if not column.startswith(MOUNT_COLUMN)))
    mounts = sorted({column for row in flat for column in row if column.startswith(MOUNT_COLUMN)})
    table = csv.DictWriter(sys.stdout, columns + mounts)
    if flat:
        table.writeheader()
    table.writerows(flat)


def _flat(row: Row) -> Row:
    """Return a row without nesting: a column for each part of a spread and for each mount's usage."""
    flat: Row = {}
    for name, value in row.items():
        if name == "disk_usage":
            flat |= _flat({MOUNT_COLUMN + mount["mount"]: mount["usage"] for mount in value})
        elif isinstance(value, dict):
            flat |= {f"{name}_{part}": number for part, number in value.items()}
        else:
            flat[name] = value
    return flat


async def _show_lines(zone: tzinfo | None, rows: AsyncIterator[Row]) -> None:
    from agentmon.output import say

    async for row in rows:
        say(_line(row, zone))


def _line(row: Row, zone: tzinfo | None) -> str:
    from agentmon.output import in_zone
    from agentmon.tables import column_cells, padded

    parts = [in_zone(row["at"], zone), f"cpu {_percent(row['cpu_usage'])}", f"mem {_percent(row['memory_usage'])}"]
    if row["swap_usage"] is not None:
        parts.append(f"swap {_percent(row['swap_usage'])}")
    if row["load_1m"] is not None:
        parts.append(f"load {_value(row['load_1m']):.2f}".ljust(10))
    for mount in row["disk_usage"]:
        cells = column_cells([f"{mount['mount']} 100%"], 0)
        parts.append(padded(f"{mount['mount']} {_value(mount['usage']):.0f}%", cells))
    return "  ".join(parts).rstrip()


def _percent(value: Any) -> str:
    return f"{_value(value):5.1f}%"


def _value(value: Any) -> float:
    number: float = value["avg"] if isinstance(value, dict) else value
    return number
