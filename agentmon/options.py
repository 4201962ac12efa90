"""What every command takes: `--help`, `--version`, and `--db` before or after the subcommand."""

import math
import os
import stat
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import click

DISTRIBUTION = "agentmon-console"
DATABASE_NAME = "agentmon.db"

F = TypeVar("F", bound=Callable[..., Any])


class FinePath(click.Path):
    """A path without NUL, which no system call takes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what can be no path before anything opens it."""
        if "\0" in str(value):
            self.fail("a path holds no NUL character", param, ctx)
        return super().convert(value, param, ctx)


class FiniteRange(click.FloatRange):
    """A number within bounds; "nan" and "inf" are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what compares with no bound."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number to go by", param, ctx)
        return number


class NamedOption(click.Option):
    """An option whose environment variable is named after the option as typed, not after our parameter."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value, None if it is unset, empty or not for this option."""
        if not self.allow_from_autoenv or ctx.auto_envvar_prefix is None:
            return None
        typed = max(self.opts, key=len).lstrip("-").replace("-", "_").upper()
        return os.environ.get(f"{ctx.auto_envvar_prefix}_{typed}") or None


option = partial(click.option, cls=NamedOption)
"""Like `click.option`; all of agentmon's options are made with it."""


tag_option = option(
    "--tag", "tags", metavar="TAG", multiple=True, help="Only monitors with this tag, or with all of several."
)


def common_options(command: F) -> F:
    """Add `--db` and `--version` to a command or group."""
    db = option(
        "--db",
        type=FinePath(path_type=Path),
        metavar="PATH",
        expose_value=False,
        callback=_keep_database,
        is_eager=True,
        allow_from_autoenv=False,
        help="The database  [default: in the user's data directory; env: AGENTMON_DB]",
    )
    version = option(
        "--version", is_flag=True, expose_value=False, callback=_print_version, is_eager=True,
        allow_from_autoenv=False, help="Show the version and exit.",
    )  # fmt: skip
    return db(version(command))


def database() -> Path:
    """Return the database that the running command works on; the innermost `--db` wins, then AGENTMON_DB.

    Raises `DatabaseRefusedError` for what can be no database file: a folder, a device (which root would be about to
    make private, and /dev/null is everyone's).
    """
    from store.errors import DatabaseRefusedError
    from store.text import safe_text

    path = _named_database()
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        is_file = path.name != ""  # not there yet, or out of reach: whoever opens it says so
    if not is_file:
        raise DatabaseRefusedError(f"{safe_text(str(path))} is not a file")
    return path


def _named_database() -> Path:
    given: Path | None = click.get_current_context().find_root().meta.get("agentmon.db")
    if given is not None:
        return given
    if named := os.environ.get("AGENTMON_DB"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("agentmon", appauthor=False) / DATABASE_NAME


def _keep_database(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.find_root().meta["agentmon.db"] = value


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"agentmon {metadata.version(DISTRIBUTION)}")
        context.exit()
