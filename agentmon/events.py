"""`agentmon events`: what happened, oldest first, and with `--follow` what happens."""

import asyncio
import select
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentmon.options import TIME_HELP, common_options, database, option, utc_option
from agentmon.times import PointInTime, require_past

if TYPE_CHECKING:
    from store.events import Event
    from store.reader import Reader

PAGE = 1000
"""Events fetched at once: a hundred thousand may be kept, and their number is not limited here."""

FOLLOW_EVERY_S = 1.0


@click.command()
@common_options
@click.argument("names", metavar="[NAME...]", nargs=-1)
@option("--since", type=PointInTime(), default="24h", show_default=True, help=TIME_HELP)
@option("--json", "as_json", is_flag=True, help="A list of objects; with --follow one object a line.")
@option("-f", "--follow", is_flag=True, help="Go on with what happens, until interrupted.")
@utc_option
def events(names: Sequence[str], since: int, as_json: bool, follow: bool, utc: bool) -> None:
    """Show what happened, of all servers or some, oldest first."""
    from agentmon.output import drop_stdout, shown_zone

    if not follow:
        require_past("--since", since)
    try:
        asyncio.run(_run(database(), names, since, None if as_json else Table(shown_zone(utc)), follow))
    except KeyboardInterrupt:
        if not follow:  # else it is the way to end it
            raise
    except BrokenPipeError:
        if not follow:
            raise
        drop_stdout()


class Table:
    """The events as lines for people, whose times are in a zone; the column of names grows with what comes."""

    def __init__(self, zone: tzinfo | None) -> None:
        """Start with the least room for names."""
        from agentmon.tables import NAME_CELLS

        self._zone = zone
        self._name_cells = NAME_CELLS

    def make_room(self, names: Iterable[str]) -> None:
        """Let the column of names have room for these."""
        from agentmon.tables import column_cells

        self._name_cells = column_cells(names, self._name_cells)

    def show(self, events: "Sequence[Event]") -> None:
        """Print a line for each of these events."""
        from agentmon.output import say
        from agentmon.tables import event_line

        self.make_room(event.monitor or "" for event in events)
        for event in events:
            say(event_line(event, self._name_cells, self._zone))


async def _run(path: Path, names: Sequence[str], since: int, table: Table | None, follow: bool) -> None:
    """Show events in a table, or without one as JSON."""
    from agentmon.output import event_fields, print_json, print_json_list
    from agentmon.reading import reading

    async with reading(path) as reader:
        wanted = await _choice(reader, names)
        pages = ([event for event in page if wanted(event)] async for page in _pages(reader, since, follow))
        if table is None and not follow:
            await print_json_list(event_fields(event) async for page in pages for event in page)
            return
        if table is not None and not names:
            table.make_room(monitor.name for monitor in (await reader.changes()).monitors)
        async for page in pages:
            if table is not None:
                table.show(page)
                continue
            for event in page:
                print_json(event_fields(event))


async def _choice(reader: "Reader", names: Sequence[str]) -> "Callable[[Event], bool]":
    """Return what tells the events of these monitors: by who they are now, and by what they were called then.

    So a renamed one keeps its past, and a deleted one can still be asked for. Raises `AgentmonError` for a name that
    no monitor and no event has.
    """
    from agentmon.reading import required
    from store.text import normal_name

    ids, called = set(), {*names, *map(normal_name, names)}
    for name in names:
        monitor = await reader.monitor(name)
        if monitor is not None or not await reader.is_told_of(name):
            ids.add(required(monitor, name).id)
    return lambda event: not names or event.monitor_id in ids or event.monitor in called


async def _pages(reader: "Reader", since: int, follow: bool) -> "AsyncIterator[list[Event]]":
    """Yield the events since a time (ms), many at a time, and if asked those that come."""
    newest = await reader.events(limit=1)
    after, first_at = 0, since
    while True:
        while page := await reader.events(after=after, since=first_at, limit=PAGE, oldest_first=True):
            yield page
            after = page[-1].id
        if not follow or _nobody_reads():
            return
        # From here on every event is news, whatever the clock says of its time.
        after, first_at = max(after, newest[0].id if newest else 0), 0
        await asyncio.sleep(FOLLOW_EVERY_S)


def _nobody_reads() -> bool:
    """Return whether who read standard output is gone, which a write would tell too, but that may be long in coming."""
    poll = select.poll()
    poll.register(sys.stdout, 0)  # errors and hang-ups are reported unasked
    return bool(poll.poll(0))
