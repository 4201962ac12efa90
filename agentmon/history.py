"""`agentmon history`: a monitor's stored reports."""

import asyncio
import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentmon.monitors import Duration
from agentmon.options import common_options, database, option

if TYPE_CHECKING:
    from store.models import Sample
    from store.reader import Reader

END_OF_TIME = 2**62


class PointInTime(click.ParamType[int]):
    """A time ago (`24h`) or an ISO 8601 time (UTC unless it says otherwise), in UTC milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds; anything else is wrong usage."""
        from store.writer import wall_clock_ms

        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return wall_clock_ms() - round(Duration().convert(value, param, ctx) * 1000)
        try:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(aware.timestamp() * 1000)
        except (OverflowError, ValueError):
            return self.fail(f"{value!r} lies outside the calendar", param, ctx)


@click.command()
@common_options
@click.argument("name")
@option("--since", type=PointInTime(), default="24h", show_default=True, help="A time ago, or an ISO 8601 time.")
@option("--until", type=PointInTime(), metavar="T", help="Up to and without this time.  [default: now]")
@option("--step", type=click.Choice(["raw", "auto"]), default="auto", show_default=True, help="Every report as stored.")
@option("--json", "as_json", is_flag=True, help="A list of objects, oldest first.")
@option("--csv", "as_csv", is_flag=True, help="A row a report, a column a mount.")
def history(name: str, since: int, until: int | None, step: str, as_json: bool, as_csv: bool) -> None:
    """Show the reports that a server sent, oldest first."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    show = _show_json if as_json else _show_csv if as_csv else _show_lines
    asyncio.run(_run(database(), name, since, END_OF_TIME if until is None else until, show))


async def _run(path: Path, name: str, since: int, until: int, show: Any) -> None:
    from agentmon.reading import reading, required

    async with reading(path) as reader:
        monitor = required(await reader.monitor(name), name)
        await show(reader, monitor.id, since, until)


async def _show_json(reader: "Reader", monitor_id: int, since: int, until: int) -> None:
    from agentmon.output import sample_fields

    separator = "["
    async for page in reader.sample_pages(monitor_id, since, until):
        for sample in page:
            click.echo(separator + json.dumps(sample_fields(sample)), nl=False)
            separator = ",\n "
    click.echo("[]" if separator == "[" else "]")


async def _show_csv(reader: "Reader", monitor_id: int, since: int, until: int) -> None:
    from agentmon.output import sample_fields

    samples = await reader.samples(monitor_id, since, until)
    mounts = sorted({mount.mount for sample in samples for mount in sample.report.disk_usage})
    table = csv.writer(sys.stdout)
    for place, sample in enumerate(samples):
        fields = sample_fields(sample)
        usages = {mount["mount"]: mount["usage"] for mount in fields.pop("disk_usage")}
        if place == 0:
            table.writerow([*fields, *(f"disk:{mount}" for mount in mounts)])
        table.writerow([*fields.values(), *(usages.get(mount) for mount in mounts)])


async def _show_lines(reader: "Reader", monitor_id: int, since: int, until: int) -> None:
    from agentmon.output import say

    async for page in reader.sample_pages(monitor_id, since, until):
        for sample in page:
            say(_line(sample))


def _line(sample: "Sample") -> str:
    from agentmon.output import iso_time

    report = sample.report
    parts = [f"{iso_time(sample.at)}", f"cpu {report.cpu_usage:5.1f}%", f"mem {report.memory_usage:5.1f}%"]
    if report.swap_usage is not None:
        parts.append(f"swap {report.swap_usage:5.1f}%")
    if report.load_1m is not None:
        parts.append(f"load {report.load_1m:.2f}")
    parts += [f"{mount.mount} {mount.usage:.0f}%" for mount in report.disk_usage]
    return "  ".join(parts)
