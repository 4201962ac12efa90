"""`agentmon monitor …`: creating monitors, their keys, and changing what is known of them."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from agentmon.options import ReceiverUrl, common_options, database, option, tag_option, utc_option
from agentmon.times import Duration

if TYPE_CHECKING:
    from store.models import Credentials
    from store.policy import Setting


@click.group()
@common_options
def monitor() -> None:
    """Create monitors, see and rotate their keys, tag, pause, set, delete."""


@monitor.command()
@common_options
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@option("--key", metavar="KEY", allow_from_autoenv=False, help="An existing agent key; - reads it from stdin.")
@option("--if-missing", is_flag=True, help="Leave monitors that exist as they are.")
@option("--tag", "tags", metavar="TAG", multiple=True, help="A tag for all of them; once for each tag.")
@option("--json", "as_json", is_flag=True, help='One {"id", "name", "agent_key"} a line.')
def create(names: tuple[str, ...], key: str | None, if_missing: bool, tags: tuple[str, ...], as_json: bool) -> None:
    """Create monitors; prints each one's key and the command that installs its agent."""
    from agentmon.admin import credentials, perform
    from agentmon.output import keys_shown, require_stdout
    from agentmon.piped import piped_text

    require_stdout()
    agent_key = piped_text() if key == "-" else key
    asked: dict[str, Any] = {"agent_key": agent_key, "if_missing": if_missing, "tags": tags}
    made = [credentials(row) for row in perform(database(), "create", names=list(names), **asked)]
    with keys_shown("created", (each.name for each in made)):
        for each in made:
            _show_made(each, as_json)
        if made and not as_json:
            _show_remarks(made[-1], err=False)


def _show_made(made: "Credentials", as_json: bool) -> None:
    from agentmon.output import print_json, say

    if as_json:
        print_json({"id": made.id, "name": made.name, "agent_key": made.agent_key})
        return
    say(f"{made.name}: {made.agent_key}")
    _show_lines(made, err=False)


@monitor.command("list")
@common_options
@tag_option
@option("--json", "as_json", is_flag=True, help="A list of objects.")
def list_(tags: tuple[str, ...], as_json: bool) -> None:
    """Show all monitors, or those with a tag, without keys.

    After the time of the last report comes the agent that sent it, such as
    "0.2.0 sh": marked "old" if this agentmon ships a newer one, "-" if unknown.
    """
    from agentmon.output import print_json, say
    from agentmon.reading import read_fleet, tagged
    from agentmon.tables import monitor_summary, monitor_table
    from store.writer import wall_clock_ms

    fleet, now = tagged(asyncio.run(read_fleet(database())), tags), wall_clock_ms()
    if as_json:
        print_json([monitor_summary(monitor, now) for monitor in fleet])
        return
    for line in monitor_table(fleet, now, agents=True):
        say(line)


@monitor.command()
@common_options
@click.argument("name")
@option("--json", "as_json", is_flag=True, help="One object.")
@utc_option
def show(name: str, as_json: bool, utc: bool) -> None:
    """Show one monitor, without its key."""
    from agentmon.output import print_json, say, shown_zone
    from agentmon.reading import read_monitor
    from agentmon.tables import monitor_lines, monitor_summary
    from store.writer import wall_clock_ms

    found, now = asyncio.run(read_monitor(database(), name)), wall_clock_ms()
    if as_json:
        print_json(monitor_summary(found, now))
        return
    for line in monitor_lines(found, now, shown_zone(utc)):
        say(line)


@monitor.command()
@common_options
@click.argument("name")
@option("--line", type=click.Choice(["linux", "windows"]), help="Print that platform's install line instead.")
@option("--url", type=ReceiverUrl(), metavar="URL", help="With --line: where this server's agent reaches the receiver.")
def key(name: str, line: str | None, url: str | None) -> None:
    """Print a monitor's agent key alone."""
    from agentmon.admin import credentials, perform
    from agentmon.reading import read_key

    if line is None:
        if url is not None:
            raise click.UsageError("--url goes with --line")
        click.echo(asyncio.run(read_key(database(), name)))
        return
    made = credentials(perform(database(), "credentials", name=name, url=url))
    click.echo(next(each.command for each in made.install if each.platform.lower() == line))
    _show_remarks(made, err=True)


def _show_remarks(made: "Credentials", err: bool) -> None:
    for remark in filter(None, (made.note, made.warning)):
        click.echo(remark, err=err)


def _show_lines(made: "Credentials", err: bool) -> None:
    """Print the install lines, each alone on its line, to be copied as a whole."""
    for line in made.install:
        click.echo(f"{line.where}\n{line.command}", err=err)


@monitor.command()
@common_options
@click.argument("name")
def rotate(name: str) -> None:
    """Give a monitor a new key; the old one works until the first report with the new one."""
    from agentmon.admin import credentials, perform
    from agentmon.output import keys_shown, require_stdout

    require_stdout()
    made = credentials(perform(database(), "rotate", name=name))
    with keys_shown("rotated", [made.name]):
        click.echo(made.agent_key)
    click.echo("The old key works until the first report with this one. To install it:", err=True)
    _show_lines(made, err=True)
    _show_remarks(made, err=True)


@monitor.command()
@common_options
@click.argument("name")
@click.argument("new")
def rename(name: str, new: str) -> None:
    """Give a monitor another name."""
    from agentmon.admin import perform

    perform(database(), "edit", name=name, new_name=new)


@monitor.command()
@common_options
@click.argument("name")
@option("--name", "new_name", metavar="NEW", help="Another name.")
@option("--tag", "add_tags", metavar="TAG", multiple=True, help="Add a tag; once for each.")
@option("--untag", "drop_tags", metavar="TAG", multiple=True, help="Remove a tag; once for each.")
@option("--note", metavar="TEXT", help="One line to remember; an empty one removes it.")
def edit(
    name: str, new_name: str | None, add_tags: tuple[str, ...], drop_tags: tuple[str, ...], note: str | None
) -> None:
    """Change a monitor's name, tags and note, all or nothing.

    \b
    A tag is made of letters, digits and - _ . : (at most 32); capitals become
    small. A monitor has at most 16; its first one is its group in the console.
    """
    from agentmon.admin import perform

    if new_name is None and note is None and not (add_tags or drop_tags):
        raise click.UsageError("nothing to change: give --name, --tag, --untag or --note")
    perform(database(), "edit", name=name, new_name=new_name, add_tags=add_tags, drop_tags=drop_tags, note=note)


@monitor.command()
@common_options
@click.argument("name")
@option("--for", "for_s", type=Duration(), metavar="TIME", help="Resume by itself after this (30m, 2h, 1d).")
def pause(name: str, for_s: float | None) -> None:
    """Judge a monitor no more until it is resumed; its reports are stored all the same."""
    from agentmon.admin import perform

    perform(database(), "pause", name=name, for_s=for_s)


@monitor.command()
@common_options
@click.argument("name")
def resume(name: str) -> None:
    """Judge a paused monitor again."""
    from agentmon.admin import perform

    perform(database(), "resume", name=name)


@monitor.command()
@common_options
@click.argument("name")
@option("--yes", is_flag=True, allow_from_autoenv=False, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Delete a monitor, its key and its history."""
    from agentmon.admin import perform
    from agentmon.reading import read_monitor
    from store.text import normal_name, safe_text

    name = asyncio.run(read_monitor(database(), name)).name
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("deleting needs --yes where nobody can be asked")
        typed = click.prompt(f"Type {safe_text(name)} to delete it and its history", err=True)
        if normal_name(typed) != name:
            raise click.ClickException("nothing was deleted")
    perform(database(), "delete", name=name)


@monitor.command("set")
@common_options
@click.argument("name")
@click.argument("settings", metavar="KEY=VALUE...", nargs=-1, required=True)
def set_(name: str, settings: tuple[str, ...]) -> None:
    """Set limits of one monitor; VALUE default unsets.

    \b
    late_after, down_after          how long it may be silent: 90s, 15m
    cpu.warn, cpu.crit, cpu.for     percent and how long; off: no limit
    iowait. memory. swap. load.     the same
    disk.warn disk./var.warn ...    all mounts, or one
    disk./mnt/backup=ignore         judge this mount never
    """
    from agentmon.admin import perform

    perform(database(), "set", name=name, settings=_parsed(settings))


@monitor.command()
@common_options
@click.argument("settings", metavar="[KEY=VALUE...]", nargs=-1)
@option("--json", "as_json", is_flag=True, help="One object with what holds.")
def defaults(settings: tuple[str, ...], as_json: bool) -> None:
    """Show or set what holds for all monitors that have nothing of their own; keys as in `monitor set`."""
    from agentmon.admin import perform
    from agentmon.output import print_json, say
    from agentmon.reading import read_defaults
    from store.policy import BUILT_IN

    if settings:
        perform(database(), "set_defaults", settings=_parsed(settings))
        return
    own = asyncio.run(read_defaults(database()))
    held = {**BUILT_IN, **own.merged}
    if as_json:
        print_json(held)
        return
    for key, value in held.items():
        shown = value if isinstance(value, str) else f"{value:g}"
        beneath = "  (config)" if key in own.configured else "  (built in)"
        say(f"{key:<16} {shown}{'' if key in own.settings else beneath}")


def _parsed(settings: tuple[str, ...]) -> "dict[str, Setting | None]":
    from store.errors import ChangeRefusedError
    from store.policy import parse_setting

    try:
        return {key: value for text in settings for key, value in parse_setting(text).items()}
    except ChangeRefusedError as error:
        raise click.UsageError(str(error)) from error
