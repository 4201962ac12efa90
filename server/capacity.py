"""How much the receiver holds at once: open files, and bodies that are not complete."""

import resource
import socket

SPARE_FILES = 256
"""Files that the store, the console and the agents' pipes need beside the connections."""

FILES_PER_CONNECTION = 1
FILES_PER_TLS_CONNECTION = 2
"""A handshake takes two."""

SOCKET_BUFFER = 32 * 1024
"""Bytes of a connection that the kernel keeps each way, and about as many at each step above it.

Left to itself it keeps megabytes, TLS buffers as much again, and both do it for a thousand connections. On a
link of 100 ms a report of 256 KiB still takes but a second or two, and usual ones fit whole.
"""

SMALL_BODY = 16 * 1024
MAX_GATHERED = 32 * 1024 * 1024
"""Bytes of all incomplete bodies, beyond which none may grow larger than a small one: agents send some 2 KiB."""


def claim_files(connections: int, *, tls: bool) -> int:
    """Let this process open files for so many connections, and return how many it can have, at least 1.

    A usual soft limit is 1,024; where the hard one is low, half of it is left to the other parts. A connection that
    cannot be accepted would be neither answered nor counted.
    """
    each = FILES_PER_TLS_CONNECTION if tls else FILES_PER_CONNECTION
    wanted = connections * each + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, min(connections, (wanted - min(SPARE_FILES, wanted // 2)) // each))


def bound_buffers(listener: socket.socket) -> None:
    """Have the kernel keep little of each connection that `listener` will accept."""
    for direction in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, direction, SOCKET_BUFFER // 2)  # the kernel doubles it


class Gathering:
    """Counts the bytes of all incomplete bodies."""

    def __init__(self, most: int = MAX_GATHERED) -> None:
        self._most = most
        self._held = 0

    def may_grow(self, size: int, by: int) -> bool:
        """Count `by` bytes more of a body that has then `size`; return whether that is not too much."""
        self._held += by
        return size <= SMALL_BODY or self._held <= self._most

    def end(self, size: int) -> None:
        """Forget a body of this size."""
        self._held -= size
