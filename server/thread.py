"""The receiver on a thread and an event loop of its own, so that a stalled terminal cannot stall it."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from server.premises import Premises
from store.errors import AgentmonError

if TYPE_CHECKING:
    from server.runtime import Runtime, RuntimeOptions

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = logging.getLogger("agentmon.receiver")


class ReceiverThread:
    """Runs a receiver on premises that it gives back when it ends.

    `ready` is set once reports are taken, `stopping` once it ends or was asked to, `ended` when all is committed and
    closed; `failure` says in one line why it ended by itself, None if it was stopped.
    """

    def __init__(self, premises: Premises, make_options: "Callable[[], RuntimeOptions]") -> None:
        """Prepare; `make_options` is called on the thread, since it imports what takes long to import."""
        self._premises = premises
        self._make_options = make_options
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runtime: Runtime | None = None
        self.stopping = threading.Event()
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.failure: str | None = None

    def start(self) -> None:
        """Start serving; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to drain and end; returns at once, and may be called from a signal handler."""
        self.stopping.set()
        if self._loop is not None and self._runtime is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                self._loop.call_soon_threadsafe(self._runtime.stop)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended; returns whether it has."""
        return self.ended.wait(timeout_s)

    def _run(self) -> None:
        # Python runs handlers on the main thread alone; a signal that the kernel gives to another one while that
        # sleeps in `wait` would be noticed by nobody. The threads that this one starts inherit the mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except AgentmonError as error:
            self.failure = str(error)
        except BaseException as error:
            self.failure = f"the receiver failed: {type(error).__name__} (see the log)"
            log.critical("the receiver failed", exc_info=error)
            raise
        finally:
            self.stopping.set()
            self._premises.release()
            self.ended.set()

    async def _serve(self) -> None:
        from server.runtime import Runtime

        self._runtime = Runtime(self._premises, self._make_options())
        self._loop = asyncio.get_running_loop()
        if self.stopping.is_set():  # asked to stop before there was a loop to ask
            self._runtime.stop()
        await self._runtime.run(self.ready.set)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for this platform
        return None
    return uvloop.new_event_loop
