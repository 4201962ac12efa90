"""`agentmon agent`: the psutil agent."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from agentmon.exits import Exit
from agentmon.options import FinePath, FiniteRange, common_options, option


@click.command()
@common_options
@option("--url", metavar="URL", help="The receiver, as http://HOST:PORT.  [env: AGENTMON_URL]")
@option("--key-file", type=FinePath(), metavar="F", help="A 0600 file with the agent key.")
@option("--interval", type=FiniteRange(min=1, max=86400), default=60.0, show_default=True, help="Seconds.")
@option("--once", is_flag=True, help="Send one report and end.")
@option("--print", "print_only", is_flag=True, help="Show the report, without the key, and send nothing.")
@option("--checksum", is_flag=True, help="Show the SHA-256 of the agent scripts that the receiver serves, and end.")
@option("--cacert", type=FinePath(), metavar="F", help="Trust this CA alone.  [env: AGENTMON_CA]")
def agent(
    url: str | None,
    key_file: Path | None,
    interval: float,
    once: bool,
    print_only: bool,
    checksum: bool,
    cacert: Path | None,
) -> None:
    """Report this machine to a receiver, now and at every interval."""
    if checksum:
        _print_checksums()
        return
    from agent.config import resolve_settings
    from agent.run import print_report, run_agent, send_once

    with _errors_as_one_line():
        if print_only:
            print_report(click.echo, _say)
            return
        settings = resolve_settings(url, key_file, cacert, os.environ)
        if not once:
            run_agent(settings, interval, _stopped_by_signals(), _say)
            return
        outcome = send_once(settings, _say)
    if not outcome.accepted:
        raise click.ClickException(outcome.message)
    _say(outcome.message)


def _print_checksums() -> None:
    import hashlib

    from agent.scripts import SCRIPTS, read_script

    for name in sorted(SCRIPTS):
        click.echo(f"{hashlib.sha256(read_script(name)).hexdigest()}  {name}")


def _say(line: str) -> None:
    click.echo(line, err=True)


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(stop))
    return stop


def _stop(stop: threading.Event) -> None:
    stop.set()
    # A call in flight would hold the end up for its timeout; what it sends is lost with or without it.
    undertaker = threading.Timer(2.0, os._exit, (Exit.OK,))
    undertaker.daemon = True
    undertaker.start()


@contextmanager
def _errors_as_one_line() -> Iterator[None]:
    from agent.errors import AgentError, UsageError

    try:
        yield
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    except AgentError as error:
        raise click.ClickException(str(error)) from error
