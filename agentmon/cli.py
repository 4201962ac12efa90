"""The command line's front door: which commands there are, and how their errors and exit codes leave.

The commands import the rooms when they run, so that `agentmon --help` loads none of them.
"""

import io
import os
import sys

import click

from agentmon.agents import agent
from agentmon.backup import backup
from agentmon.config_command import config
from agentmon.demo import demo
from agentmon.events import events
from agentmon.exits import Exit
from agentmon.history import history
from agentmon.monitors import monitor
from agentmon.notify import notify
from agentmon.options import common_options
from agentmon.serve import serve, tui
from agentmon.status import status

PROGRAM = "agentmon"
ENVIRONMENT_PREFIX = "AGENTMON"


class Root(click.Group):
    """The group of all commands."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command and turn agentmon's own errors into click's."""
        from agentmon.output import in_words
        from store.errors import AgentmonError

        try:
            return super().invoke(ctx)
        except (AgentmonError, UnicodeEncodeError) as error:
            raise click.ClickException(in_words(error)) from error


@click.group(
    cls=Root, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": ENVIRONMENT_PREFIX}
)
@common_options
def root() -> None:
    """How all your servers are, live in one SSH session.

    Agents push reports to `agentmon serve`; `agentmon serve --tui` shows them in this terminal.
    """


for command in (serve, tui, monitor, status, events, history, backup, notify, agent, config, demo):
    root.add_command(command)


def main() -> None:
    """Run the command line; every error is one line on stderr."""
    _furnish_streams()
    try:
        code = root.main(prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        code = Exit.USAGE
    except click.ClickException as error:
        code = _complain(error.format_message(), error.exit_code)
    except click.Abort:
        code = _complain("interrupted", Exit.FAILURE)
    except OSError as error:
        code = _output_failed(error)
    sys.exit(code)


def _furnish_streams() -> None:
    """Make standard streams that can be used: closed ones become the null device, and what has no encoding is escaped.

    Left closed, their file descriptors would go to the next files that are opened, to be written to as "stdout".
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole run
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _output_failed(error: OSError) -> int:
    from agentmon.output import drop_stdout, in_words

    drop_stdout()
    # Who reads our output may have had enough, `agentmon history … | head`: that needs no word.
    return Exit.FAILURE if isinstance(error, BrokenPipeError) else _complain(in_words(error), Exit.FAILURE)


def _complain(message: str, code: int) -> int:
    from store.text import safe_text

    click.echo(f"{PROGRAM}: {safe_text(' '.join(message.split()), 1_000)}", err=True)
    return code
