"""The command line's front door: which commands there are, and how their errors and exit codes leave.

The commands import the rooms when they run, so that `agentmon --help` loads none of them.
"""

import os
import sys

import click

from agentmon.agents import agent
from agentmon.backup import backup
from agentmon.exits import Exit
from agentmon.history import history
from agentmon.monitors import monitor
from agentmon.options import common_options
from agentmon.serve import serve, tui
from agentmon.status import status

PROGRAM = "agentmon"
ENVIRONMENT_PREFIX = "AGENTMON"


class Root(click.Group):
    """The group of all commands."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command and turn agentmon's own errors into click's."""
        from store.errors import AgentmonError

        try:
            return super().invoke(ctx)
        except AgentmonError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=Root, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": ENVIRONMENT_PREFIX}
)
@common_options
def root() -> None:
    """How all your servers are, live in one SSH session.

    Agents push reports to `agentmon serve`; `agentmon serve --tui` shows them in this terminal.
    """


for command in (serve, tui, monitor, status, history, backup, agent):
    root.add_command(command)


def main() -> None:
    """Run the command line; every error is one line on stderr."""
    try:
        code = root.main(prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        code = Exit.USAGE
    except click.ClickException as error:
        code = _complain(error.format_message(), error.exit_code)
    except click.Abort:
        code = _complain("interrupted", Exit.FAILURE)
    except BrokenPipeError:
        # Who reads our output has had enough: `agentmon history … | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.FAILURE
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    from store.text import safe_text

    click.echo(f"{PROGRAM}: {safe_text(' '.join(message.split()), 1_000)}", err=True)
    return code
