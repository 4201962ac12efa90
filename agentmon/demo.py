"""`agentmon demo`: the console on a temporary database, with a simulated fleet and no network."""

import secrets
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentmon.exits import Exit, leave
from agentmon.options import ConfiguredCommand, common_options, configuration, option
from agentmon.serve import END_LIMIT_S, console_options, console_settings, on_signals, require_terminal

if TYPE_CHECKING:
    from server.runtime import RuntimeOptions
    from tui.settings import ConsoleSettings

DATABASE = "demo.db"
DEMO_URL = "https://monitor.example.org"
"""Where agents would report to."""

LOOK_EVERY_S = 0.1
SEEDS = 1_000_000


@click.command(cls=ConfiguredCommand)
@common_options
@option("--seed", type=click.IntRange(0), metavar="N", help="The same fleet each time.  [default: another each time]")
@console_options
def demo(seed: int | None, theme: str, no_mouse: bool, bell: bool) -> None:
    """Try the console with a simulated fleet, on a temporary database.

    Nothing listens and nothing is sent. All can be changed, and nothing of it is kept.
    """
    require_terminal()
    if "agentmon.db" in click.get_current_context().find_root().meta:
        raise click.UsageError("the demo has a database of its own: leave --db out")
    settings = console_settings(configuration(), theme=theme, no_mouse=no_mouse, bell=bell)
    on_signals(lambda: sys.exit(Exit.OK))
    folder = Path(tempfile.mkdtemp(prefix="agentmon-demo-"))
    clean = True
    try:
        clean = _show(folder, secrets.randbelow(SEEDS) if seed is None else seed, replace(settings, memory=None))
    finally:
        clear_away(folder, keep_logs=not clean)
    leave(Exit.OK if clean else Exit.FAILURE)


def _show(folder: Path, seed: int, settings: "ConsoleSettings") -> bool:
    """Run receiver and console in a folder until the console is left; returns whether all went well."""
    from agentmon.console import ConsoleRun
    from agentmon.logs import log_to_file
    from server.premises import take_closed_premises
    from server.thread import ReceiverThread

    path = folder / DATABASE
    receiver = ReceiverThread(take_closed_premises(path, DEMO_URL), lambda: _options(seed))
    log_to_file(path)
    on_signals(receiver.stop)
    receiver.start()
    console = ConsoleRun(
        path,
        settings=settings,
        is_ending=receiver.stopping.is_set,
        begin_end=receiver.stop,
        await_end=receiver.wait,
        clear_up=lambda: clear_away(folder),
    )
    while not (receiver.ready.wait(LOOK_EVERY_S) or receiver.stopping.is_set()):
        pass  # the fleet's days until now are being lived through
    clean = console.run()
    receiver.stop()
    if not receiver.wait(END_LIMIT_S):
        return False
    if receiver.failure:
        raise click.ClickException(receiver.failure)
    return clean


def _options(seed: int) -> "RuntimeOptions":
    from agentmon.demo_intake import DemoIntake
    from server.runtime import RuntimeOptions
    from store.writer import wall_clock_ms

    return RuntimeOptions(intake=DemoIntake(seed, wall_clock_ms()))


def clear_away(folder: Path, *, keep_logs: bool = False) -> None:
    """Remove a demo's folder; of one that failed the logs may stay, for the console has named them."""
    if not keep_logs:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for file in folder.iterdir():
        if file.suffix != ".log":
            file.unlink(missing_ok=True)
