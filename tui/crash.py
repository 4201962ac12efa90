"""What the console does when something in it fails that nobody foresaw: end, and leave the word to who runs it."""

import contextlib
import errno
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import RenderableType
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.worker import WorkerFailed

LOST = (errno.EIO, errno.ENXIO)
"""What the kernel answers to who reads or writes a terminal that is gone."""


class EndedError(Exception):
    """The console ended though neither a key nor a signal asked for it; its notes say where."""


def ended(why: str) -> EndedError:
    """Return an error with a traceback up to here, for an end that no error came with."""
    try:
        raise EndedError(why)
    except EndedError as error:
        error.add_note("".join(traceback.format_stack()[:-1]))
        return error


class QuietApp(App[None], inherit_bindings=False):
    """An app that ends without a word when something in it fails; `crash` then says what.

    Textual would print the traceback with the values of all variables, and agent keys may be among them. `left` is
    true once the app was asked to end before anything had failed.
    """

    crash: BaseException | None = None
    left = False

    def fail(self, error: BaseException) -> None:
        """End because of an error; of several the first is kept, for the others follow from it."""
        self.crash = self.crash or (error.error if isinstance(error, WorkerFailed) else error)
        self._close_messages_no_wait()

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End; a return code or a message mean that something has failed."""
        if return_code or message:
            self.fail(ended(f"exit with code {return_code}"))
        else:
            self.left = self.crash is None
        super().exit(result, return_code)

    def panic(self, *renderables: RenderableType) -> None:
        """End without printing what is handed in."""
        self.fail(sys.exception() or ended("panic"))

    def _handle_exception(self, error: Exception) -> None:
        self.fail(error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Print nothing."""


def is_lost(error: BaseException | None) -> bool:
    """Return whether an error only says that the terminal is gone."""
    return isinstance(error, OSError) and error.errno in LOST


@contextmanager
def threads_watched(failed: Callable[[BaseException], object]) -> Iterator[None]:
    """Call `failed` with what ends a thread of the terminal's driver, on that thread; Python would only print it."""
    others = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        thread, error = args.thread, args.exc_value
        if error is None or thread is None or not thread.name.startswith("textual-"):
            others(args)
            return
        failed(error)
        if isinstance(thread, WriterThread):
            _write_on(thread)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = others


def _write_on(thread: WriterThread) -> None:
    """Write the rest as far as that can be done: what gives the terminal back is among it, and the app waits for it."""
    while (text := thread._queue.get()) is not None:
        with contextlib.suppress(OSError, ValueError):
            thread._file.write(text)
            thread._file.flush()
