"""What a service manager is told of the receiver: ready, alive, how the fleet is, stopping (sd_notify(3)).

Own code: it is one datagram, and the package for it adds no more than these lines do.
"""

import contextlib
import socket
from collections import Counter
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass

from store.models import Status

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")

PATIENCE_S = 0.5
"""How long a word may wait for a manager that does not listen; without it the receiver's loop would stand."""

PULSES = 3
"""How often the receiver shows that it lives within the time that the manager gives it."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The service manager that started this process; without an `address` there is none, and nothing is sent.

    `watchdog_s` is the silence in seconds after which it takes the process for dead, None if it does not watch.
    """

    address: str | None = None
    watchdog_s: float | None = None

    def pulse_s(self, usual_s: float) -> float:
        """Return how many seconds may pass between two signs of life, `usual_s` if that is often enough."""
        return usual_s if self.watchdog_s is None else min(usual_s, self.watchdog_s / PULSES)

    def tell(self, **words: str) -> None:
        """Send assignments such as `READY="1"`; whoever cannot be reached is no reason to fail."""
        if self.address is None:
            return
        # An abstract address begins with NUL, which no environment holds.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        message = "\n".join(f"{name}={value}" for name, value in words.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(PATIENCE_S)
            sender.sendto(message.encode(), address)


def take_supervisor(environ: MutableMapping[str, str], pid: int) -> Supervisor:
    """Return the manager that the environment names, and take it out, so that no child speaks for this process."""
    address, usec, watched = (environ.pop(name, "") for name in VARIABLES)
    if not address.startswith(("/", "@")):
        return Supervisor()
    is_watched = usec.isdecimal() and int(usec) > 0 and watched in ("", str(pid))
    return Supervisor(address, int(usec) / 1e6 if is_watched else None)


def fleet_in_words(statuses: Iterable[Status]) -> str:
    """Return how many are how, the best first: `48 up, 1 late, 2 down`."""
    counts = Counter(statuses)
    order = (Status.UP, Status.DEGRADED, Status.LATE, Status.DOWN, Status.PENDING, Status.PAUSED)
    return ", ".join(f"{counts[status]} {status}" for status in order if counts[status]) or "no monitors"
