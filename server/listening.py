"""How long the receiver has been able to hear its agents: the only clock that silence is measured on."""

import time
from collections.abc import Callable


class ListeningClock:
    """Seconds since the receiver started during which it was really there to listen.

    It is driven by `tick`. Time that passes without ticks (a stopped process, a suspended machine, a stall) is
    credited only up to `patience_s`, and the time of day plays no part, so that neither makes a server look
    silent. Nor does time in which reports were refused since nothing could be stored: then it stands still.
    """

    def __init__(self, patience_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start at zero, now."""
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._counted = 0.0
        self._ticked = monotonic()
        self._runs = True

    def now(self) -> float:
        """Return the seconds listened so far."""
        return self._counted + (min(self._monotonic() - self._ticked, self._patience_s) if self._runs else 0.0)

    def tick(self, *, runs: bool = True) -> None:
        """Count what has passed since the last tick; from now on the clock `runs`, or stands still."""
        self._counted, self._ticked, self._runs = self.now(), self._monotonic(), runs
