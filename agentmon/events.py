"""`agentmon events`: what happened, oldest first, and with `--follow` what happens."""

import asyncio
import select
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentmon.options import common_options, database, option
from agentmon.times import PointInTime

if TYPE_CHECKING:
    from store.events import Event
    from store.reader import Reader

PAGE = 1000
"""Events fetched at once: a hundred thousand may be kept, and their number is not limited here."""

FOLLOW_EVERY_S = 1.0


@click.command()
@common_options
@click.argument("names", metavar="[NAME...]", nargs=-1)
@option("--since", type=PointInTime(), default="24h", show_default=True, help="A time ago, or an ISO 8601 time.")
@option("--json", "as_json", is_flag=True, help="A list of objects; with --follow one object a line.")
@option("-f", "--follow", is_flag=True, help="Go on with what happens, until interrupted.")
def events(names: Sequence[str], since: int, as_json: bool, follow: bool) -> None:
    """Show what happened, of all servers or some, oldest first."""
    from agentmon.output import drop_stdout

    try:
        asyncio.run(_run(database(), names, since, as_json, follow))
    except KeyboardInterrupt:
        if not follow:  # else it is the way to end it
            raise
    except BrokenPipeError:
        if not follow:
            raise
        drop_stdout()


async def _run(path: Path, names: Sequence[str], since: int, as_json: bool, follow: bool) -> None:
    from agentmon.output import event_fields, print_json, print_json_list, say
    from agentmon.reading import reading
    from agentmon.tables import event_line

    async with reading(path) as reader:
        wanted = await _choice(reader, names)
        found = (event async for event in _happened(reader, since, follow) if wanted(event))
        if as_json and not follow:
            await print_json_list(event_fields(event) async for event in found)
            return
        async for event in found:
            if as_json:
                print_json(event_fields(event))
            else:
                say(event_line(event))


async def _choice(reader: "Reader", names: Sequence[str]) -> "Callable[[Event], bool]":
    """Return what tells the events of these monitors: by who they are now, and by what they were called then.

    So a renamed one keeps its past, and a deleted one can still be asked for. Raises `AgentmonError` for a name that
    no monitor and no event has.
    """
    from agentmon.reading import required

    ids = set()
    for name in names:
        monitor = await reader.monitor(name)
        if monitor is not None or not await reader.is_told_of(name):
            ids.add(required(monitor, name).id)
    return lambda event: not names or event.monitor_id in ids or event.monitor in names


async def _happened(reader: "Reader", since: int, follow: bool) -> "AsyncIterator[Event]":
    """Yield the events since a time (ms), and if asked those that come."""
    newest = await reader.events(limit=1)
    after, first_at = 0, since
    while True:
        while page := await reader.events(after=after, since=first_at, limit=PAGE, oldest_first=True):
            for event in page:
                yield event
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
