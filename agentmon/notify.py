"""`agentmon notify …`: where alerts go."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentmon.exits import Exit
from agentmon.options import common_options, database, option, utc_option

if TYPE_CHECKING:
    from store.channels import Channel

STDIN = "-"


@click.group()
@common_options
def notify() -> None:
    """Say where alerts go, and try it out."""


@notify.command()
@common_options
@click.argument("url", required=False)
@option("--exec", "command", metavar="COMMAND", help="Run this in a shell, with each alert as JSON on its stdin.")
@option("--name", metavar="NAME", help="What to call it  [default: its service's name]")
@option(
    "--level",
    type=click.Choice(["warning", "critical"]),
    default="warning",
    show_default=True,
    help="Send what is at least so bad.",
)
def add(url: str | None, command: str | None, name: str | None, level: str) -> None:
    """Send alerts to URL from now on.

    URL is one of Apprise's, such as ntfy://TOPIC, mailto://USER:PASSWORD@gmail.com, slack://… or json://HOST/PATH; see
    https://appriseit.com/services/. Write - to have it read from standard input: arguments stand in the process
    list, and a URL holds secrets.
    """
    from agentmon.admin import perform
    from agentmon.output import say
    from agentmon.piped import piped_text

    if (url is None) == (command is None):
        raise click.UsageError("give either a URL or --exec COMMAND")
    if url == STDIN:
        url = piped_text()
    added = perform(database(), "add_channel", url=url, command=command, name=name, level=level)
    say(f"{added['name']}: {added['shown']}")
    click.echo("Try it with agentmon notify test.", err=True)


@notify.command("list")
@common_options
@option("--json", "as_json", is_flag=True, help="A list of objects.")
@utc_option
def list_(as_json: bool, utc: bool) -> None:
    """Show where alerts go, without secrets, and whether they arrive."""
    from agentmon.output import print_json, say, shown_zone

    channels = asyncio.run(_channels(database()))
    if as_json:
        print_json([channel_fields(channel) for channel in channels])
        return
    for line in channel_table(channels, shown_zone(utc)):
        say(line)


@notify.command()
@common_options
@click.argument("name")
def remove(name: str) -> None:
    """Send no more alerts there; those that wait are given up."""
    from agentmon.admin import perform

    perform(database(), "remove_channel", name=name)


@notify.command()
@common_options
@click.argument("names", metavar="[NAME...]", nargs=-1)
def test(names: tuple[str, ...]) -> None:
    """Send a test message to the channels named, or to all, and say whether it arrived."""
    from agentmon.admin import perform
    from agentmon.output import say

    chosen = list(names) or [channel.name for channel in asyncio.run(_channels(database()))]
    if not chosen:
        raise click.ClickException("there are no channels yet: agentmon notify add URL")
    failed = 0
    for name in chosen:
        problem = perform(database(), "test_channel", name=name)["problem"]
        failed += problem is not None
        say(f"{name}: {'delivered' if problem is None else problem}")
    if failed:
        sys.exit(Exit.FAILURE)


def channel_fields(channel: "Channel") -> dict[str, Any]:
    """Return a channel as `notify list --json` shows it."""
    from agentmon.output import iso_time

    return {
        "name": channel.name,
        "kind": channel.kind.value,
        "target": channel.shown,
        "level": channel.level.value,
        "created_at": iso_time(channel.created_at),
        "waiting": channel.waiting,
        "sent_at": iso_time(channel.sent_at),
        "failed_at": iso_time(channel.failed_at),
        "problem": channel.problem,
        "dropped": channel.dropped,
    }


def channel_table(channels: "Sequence[Channel]", zone: tzinfo | None) -> list[str]:
    """Return the lines of `notify list`."""
    from agentmon.tables import column_cells

    name_cells = column_cells((channel.name for channel in channels), 16)
    target_cells = column_cells((channel.shown for channel in channels), 32)
    return [_channel_line(channel, name_cells, target_cells, zone) for channel in channels]


def _channel_line(channel: "Channel", name_cells: int, target_cells: int, zone: tzinfo | None) -> str:
    from agentmon.tables import padded
    from store.when import zoned

    parts = [padded(channel.name, name_cells), f"{channel.level:<8}", padded(channel.shown, target_cells)]
    parts.append(f"last sent {zoned(channel.sent_at, zone)}" if channel.sent_at is not None else "nothing sent yet")
    if channel.waiting:
        parts.append(f"{channel.waiting} waiting")
    if channel.dropped:
        parts.append(f"{channel.dropped} given up")
    if channel.problem and channel.failed_at is not None:
        parts.append(f"failed {zoned(channel.failed_at, zone)}: {channel.problem}")
    return "  ".join(parts).rstrip()


async def _channels(path: Path) -> "list[Channel]":
    from agentmon.reading import reading

    async with reading(path) as reader:
        return await reader.channels()
