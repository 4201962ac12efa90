"""The driver of the terminal: what is read of it, and how it is given back while the console is stopped.

Textual's own driver stops a process that no shell could bring back, takes a terminal twice that it has never given
back (after `kill -STOP`, which nobody is told of), and would take one after the app has ended. It ends the app by a
byte that is not UTF-8.
"""

import errno
import os
import select
import signal
import threading
import time
from abc import abstractmethod

from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from tui.keyboard import Keyboard
from tui.settings import ConsoleSettings

LOOK_EVERY_S = 0.2
"""How soon a console that went on in the background notices that it is in the foreground again."""

READ_BYTES = 65_536
TICK_S = 0.1
"""How long to wait for input before looking whether an escape that came last is a key, or whether to end."""


def in_foreground(terminal: int) -> bool:
    """Return whether a terminal, given by its descriptor, is this process's to use.

    One that does not control the process has no background. Raises OSError once it is gone.
    """
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return os.isatty(terminal)


def stop_job() -> None:
    """Stop all that the shell started together with this process, and return when it goes on.

    Without a shell to bring it back the kernel drops the signal, and this returns at once.
    """
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.killpg(os.getpgrp(), signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)  # to this thread, which so stops here and not later


class StoppableDriver(LinuxDriver):
    """The driver of a terminal that others may use while the console is stopped."""

    def __init__(
        self, app: App[object], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        """Take the signals that stop a process and let it go on; whoever runs the app resets them after it."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.holds_terminal = False
        self._away = False
        signal.signal(signal.SIGTSTP, self._stop)
        signal.signal(signal.SIGCONT, self._go_on)

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self.holds_terminal = True
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give the terminal back, with what Textual leaves on: the mouse's places in pixels."""
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
        super().stop_application_mode()
        self.holds_terminal = False

    def write_out(self) -> None:
        """Wait until all is written, for an app that failed before it closed the driver."""
        if self._writer_thread is not None and self._writer_thread.is_alive():
            self._writer_thread.stop()

    def run_input_thread(self) -> None:
        """Hand on what comes from the terminal until `exit_event` is set; raises OSError once the terminal is lost."""
        keyboard = Keyboard()
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], TICK_S)[0]:
                for message in keyboard.feed(self._read()):
                    self.process_message(message)
            for message in keyboard.tick():
                self.process_message(message)

    def _run_input_thread(self) -> None:
        self.run_input_thread()  # what it raises goes to `threading.excepthook`; Textual would draw a traceback

    def _read(self) -> bytes:
        try:
            data = os.read(self.fileno, READ_BYTES)
        except BlockingIOError:  # another program made the terminal so, and was faster
            return b""
        if not data:
            raise OSError(errno.EIO, "the terminal's input has ended")
        return data

    def _stop(self, *_: object) -> None:
        if self._away:
            return
        self._away = True
        self.suspend_application_mode()
        stop_job()
        signal.signal(signal.SIGTSTP, self._stop)
        # With `bg` there is no terminal yet. The console has nothing to do, but a receiver in this process goes on.
        while not in_foreground(self.fileno):
            time.sleep(LOOK_EVERY_S)
        self._away = False
        self._take_again()

    def _go_on(self, *_: object) -> None:
        """Take the terminal anew after a stop that nobody was told of: a shell may have set it up for itself."""
        if not self._away and self._app.is_running and in_foreground(self.fileno):
            self.suspend_application_mode()
            self._take_again()

    def _take_again(self) -> None:
        self.resume_application_mode()
        self._app.refresh(layout=True)  # what others have written there is painted over


class SuspendApp(App[None], inherit_bindings=False):
    """An app that ctrl+z suspends."""

    settings: ConsoleSettings

    @abstractmethod
    def say(self, text: str, *, error: bool = False) -> None:
        """Show a line of any origin as a toast."""

    def get_driver_class(self) -> type[Driver]:
        """Return the driver for a terminal."""
        return StoppableDriver

    def action_suspend_process(self) -> None:
        """Stop the console until `fg`; one with the receiver in its process would stop that, too, and does not."""
        if self.settings.serves:
            self.say("Not suspended: the receiver would stop, too. For a shell, open another terminal")
        else:
            super().action_suspend_process()
