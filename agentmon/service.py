"""`agentmon service …`: the receiver as a systemd unit."""

import getpass
import os
import pwd
import shlex
import shutil
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from agentmon.options import (
    SYSTEM_DATABASE,
    SYSTEM_USER,
    common_options,
    config_path,
    database,
    found_database,
    named_database,
    option,
)
from agentmon.service_unit import NAME, SYSUSERS_LINE, Service, database_of, out_of_reach, unit_text

if TYPE_CHECKING:
    from agentmon.systemd import Systemd

SUDO_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where sudo looks for commands unless it is configured otherwise."""

PRIVILEGED_PORTS = range(1, 1024)
OF_THE_CONSOLE = ("tui", "keep_serving", "theme", "no_mouse", "bell")

INSTALL_FOR_ALL = "install agentmon where all may read it, as in /opt/agentmon (docs/service.md)"


@click.group()
@common_options
def service() -> None:
    """Run the receiver as a systemd service: the system's when run by root, else your own."""


@service.command()
@common_options
@option("--print", "print_only", is_flag=True, help="Show the unit and write nothing.")
@click.argument("options", nargs=-1, metavar="[-- SERVE OPTION...]")
def install(print_only: bool, options: tuple[str, ...]) -> None:
    """Write, enable and start the unit; what follows -- are options of agentmon serve.

    Installing again takes over other options, and restarts the service only if something has changed.
    """
    from agentmon.systemd import own_systemd, require_systemd

    systemd = own_systemd()
    unit, problem = _plan(options, system=systemd.system)
    if print_only:
        if problem:
            click.echo(f"agentmon: {problem}", err=True)
        click.echo(unit_text(unit), nl=False)
        return
    if problem:
        raise click.ClickException(problem)
    require_systemd()
    _start(systemd, unit_text(unit))
    _tell(systemd)
    _tell_what_else(systemd)


@service.command()
@common_options
def uninstall() -> None:
    """Stop the service and remove its unit; the data stays."""
    from agentmon.output import say
    from agentmon.systemd import own_systemd, require_systemd, system_systemd

    systemd = own_systemd()
    if not systemd.unit.exists():
        others = f"; the system's service is root's to remove: {_sudo()} service uninstall"
        say(f"{NAME} is not installed" + (others if not systemd.system and system_systemd().unit.exists() else ""))
        return
    require_systemd()
    held = _database(systemd)
    systemd.do("disable", "--now", NAME)
    systemd.unit.unlink()
    systemd.do("daemon-reload")
    say(f"{NAME} is removed; its data stays: {held}" + (f" (of the user {SYSTEM_USER})" if systemd.system else ""))


@service.command()
@common_options
def status() -> None:
    """Show whether the service is there and runs, where it listens, and where its database is; exit 0 if it runs."""
    from agentmon.systemd import own_systemd, require_systemd, system_systemd

    systemd = next((each for each in (own_systemd(), system_systemd()) if each.unit.exists()), None)
    if systemd is None:
        raise click.ClickException(f"{NAME} is not installed (agentmon service install)")
    require_systemd()
    if not _tell(systemd):
        raise click.ClickException(f"the service does not run: {systemd.journal}")


def _plan(options: Sequence[str], *, system: bool) -> tuple[Service, str | None]:
    """Return what the unit is to run, and why that cannot work, if so."""
    config, named = config_path()
    given = ("--config", str(config.absolute())) if config is not None and named else ()
    serving = _checked(given or (("--config", os.devnull) if system else ()), options)
    command = _own_command()
    words = (str(command), "serve", "--db", str(_planned_database(system)), *given, *options)
    if not all(word.isprintable() for word in words):
        raise click.UsageError("a unit file holds no control characters")
    port, sees_disks = serving.params["port"], serving.params["with_self"]
    unit = Service(words, system, low_port=port in PRIVILEGED_PORTS, sees_disks=sees_disks)
    return unit, _obstacle(command, config if named else None) if system else None


def _checked(config: Sequence[str], options: Sequence[str]) -> click.Context:
    """Return the options of `serve` as that will read them; raises a usage error as that would."""
    from agentmon.serve import retention_of, serve, tls_files

    context = serve.make_context("serve", [*config, *options])
    if any(word.partition("=")[0] in ("--db", "--config") for word in options):
        raise click.UsageError("--db and --config go before the --")
    for each in serve.params:
        value = context.params.get(each.name or "")
        if isinstance(each.type, click.Path) and value is not None and not Path(value).is_absolute():
            raise click.UsageError(f"a service starts in no folder: give {each.opts[0]} an absolute path")
        if each.name in OF_THE_CONSOLE and context.get_parameter_source(each.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"a service has no console: leave {each.opts[0]} out")
    tls_files(context.params["tls_cert"], context.params["tls_key"])
    retention_of(*(context.params[name] for name in ("keep_raw", "keep_5m", "keep_1h")))
    return context


def _planned_database(system: bool) -> Path:
    if not system:
        return database(to_serve=True).absolute()
    if named_database() not in (None, SYSTEM_DATABASE):
        raise click.UsageError(f"the system's service has its database at {SYSTEM_DATABASE} (leave --db out)")
    return SYSTEM_DATABASE


def _own_command() -> Path:
    """Return this installation's command, by the path that it was called by: a link to it outlives an upgrade."""
    called = Path(shutil.which(sys.argv[0]) or "")
    command = called.absolute() if called.name == "agentmon" else Path(sysconfig.get_path("scripts")) / "agentmon"
    if not command.is_file():
        raise click.ClickException(f"cannot find the command of this installation: there is no {command}")
    return command


def _obstacle(command: Path, config: Path | None) -> str | None:
    """Return why a service of another user cannot run this installation or read its configuration."""
    needed = (command, Path(__file__), Path(sys.prefix), Path(sys.base_prefix))
    if hidden := out_of_reach(needed):
        return f"the service cannot read {hidden.resolve()}: {INSTALL_FOR_ALL}"
    if config is not None and (config := out_of_reach([config])):
        return f"the service cannot read {config}: the file needs mode 0644 and its folders 0755, outside homes"
    return None


def _start(systemd: "Systemd", text: str) -> None:
    from agentmon.systemd import SystemdError

    if systemd.system:
        _make_user()
    changed = systemd.write(text)
    systemd.do("daemon-reload")
    systemd.do("enable", NAME)
    try:
        systemd.do("restart" if changed else "start", NAME)
    except SystemdError as error:
        reason = systemd.last_words() or f"{error} ({systemd.journal})"
        raise click.ClickException(f"{NAME} is installed, but does not start: {reason}") from error


def _make_user() -> None:
    from agentmon.systemd import run

    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        run("systemd-sysusers", "--inline", SYSUSERS_LINE)


def _tell(systemd: "Systemd") -> bool:
    """Say how the service is; returns whether it runs."""
    from agentmon.output import say

    found = systemd.show()
    runs = found.get("ActiveState") == "active"
    whose = "the system's" if systemd.system else "your own"
    say(f"{NAME}, {whose}: installed, {found.get('UnitFileState') or 'not enabled'}, {_activity(found)}")
    say(f"receiver  {found.get('StatusText') if runs else 'does not run'}")
    say(f"database  {_database(systemd)}")
    say(f"console   {_console(systemd)}")
    return runs


def _activity(found: Mapping[str, str]) -> str:
    from agentmon.output import iso_time

    state = found.get("ActiveState", "unknown")
    if state != "active":
        return f"{state} ({found.get('SubState', 'unknown')})"
    # Its clock stands still while the machine sleeps, and so does this one.
    ago_s = time.clock_gettime(time.CLOCK_MONOTONIC) - int(found.get("ActiveEnterTimestampMonotonic", "0")) / 1e6
    return f"active since {iso_time(round((time.time() - ago_s) * 1000))}"


def _database(systemd: "Systemd") -> Path:
    try:
        return database_of(systemd.unit.read_text(encoding="utf-8")) or found_database()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"cannot read {systemd.unit}: {error}") from error


def _console(systemd: "Systemd") -> str:
    if systemd.system:
        return f"{_sudo()} tui"
    held = _database(systemd)
    return f"{_called()} tui" if held == found_database() else f"{_called()} --db {shlex.quote(str(held))} tui"


def _sudo() -> str:
    """Return the words that run this command as root."""
    return f"sudo {_called(SUDO_PATH)}"


def _called(path: str | None = None) -> str:
    """Return the word that runs this command where commands are looked for in `path`, by default where we look."""
    command = _own_command()
    found = shutil.which("agentmon", path=path)
    return "agentmon" if found and Path(found).resolve() == command.resolve() else shlex.quote(str(command))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # passwd does not know it, and nothing in the environment does
        return str(os.getuid())


def _tell_what_else(systemd: "Systemd") -> None:
    """Say what stands between this installation and what people expect of it."""
    from agentmon.output import say
    from agentmon.systemd import lingers

    if not systemd.system and not lingers(_user()):
        say("it ends with your last session, unless you run: loginctl enable-linger")
    if systemd.system and (own := found_database()) != SYSTEM_DATABASE:
        say(f"your own database goes before it: to see the service, add --db {SYSTEM_DATABASE} or move {own}")
