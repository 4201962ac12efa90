"""The console in this process: started, ended by signals, and dropped when its terminal is lost or it fails."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from agentmon.exits import ENDING_SIGNALS, Exit
from agentmon.logs import log_crash
from agentmon.terminal import Terminal, point_at_null
from store.files import ensure_private_folder
from store.text import safe_text
from tui.crash import ended, is_lost, threads_watched
from tui.look import shown_glyphs, suggested
from tui.settings import ConsoleSettings
from tui.suspend import StoppableDriver

if TYPE_CHECKING:
    from tui.app import ConsoleApp

UNDERTAKE_AFTER_S = 1.5
"""How long the console may take to leave the terminal by itself once all else has ended."""

DRAIN_LIMIT_S = 6.5
"""The most that ending waits for the receiver, so that with the above all is over within 10 s."""


JOB_SIGNALS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
"""What the driver of the terminal handles while there is a console."""

log = logging.getLogger("agentmon.console")


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
        await_end: Callable[[float], bool] = lambda _: True,
        clear_up: Callable[[], object] = lambda: None,
    ) -> None:
        """Prepare; of the receiver, if there is one, the three before the last tell, ask and await its end.

        `await_end` takes the most seconds to wait and returns whether it ended well; `clear_up` is what is left to do
        when a signal ends all of it.
        """
        self._settings = settings
        self._app: ConsoleApp | None = None
        self._keep_serving = keep_serving
        self._is_ending = is_ending
        self._begin_end = begin_end
        self._await_end = await_end
        self._clear_up = clear_up
        self._database = database
        self._terminal = Terminal()
        self._closed = threading.Event()
        self._handing_back = threading.RLock()
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
        error = self._show()
        with self._handing_back:  # dropping the unread output has let this thread go on, but is not all there is to do
            self._closed.set()
        for number in JOB_SIGNALS:  # the driver would take a terminal that is not its own any more
            signal.signal(number, signal.SIG_DFL)
        if self._gone:
            point_at_null()  # else Python's flush at exit fails on the lost terminal and makes the exit code 120
        return self._judge(error)

    def _show(self) -> BaseException | None:
        """Run the app until it has ended, with the terminal given back; returns what made it fail, if it did."""
        error: BaseException | None = None
        try:
            self._app = self._make_app()
            with threads_watched(self._thread_failed):
                self._app.run(mouse=self._settings.mouse)
        except BaseException as raised:  # noqa: BLE001 - whatever it is, the receiver must not go with it
            error = raised
        if self._app is None:
            return error
        self._stop_reading()
        if isinstance(driver := self._app._driver, StoppableDriver):
            driver.write_out()
            if driver.holds_terminal and not self._gone:
                self._terminal.give_back()
        return self._app.crash or error

    def _make_app(self) -> "ConsoleApp":
        from agentmon.admin import ConsoleAdmin
        from tui.app import ConsoleApp

        fitting = replace(
            self._settings, suggested_theme=suggested(os.environ), glyphs=shown_glyphs(os.environ, sys.stdout.encoding)
        )
        return ConsoleApp(self._database, ConsoleAdmin(self._database), settings=fitting)

    def _judge(self, error: BaseException | None) -> bool:
        """Return whether the end was in good order: a key or a signal asked for it. All else is a crash, and told.

        What fails on the way out, as widgets do that others have outlived, is logged and changes nothing.
        """
        if self._ending.is_set() or self.dropped or (self._app is not None and self._app.left):
            if error is not None:
                with contextlib.suppress(OSError):
                    self._log_crash("the console failed while it ended", error)
            return True
        self._tell_crash(error or ended("nobody asked for it"))
        self.dropped = self._keep_serving
        return self.dropped

    def _tell_crash(self, error: BaseException) -> None:
        """Say on the terminal, in one line, that the console failed and where it is written how; then who goes on."""
        try:
            where = f"what happened stands in {self._log_crash('the console failed', error)}"
        except OSError as trouble:
            where = f"its log cannot be written: {trouble.strerror}"
        goes_on = ""
        if self._keep_serving:
            goes_on = "; the receiver goes on, ctrl+c ends it"
            log.warning("the receiver goes on without the console")
        with contextlib.suppress(OSError):  # the terminal may have gone with it
            click.echo(
                f"agentmon: the console failed ({type(error).__name__}), {safe_text(where, 1_000)}{goes_on}", err=True
            )

    def _log_crash(self, what: str, error: BaseException) -> Path:
        """Write an error to the log and return that; it is in the user's own folder if it cannot be at the database.

        Raises OSError if it cannot be written there either.
        """
        try:
            return log_crash(self._database, what, error)
        except OSError:
            if self._settings.memory is None:
                raise
            ensure_private_folder(self._settings.memory.parent)
            return log_crash(self._settings.memory.with_name(self._database.name), what, error)

    def _thread_failed(self, error: BaseException) -> None:
        if is_lost(error):
            self._lost()
        else:
            self._call_app(lambda app: app.fail(error))

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
        self._stop_reading()
        self._ask_app_to_exit()

    def _stop_reading(self) -> None:
        """End the driver's input thread, which would take keys from others, or spin on a dead terminal."""
        driver = None if self._app is None else self._app._driver
        if stop_reading := getattr(driver, "exit_event", None):
            stop_reading.set()

    def _ask_app_to_exit(self) -> None:
        self._call_app(lambda app: app.exit())

    def _call_app(self, act: "Callable[[ConsoleApp], None]") -> None:
        """Let the app do something on its own thread, if it runs."""
        app = self._app
        loop = None if app is None else app._loop
        if app is not None and loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                loop.call_soon_threadsafe(act, app)

    def _undertake(self) -> None:
        """End the process if its main thread does not do it: that may hang in a terminal that nobody reads."""
        ended_well = self._await_end(DRAIN_LIMIT_S)
        until = time.monotonic() + UNDERTAKE_AFTER_S
        self._closed.wait(UNDERTAKE_AFTER_S)
        with self._handing_back:
            if not self._closed.is_set():
                self._terminal.take_away()
                until = 0.0
        time.sleep(max(0.0, until - time.monotonic()))  # what is left, if the main thread is on its way out
        self._clear_up()
        os._exit(Exit.OK if ended_well else Exit.FAILURE)
