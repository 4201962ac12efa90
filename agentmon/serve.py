"""`agentmon serve` and `agentmon tui`: the receiver, the console, and both in one process."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from agentmon.exits import ENDING_SIGNALS, Exit, leave
from agentmon.options import (
    ConfiguredCommand,
    FinePath,
    FiniteRange,
    Network,
    ReceiverUrl,
    common_options,
    configuration,
    database,
    option,
)
from agentmon.times import Duration

if TYPE_CHECKING:
    from agentmon.config import Config
    from agentmon.logs import UnhurriedHandler
    from server.premises import Premises
    from server.ready import Supervisor
    from server.runtime import RuntimeOptions
    from server.thread import ReceiverThread
    from server.tls import TlsFiles
    from store.tiers import Retention
    from tui.settings import ConsoleSettings

LOOK_EVERY_S = 1.0
END_LIMIT_S = 7.5
LAST_LINES_S = 1.0
"""How long to wait for the receiver once it was asked to end, and for the log to be read: within 10 s all is over."""

DEFAULT_PORT = 8420

MAX_CONNECTIONS = 1000
"""What the receiver takes in all (`server.receiver.ReceiverOptions`); not imported, as that takes a while."""

FILE = FinePath()
THEMES = ("auto", "dark", "light", "ansi", "mono")

F = TypeVar("F", bound=Callable[..., Any])


def console_options(command: F) -> F:
    """Add what one may say of the console wherever it runs."""
    theme = option(
        "--theme",
        type=click.Choice(THEMES),
        default="auto",
        show_default=True,
        help="How it looks: ansi is in the terminal's own colours, auto as it was left, or what suits the terminal.",
    )
    no_mouse = option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal, to select text.")
    bell = option(
        "--bell", is_flag=True, help="Ring the terminal's bell when a server goes down or a reading becomes critical."
    )
    return theme(no_mouse(bell(command)))


@click.command(cls=ConfiguredCommand)
@common_options
@option("--tui", is_flag=True, help="Show the console in this terminal.")
@option("--host", metavar="ADDR", help="Listen on this address alone.  [default: all interfaces, IPv4 and IPv6]")
@option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: a free one.")
@option(
    "--public-url",
    type=ReceiverUrl(),
    metavar="URL",
    help="Where agents reach this receiver, if not at its own address.",
)
@option("--tls-cert", type=FILE, metavar="F", help="Speak HTTPS with this certificate and its chain (PEM).")
@option("--tls-key", type=FILE, metavar="F", help="The certificate's private key (PEM).")
@option("--self", "with_self", is_flag=True, help="Also monitor this machine.")
@option(
    "--max-report-rate",
    type=FiniteRange(min=0),
    default=20.0,
    show_default=True,
    metavar="N",
    help="Reports a second that one key may send for long; 0: no limit.",
)
@option(
    "--max-per-address",
    type=click.IntRange(1, MAX_CONNECTIONS),
    default=300,
    show_default=True,
    metavar="N",
    help="Connections of one address at a time.",
)
@option(
    "--trusted-proxy",
    type=Network(),
    multiple=True,
    metavar="CIDR",
    help="Believe this proxy's X-Forwarded-For. May be given several times.",
)
@option("--keep-raw", type=Duration(), default="48h", show_default=True, metavar="TIME", help="Keep reports so long.")
@option(
    "--keep-5m", type=Duration(), default="14d", show_default=True, metavar="TIME", help="Keep 5 minutes' averages."
)
@option("--keep-1h", type=Duration(), default="400d", show_default=True, metavar="TIME", help="Keep hours' averages.")
@option(
    "--remind-every",
    type=Duration(zero=True),
    default="6h",
    show_default=True,
    metavar="TIME",
    help="Repeat alerts of servers that stay down; 0: never.",
)
@option(
    "--allow-network-filesystem",
    is_flag=True,
    help="Serve a database on NFS, SMB and the like, where SQLite may lose data.",
)
@console_options
@option(
    "--keep-serving", is_flag=True, help="With --tui: go on without the console if it fails or its terminal is lost."
)
def serve(
    tui: bool,
    host: str | None,
    port: int,
    public_url: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    with_self: bool,
    max_report_rate: float,
    max_per_address: int,
    trusted_proxy: tuple[str, ...],
    keep_raw: float,
    keep_5m: float,
    keep_1h: float,
    remind_every: float,
    allow_network_filesystem: bool,
    theme: str,
    no_mouse: bool,
    bell: bool,
    keep_serving: bool,
) -> None:
    """Receive the agents' reports, and with --tui show them live."""
    on_signals(lambda: os._exit(Exit.OK))  # there is nothing to finish yet, and imports lose exceptions
    from server.premises import take_premises
    from server.ready import take_supervisor
    from server.thread import ReceiverThread

    keep_memory_private()
    _check_console_options(tui)
    config = configuration()
    settings = console_settings(config, theme=theme, no_mouse=no_mouse, bell=bell)
    retention = retention_of(keep_raw, keep_5m, keep_1h)
    supervisor = take_supervisor(os.environ, os.getpid())
    path = database(to_serve=True)
    tls = tls_files(tls_cert, tls_key)
    premises = take_premises(path, host, port, public_url, tls, allow_network=allow_network_filesystem)
    log = _start_log(path, tui)
    warn_of_file_system(path)
    options = partial(
        _options, max_report_rate, max_per_address, trusted_proxy, retention, remind_every, config, supervisor
    )
    receiver = ReceiverThread(premises, options)
    on_signals(receiver.stop, hangup=not (tui and keep_serving))
    receiver.start()
    if with_self:
        _monitor_self(premises, receiver, path)
    clean = _run_console(path, receiver, settings, keep_serving) if tui else _await_end(receiver)
    _leave(receiver, clean, log)


@click.command(cls=ConfiguredCommand)
@common_options
@option("--read-only", is_flag=True, help="Offer nothing that changes anything.")
@console_options
def tui(read_only: bool, theme: str, no_mouse: bool, bell: bool) -> None:
    """The console, attached to the database of a running receiver."""
    from agentmon.console import ConsoleRun
    from store.schema import inspect_database

    keep_memory_private()
    require_terminal()
    path = database()
    inspect_database(path)
    settings = console_settings(configuration(), read_only=read_only, theme=theme, no_mouse=no_mouse, bell=bell)
    leave(Exit.OK if ConsoleRun(path, settings=settings).run() else Exit.FAILURE)


def on_signals(act: Callable[[], object], *, hangup: bool = True) -> None:
    """Act on the signals that ask for an end; without `hangup`, or under nohup(1), let a lost terminal pass."""

    def handle(*_: object) -> None:
        for number in ENDING_SIGNALS:  # once is enough; a handler inside a handler finds its own locks taken
            signal.signal(number, lambda *_: None)
        act()

    for number in ENDING_SIGNALS:
        passes = number is signal.SIGHUP and (not hangup or signal.getsignal(number) is signal.SIG_IGN)
        signal.signal(number, signal.SIG_IGN if passes else handle)


def _check_console_options(tui: bool) -> None:
    """Refuse a console without a terminal, and its options where there is none; a configuration is for both."""
    if tui:
        require_terminal()
        return
    context = click.get_current_context()
    for name in ("keep_serving", "theme", "no_mouse", "bell"):
        if context.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --tui")


def console_settings(
    config: "Config", *, theme: str, no_mouse: bool, bell: bool, read_only: bool = False
) -> "ConsoleSettings":
    """Return how the console is to be by its options and the configuration."""
    from agentmon.folders import state_folder
    from tui.settings import ConsoleSettings

    state = state_folder()
    return ConsoleSettings(
        read_only=read_only,
        theme=None if theme == "auto" else theme,
        bell=bell,
        mouse=not no_mouse,
        keys=config.keys,
        memory=state and state / "console.json",
    )


def _monitor_self(premises: "Premises", receiver: "ReceiverThread", path: Path) -> None:
    from agentmon.self_monitor import monitor_self

    if premises.listener is not None:
        monitor_self(premises.listener, premises.certificate, receiver, path)


def _run_console(path: Path, receiver: "ReceiverThread", settings: "ConsoleSettings", keep_serving: bool) -> bool:
    from agentmon.console import ConsoleRun

    console = ConsoleRun(
        path,
        settings=replace(settings, serves=True),
        keep_serving=keep_serving,
        is_ending=receiver.stopping.is_set,
        begin_end=receiver.stop,
        await_end=partial(_ends_well, receiver),
    )
    clean = console.run()
    if console.dropped:
        # A shell that is hung up hands the signal on to its jobs, so more than one may come.
        on_signals(receiver.stop, hangup=False)
    else:
        receiver.stop()
    return _await_end(receiver) and clean


def _ends_well(receiver: "ReceiverThread", within_s: float) -> bool:
    return receiver.wait(within_s) and receiver.failure is None


def _await_end(receiver: "ReceiverThread") -> bool:
    """Wait until the receiver has ended, by itself or in time after it was asked to; returns whether it has."""
    # Looking, not waiting for `stopping`: a handler sets it on this thread, and must not find its lock taken.
    while not receiver.wait(LOOK_EVERY_S):
        if receiver.stopping.is_set():
            return receiver.wait(END_LIMIT_S)
    return True


def _leave(receiver: "ReceiverThread", clean: bool, log: "UnhurriedHandler | None") -> None:
    """End the process, also when a thread of it hangs in the disk or in a terminal that nobody reads."""
    code = Exit.FAILURE if receiver.failure or not clean else Exit.OK
    if not receiver.ended.is_set() or (log is not None and not log.written(LAST_LINES_S)):
        os._exit(code)
    if receiver.failure:
        raise click.ClickException(receiver.failure)
    leave(code)


def _start_log(path: Path, tui: bool) -> "UnhurriedHandler | None":
    from agentmon.logs import log_to_file, log_to_stderr

    if not tui:
        return log_to_stderr()
    try:
        log_to_file(path)
    except OSError as error:
        raise click.ClickException(f"cannot write the log beside the database: {error.strerror}") from error
    return None


def warn_of_file_system(path: Path) -> None:
    """Log a warning if the file system of a database may not keep what SQLite relies on."""
    import logging

    from store.location import other_fuse

    if kind := other_fuse(path):
        logging.getLogger("agentmon").warning(
            "the database is on a FUSE file system (%s): unless it is local, and keeps locks and shared memory, data is"
            " lost; a plain disk is safe",
            kind,
        )


def retention_of(raw_s: float, five_minutes_s: float, one_hour_s: float) -> "Retention":
    """Return how long each tier is kept; raises a usage error for times that do not fit each other."""
    from store.tiers import Retention

    try:
        return Retention(*(round(seconds * 1000) for seconds in (raw_s, five_minutes_s, one_hour_s)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _options(
    max_report_rate: float,
    max_per_address: int,
    trusted_proxies: tuple[str, ...],
    retention: "Retention",
    remind_every_s: float,
    config: "Config",
    supervisor: "Supervisor",
) -> "RuntimeOptions":
    from server.alerts import NotifierOptions
    from server.receiver import ReceiverOptions
    from server.runtime import RuntimeOptions
    from server.upkeep import UpkeepOptions

    return RuntimeOptions(
        receiver=ReceiverOptions(
            max_report_rate=max_report_rate, max_per_address=max_per_address, trusted_proxies=trusted_proxies
        ),
        upkeep=UpkeepOptions(retention=retention),
        notifier=NotifierOptions(hold_s=config.value("notifications", "hold"), remind_every_s=remind_every_s),
        limits=config.limits,
        supervisor=supervisor,
    )


def keep_memory_private() -> None:
    """Let no crash leave a core file: all agents' keys are in memory, and such files are sent to strangers.

    The limit, not PR_SET_DUMPABLE: that would also take strace and /proc from the one user who may read the
    database anyway, and it needs ctypes. systemd-coredump and apport heed the limit.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def require_terminal() -> None:
    """Raise a usage error if the console would have no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("the console needs a terminal; without one, run agentmon serve without --tui")


def tls_files(cert: str | Path | None, key: str | Path | None) -> "TlsFiles | None":
    """Return what makes HTTPS, None for HTTP; raises a usage error if one is given without the other."""
    from agentmon.folders import expanded
    from server.tls import TlsFiles

    if cert and key:
        return TlsFiles(expanded(Path(cert)), expanded(Path(key)))
    if cert or key:
        given, missing = ("--tls-cert", "--tls-key") if cert else ("--tls-key", "--tls-cert")
        raise click.UsageError(f"{given} needs {missing}")
    return None
