"""The console in this process: started, ended by signals, and dropped when its terminal is lost or it fails."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click

from agentmon.exits import ENDING_SIGNALS
from agentmon.logs import log_crash
from agentmon.terminal import Terminal, point_at_null
from store.text import safe_text
from tui.look import shown_glyphs, suggested
from tui.settings import ConsoleSettings

UNDERTAKE_AFTER_S = 1.5
"""How long the console may take to leave the terminal by itself once all else has ended."""

DRAIN_LIMIT_S = 7.5
"""The most that ending waits for the receiver, so that with the above all is over within 10 s."""


JOB_SIGNALS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
"""What the driver of the terminal handles while there is a console."""


class ConsoleRun:
    """One run of the console.

    `dropped` says afterwards that its terminal was lost, or the console failed, and that the receiver is to go on.
    """

    def __init__(
        self,
        database: Path,
        *,
        settings: ConsoleSettings,
        keep_serving: bool = False,
        is_ending: Callable[[], bool] = lambda: False,
        begin_end: Callable[[], None] = lambda: None,
        await_end: Callable[[float], object] = lambda _: None,
        clear_up: Callable[[], object] = lambda: None,
    ) -> None:
        """Prepare; of the receiver, if there is one, the three before the last tell, ask and await its end.

        `await_end` takes the most seconds to wait; `clear_up` is what is left to do when a signal ends all of it.
        """
        from agentmon.admin import ConsoleAdmin
        from tui.app import ConsoleApp

        fitting = replace(
            settings, suggested_theme=suggested(os.environ), glyphs=shown_glyphs(os.environ, sys.stdout.encoding)
        )
        self._app: ConsoleApp = ConsoleApp(database, ConsoleAdmin(database), settings=fitting)
        self._keep_serving = keep_serving
        self._is_ending = is_ending
        self._begin_end = begin_end
        self._await_end = await_end
        self._clear_up = clear_up
        self._database = database
        self._terminal = Terminal()
        self._closed = threading.Event()
        self._ending = threading.Event()
        self._gone = False
        self.dropped = False

    def run(self) -> bool:
        """Show the console until it is left; returns whether it ended in good order.

        Handlers are set with `signal.signal` first: one that belongs to the loop would never run on a loop that a
        stalled terminal has frozen.
        """
        for number in ENDING_SIGNALS:
            signal.signal(number, self._on_signal)
        if self._is_ending():
            return True
        self._terminal.watch(self._lost)
        try:
            self._app.run(mouse=self._app.settings.mouse)
        except Exception as error:  # noqa: BLE001 - whatever it is, the receiver must not go with it
            self._terminal.give_back()
            self._app.crash = self._app.crash or error
        finally:
            self._closed.set()
            for number in JOB_SIGNALS:  # the driver would take a terminal that is not its own any more
                signal.signal(number, signal.SIG_DFL)
            if self._gone:
                point_at_null()  # else Python's flush at exit fails on the lost terminal and makes the exit code 120
        if self._app.crash is not None and not self._ending.is_set():
            self._tell_crash(self._app.crash)
            self.dropped = self.dropped or self._keep_serving
            return self.dropped
        return self.dropped or self._app.return_code in (0, None)

    def _tell_crash(self, error: BaseException) -> None:
        """Say on the terminal, in one line, that the console failed and where it stands how; then who goes on."""
        try:
            where = f"what happened stands in {log_crash(self._database, 'the console failed', error)}"
        except OSError as trouble:
            where = f"its log cannot be written: {trouble.strerror}"
        goes_on = "; the receiver goes on, ctrl+c ends it" if self._keep_serving else ""
        click.echo(
            f"agentmon: the console failed ({type(error).__name__}), {safe_text(where, 1_000)}{goes_on}", err=True
        )

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._lost()
        else:
            self._end()

    def _lost(self) -> None:
        if self._closed.is_set() or self.dropped:
            return
        self._gone = True
        if self._keep_serving:
            self.dropped = True
            self._drop()
        else:
            self._end()

    def _end(self) -> None:
        if self._ending.is_set():
            return
        self._ending.set()
        self._begin_end()
        self._ask_app_to_exit()
        threading.Thread(target=self._undertake, name="undertaker", daemon=True).start()

    def _drop(self) -> None:
        self._terminal.take_away()
        driver = self._app._driver
        if stop_reading := getattr(driver, "exit_event", None):
            stop_reading.set()  # Textual's input thread would spin on a dead terminal
        self._ask_app_to_exit()

    def _ask_app_to_exit(self) -> None:
        loop = self._app._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                loop.call_soon_threadsafe(self._app.exit)

    def _undertake(self) -> None:
        self._await_end(DRAIN_LIMIT_S)
        if not self._closed.wait(UNDERTAKE_AFTER_S):
            self._terminal.take_away()
        self._clear_up()
        os._exit(0)
