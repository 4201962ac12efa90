"""`agentmon status`: the verdicts, for people and, by exit code and JSON, for scripts."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentmon.exits import Exit
from agentmon.options import common_options, database, option, tag_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.errors import ReceiverUnreachableError
    from store.models import Monitor, ReceiverInfo


@click.command()
@common_options
@click.argument("names", metavar="[NAME...]", nargs=-1)
@tag_option
@option("--json", "as_json", is_flag=True, help="One object with the receiver and the monitors.")
@option("--line", "as_line", is_flag=True, help="One short line for a tmux status bar or a login message.")
def status(names: "Sequence[str]", tags: "Sequence[str]", as_json: bool, as_line: bool) -> None:
    """Show how the servers are; exit 0 all fine, 1 some late or degraded, 2 some down, 3 no answer."""
    from agentmon.output import drop_stdout, in_words
    from store.errors import AgentmonError
    from store.models import ReceiverInfo
    from store.text import safe_text

    if as_json and as_line:
        raise click.UsageError("--json and --line exclude each other")
    try:
        answer, monitors = asyncio.run(_ask(database(), names, tags))
        receiver = answer if isinstance(answer, ReceiverInfo) else None
        _show(receiver, monitors, as_json=as_json, as_line=as_line)
    except (AgentmonError, UnicodeEncodeError) as error:
        if as_line:
            click.echo("status unknown")  # a bar shows nothing of stderr, and nothing at all would look like peace
        raise StatusUnknown(in_words(error)) from error
    except BrokenPipeError:
        drop_stdout()  # `agentmon status | head` needs no word
        sys.exit(Exit.STATUS_UNKNOWN)
    except OSError as error:
        drop_stdout()
        raise StatusUnknown(in_words(error)) from error
    problem = str(answer) if receiver is None else receiver.problem
    if problem is not None:
        raise StatusUnknown(f"what is shown is what was last stored: {safe_text(problem)}")
    sys.exit(exit_code(monitors))


class StatusUnknown(click.ClickException):
    """The question could not be answered."""

    exit_code = Exit.STATUS_UNKNOWN


def exit_code(monitors: "Sequence[Monitor]") -> Exit:
    """Return the exit code for these verdicts; paused and pending count as fine."""
    from store.models import Status

    found = {monitor.status for monitor in monitors}
    if Status.DOWN in found:
        return Exit.STATUS_DOWN
    return Exit.STATUS_WARNING if found & {Status.LATE, Status.DEGRADED} else Exit.OK


async def _ask(
    path: Path, names: "Sequence[str]", tags: "Sequence[str]"
) -> "tuple[ReceiverInfo | ReceiverUnreachableError, list[Monitor]]":
    """Return what the receiver says, or why it cannot be asked, and the monitors."""
    from agentmon.admin import ConsoleAdmin
    from agentmon.reading import reading, required, tagged
    from store.errors import AgentmonError, ReceiverUnreachableError
    from store.text import normal_name, safe_text

    async with reading(path) as reader:
        if names:
            monitors = [required(await reader.monitor(name), name) for name in dict.fromkeys(map(normal_name, names))]
        else:
            monitors = list((await reader.changes()).monitors)
    if tags and not (monitors := tagged(monitors, tags)):
        # A tag that was mistyped must not look like peace.
        raise AgentmonError(f"there is no monitor with the tag {safe_text(' and '.join(tags))}")
    try:
        return await ConsoleAdmin(path).receiver(), monitors
    except ReceiverUnreachableError as error:
        return error, monitors


def _show(receiver: "ReceiverInfo | None", monitors: "Sequence[Monitor]", *, as_json: bool, as_line: bool) -> None:
    from agentmon.output import iso_time, monitor_fields, print_json, say
    from agentmon.tables import monitor_table, status_line
    from store.writer import wall_clock_ms

    now = wall_clock_ms()
    if as_json:
        running: dict[str, Any] = {"running": receiver is not None, "since": receiver and iso_time(receiver.since)}
        print_json({"receiver": running, "monitors": [monitor_fields(each, now) for each in monitors]})
        return
    if as_line:
        trouble = "no receiver" if receiver is None else "nothing is stored" if receiver.problem else None
        say(status_line(monitors, trouble=trouble))
        return
    for line in monitor_table(monitors, now):
        say(line)
    if not monitors:
        click.echo("no monitors yet: agentmon monitor create NAME")
