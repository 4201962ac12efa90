"""Which connections of an address are idle, kept alive between two requests: they make room for its new ones."""

from collections import OrderedDict
from typing import Generic, TypeVar

C = TypeVar("C")


class IdleConnections(Generic[C]):
    """The idle connections of each address, longest idle first; every call is O(1)."""

    def __init__(self) -> None:
        self._by_address: dict[str, OrderedDict[C, None]] = {}

    def add(self, address: str, connection: C) -> None:
        """Note that a connection is idle from now on."""
        self._by_address.setdefault(address, OrderedDict())[connection] = None

    def discard(self, address: str, connection: C) -> None:
        """Note that a connection is idle no longer, if it was."""
        idle = self._by_address.get(address)
        if idle is not None:
            idle.pop(connection, None)
            if not idle:
                del self._by_address[address]

    def longest(self, address: str) -> C | None:
        """Return the connection of an address that has been idle for longest, None if none of them is idle."""
        return next(iter(self._by_address.get(address, ())), None)
