"""Where a receiver's reports come from, and by which clocks: the network, or for a demonstration a simulation."""

import socket
from typing import Protocol

from server.clock import steady_s
from server.listening import ListeningClock
from server.receiver import Receiver, ReceiverOptions, start_receiver
from server.rejected import RejectionLog
from server.tls import Certificate
from store.writer import Writer, wall_clock_ms


class Intake(Protocol):
    """A source of reports; `listening` is the clock that silence is measured on, `wall` gives UTC milliseconds."""

    @property
    def listening(self) -> ListeningClock:
        """The clock that silence is measured on."""
        ...

    def wall(self) -> int:
        """Return the time of day, UTC milliseconds."""
        ...

    def steady_s(self) -> float:
        """Return seconds that nobody sets and that never stop."""
        ...

    async def open(self, writer: Writer, rejected: RejectionLog) -> None:
        """Store reports from now on, and note what is refused; returns once they are taken."""
        ...

    async def close(self, grace_s: float) -> None:
        """Take no more, and finish what is in flight within `grace_s` seconds."""
        ...


class NetworkIntake:
    """The report API on a bound socket, over TLS with a `certificate`."""

    def __init__(
        self,
        listener: socket.socket,
        options: ReceiverOptions,
        listening: ListeningClock,
        certificate: Certificate | None = None,
    ) -> None:
        """Prepare; `open` listens."""
        self.listening = listening
        self._listener = listener
        self._options = options
        self._certificate = certificate
        self._receiver: Receiver | None = None

    def wall(self) -> int:
        """Return the time of day, UTC milliseconds."""
        return wall_clock_ms()

    def steady_s(self) -> float:
        """Return the seconds since the machine's start."""
        return steady_s()

    async def open(self, writer: Writer, rejected: RejectionLog) -> None:
        """Listen."""
        self._receiver = await start_receiver(
            writer, self._listener, self._options, rejected=rejected, certificate=self._certificate
        )

    async def close(self, grace_s: float) -> None:
        """Stop accepting and drain."""
        if self._receiver is not None:
            await self._receiver.stop(grace_s)
