"""What every command takes: `--help`, `--version`, and `--db` and `--config` before or after the subcommand."""

import ipaddress
import math
import os
import re
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from agentmon.config import Config

DISTRIBUTION = "agentmon-console"
DATABASE_NAME = "agentmon.db"
CONFIG_NAME = "config.toml"

SYSTEM_DATABASE = Path("/var/lib/agentmon/agentmon.db")
SYSTEM_USER = "agentmon"
"""Where the system's service keeps its database, and whose it is (`agentmon service install`)."""

MAX_PORT = 65_535

URL = re.compile(
    r"https?://(?P<host>\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?)(:(?P<port>[0-9]{1,5}))?"
    r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/*"
)
"""No user, no query, no dots that lead upwards, and of what a shell looks at only the brackets of IPv6."""

F = TypeVar("F", bound=Callable[..., Any])


class FinePath(click.Path):
    """A path without NUL, which no system call takes.

    What may not be read is said by whoever opens it: it is no wrong usage, and each command has its own exit code.
    """

    def __init__(self) -> None:
        """Take any path as a `pathlib.Path`."""
        super().__init__(readable=False, path_type=Path)

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


class Network(click.ParamType[str]):
    """An address or a network, "10.0.0.0/8" or "2001:db8::1", as text."""

    name = "network"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is neither, and 10.0.0.1/8: it would trust far more than the machine that it seems to name."""
        try:
            return str(ipaddress.ip_network(value))
        except ValueError:
            self.fail(f"{value!r} is no address and no network such as 10.0.0.0/8", param, ctx)


class ReceiverUrl(click.ParamType[str]):
    """Where agents reach a receiver, as text without slashes at its end: see `is_url`."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what leads nowhere, or what a shell would read otherwise: it stands in the install lines."""
        if not is_url(value):
            self.fail("a URL looks like http://HOST:PORT or https://HOST:PORT", param, ctx)
        return str(value).rstrip("/")


class NamedOption(click.Option):
    """An option whose environment variable is named after the option as typed, not after our parameter."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the variable's value, None if it is unset, empty or not for this option."""
        variable = self.variable(ctx)
        return os.environ.get(variable) or None if variable else None

    def variable(self, ctx: click.Context) -> str | None:
        """Return the name of its environment variable in a command's context, None if it has none."""
        if not self.allow_from_autoenv or ctx.auto_envvar_prefix is None:
            return None
        typed = max(self.opts, key=len).lstrip("-").replace("-", "_").upper()
        return f"{ctx.auto_envvar_prefix}_{typed}"


option = partial(click.option, cls=NamedOption)
"""Like `click.option`; all of agentmon's options are made with it."""


tag_option = option(
    "--tag", "tags", metavar="TAG", multiple=True, help="Only monitors with this tag, or with all of several."
)


TIME_HELP = "24h, yesterday, 03:12, 'mon 09:00' or ISO 8601; local unless it has a zone."
"""How one types a time: what `--since` and `--until` take."""

utc_option = option("--utc", is_flag=True, help="Show times in UTC instead of this machine's zone.")


class ConfiguredCommand(click.Command):
    """A command whose options the configuration file may set; all of the file is checked when it starts."""


def common_options(command: F) -> F:
    """Add `--db`, `--config` and `--version` to a command or group."""
    db = option(
        "--db",
        type=FinePath(),
        metavar="PATH",
        expose_value=False,
        callback=_keep_database,
        is_eager=True,
        allow_from_autoenv=False,
        help="The database  [default: in the user's data directory; env: AGENTMON_DB]",
    )
    config = option(
        "--config",
        type=FinePath(),
        metavar="PATH",
        expose_value=False,
        callback=_keep_config,
        is_eager=True,
        allow_from_autoenv=False,
        help="The configuration  [default: in the user's configuration directory; env: AGENTMON_CONFIG]",
    )
    version = option(
        "--version", is_flag=True, expose_value=False, callback=_print_version, is_eager=True,
        allow_from_autoenv=False, help="Show the version and exit.",
    )  # fmt: skip
    return db(config(version(command)))


def database(*, to_serve: bool = False) -> Path:
    """Return the database that the running command works on, or is `to_serve`, by its real name: see `found_database`.

    Raises `DatabaseRefusedError` for what can be no database file: a folder, a device (which root would be about to
    make private, and /dev/null is everyone's); and for the service's if this user may not read it.
    """
    from store.errors import DatabaseRefusedError
    from store.location import real_path
    from store.text import safe_text

    path = found_database(to_serve=to_serve)
    if path == SYSTEM_DATABASE and path.parent.is_dir() and not os.access(path.parent, os.R_OK | os.X_OK):
        raise DatabaseRefusedError(f"{path} belongs to the service (user {SYSTEM_USER}): run this with sudo")
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        is_file = path.name != ""  # not there yet, or out of reach: whoever opens it says so
    if not is_file:
        raise DatabaseRefusedError(f"{safe_text(str(path))} is not a file")
    return real_path(path)


def found_database(*, to_serve: bool = False) -> Path:
    """Return the path of that database, whatever may be there.

    The innermost `--db` goes before AGENTMON_DB, and that before what the configuration file says. For those who name
    none it is their own, or, unless they are about to serve it, that of the system's service if they have none.
    Raises `DatabaseRefusedError` if there is no home for it.
    """
    if found := named_database() or _configured_database():
        return found
    from agentmon.folders import NO_HOME, data_folder, is_there
    from store.errors import DatabaseRefusedError

    folder = data_folder()
    own = folder and folder / DATABASE_NAME
    if not to_serve and (own is None or not is_there(own)) and SYSTEM_DATABASE.parent.is_dir():
        return SYSTEM_DATABASE
    if own is None:
        raise DatabaseRefusedError(f"{NO_HOME}: name the database with --db")
    return own


def named_database() -> Path | None:
    """Return what `--db` or AGENTMON_DB names, None if nothing."""
    given: Path | None = click.get_current_context().find_root().meta.get("agentmon.db")
    if given is not None:
        return given
    named = os.environ.get("AGENTMON_DB")
    return Path(named) if named else None


def _configured_database() -> Path | None:
    path, named = config_path()
    if path is None:
        return None
    from agentmon.config import load_database

    return load_database(path, named=named)


def config_path() -> tuple[Path | None, bool]:
    """Return the configuration file, and whether somebody named it: one that nobody named need not exist.

    Without a home there is none, unless it is named.
    """
    given: Path | None = click.get_current_context().find_root().meta.get("agentmon.config")
    if given is not None:
        return given, True
    if named := os.environ.get("AGENTMON_CONFIG"):
        return Path(named), True
    from agentmon.folders import config_folder

    folder = config_folder()
    return folder and folder / CONFIG_NAME, False


def configuration() -> "Config":
    """Return what the configuration file says, all of it checked; raises `ConfigRefusedError`.

    It is read once for a command, so that all that the command does rests on the same.
    """
    from agentmon.config import Config, load

    path, named = config_path()
    known = click.get_current_context().find_root().meta
    config = known.get("agentmon.configuration")
    if not isinstance(config, Config) or config.path != path:
        config = known["agentmon.configuration"] = load(path, named=named)
    return config


def is_url(text: str) -> bool:
    """Return whether a text can be the address of a receiver: a host, perhaps a port, perhaps a path before its own."""
    found = URL.fullmatch(text)
    return found is not None and _is_host(found["host"]) and 0 < int(found["port"] or 1) <= MAX_PORT


def _is_host(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text.strip("[]")).is_unspecified
    except ValueError:
        return not text.startswith("[")


def _keep_database(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.find_root().meta["agentmon.db"] = value


def _keep_config(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.find_root().meta["agentmon.config"] = value
    if isinstance(context.command, ConfiguredCommand) and not context.resilient_parsing:
        # The options that follow look here when neither the command line nor the environment says anything.
        context.default_map = configuration().for_command(context.info_name or "")


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from importlib import metadata

        click.echo(f"agentmon {metadata.version(DISTRIBUTION)}")
        context.exit()
