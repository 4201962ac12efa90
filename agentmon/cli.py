"""The command line's front door: which commands there are, and how their errors and exit codes leave.

A command's module is imported when it runs, and it imports the rooms then, so that `agentmon --help` loads none of
them and an agent, which runs for months on machines that are short of memory, nothing that it does not need.
"""

import io
import os
import sys
from importlib import import_module

import click

from agentmon.exits import Exit
from agentmon.options import common_options

PROGRAM = "agentmon"
ENVIRONMENT_PREFIX = "AGENTMON"

COMMANDS = {
    "agent": "agents",
    "backup": "backup",
    "config": "config_command",
    "demo": "demo",
    "events": "events",
    "history": "history",
    "monitor": "monitors",
    "notify": "notify",
    "serve": "serve",
    "service": "service",
    "status": "status",
    "tui": "serve",
}
"""The module of this package that defines each command, under the command's own name."""


class Root(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"agentmon.{COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command and turn agentmon's own errors into click's."""
        from store.errors import AgentmonError

        try:
            return super().invoke(ctx)
        except (AgentmonError, UnicodeEncodeError) as error:
            from agentmon.output import in_words

            raise click.ClickException(in_words(error)) from error


@click.group(
    cls=Root, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": ENVIRONMENT_PREFIX}
)
@common_options
def root() -> None:
    """How all your servers are, live in one SSH session.

    Agents push reports to `agentmon serve`; `agentmon serve --tui` shows them in this terminal.
    """


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
