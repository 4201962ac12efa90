"""What was refused, folded in memory: however many reports are refused, it stays a few lines, written now and then.

Refusals of one kind from one address with one key are one line. Where a flood would make many lines of one, they
become one for all: keys that came but once from the same address, and addresses of one IPv6 network.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache, partial

from server.limits import address_group
from store.errors import StoreUnavailableError
from store.rejections import MANY, MAX_REJECTIONS, LineKey, Rejection, read_rejections, write_rejections
from store.shift import Shift
from store.writer import Writer

MAX_OF_A_KIND = 8
"""Lines of one address and reason, before its keys are folded."""

MAX_HOSTS = 8
"""Addresses of one IPv6 network that have lines of their own: one machine may own as many as it likes."""

KEPT_MS = 7 * 86_400_000
"""What was not seen again for a week is forgotten: it answers no question of today."""

FLUSH_EVERY_S = 3.0


class RejectionLog:
    """The lines, the least recently seen first; `clock` gives UTC milliseconds.

    It begins with `lines` as the table has them, so that counts go on over a restart.
    """

    def __init__(self, clock: Callable[[], int], lines: Iterable[Rejection] = ()) -> None:
        self._clock = clock
        self._lines: OrderedDict[LineKey, Rejection] = OrderedDict()
        self._by_address: dict[str, set[LineKey]] = {}
        self._by_network: dict[str, set[str]] = {}
        for line in sorted(lines, key=lambda line: line.last_at):
            self._put(line)
        self._stored = set(self._lines)
        self._dirty: set[LineKey] = set()

    @property
    def lines(self) -> list[Rejection]:
        """All lines, the least recently seen first."""
        return list(self._lines.values())

    def note(self, address: str, fingerprint: str, status: int, reason: str, field: str = "") -> None:
        """Count a refusal; `fingerprint` and `field` are empty where there is none."""
        now = self._clock()
        key = self._key(self._place(address), fingerprint, reason, field)
        line = self._lines.get(key) or Rejection(*key, status=status, count=0, first_at=now, last_at=now)
        self._put(replace(line, count=line.count + 1, last_at=max(now, line.last_at)))
        self._dirty.add(key)

    def shift(self, shift: Shift) -> None:
        """Give the lines the times that they have once the clock was set."""
        moved = [replace(each, first_at=shift.of(each.first_at), last_at=shift.of(each.last_at)) for each in self.lines]
        self._dirty |= {line.key for line in moved if line != self._lines[line.key]}
        self._lines.update((line.key, line) for line in moved)

    def changed(self) -> tuple[list[Rejection], set[LineKey]]:
        """Return the lines to write and the keys of those to remove, since what was written last."""
        while self._lines and next(iter(self._lines.values())).last_at < self._clock() - KEPT_MS:
            self._drop(next(iter(self._lines)))
        return [self._lines[key] for key in self._dirty], self._stored - self._lines.keys()

    async def flush(self, writer: Writer) -> None:
        """Write what changed in one transaction; what the store does not take now is kept for the next time."""
        lines, gone = self.changed()
        if not lines and not gone:
            return
        self._dirty = set()
        try:
            await writer.transact(partial(write_rejections, lines=lines, gone=gone))
        except StoreUnavailableError:
            self._dirty |= {line.key for line in lines} & self._lines.keys()
        else:
            self._stored = self._stored - gone | {line.key for line in lines}

    def _key(self, place: str, fingerprint: str, reason: str, field: str) -> LineKey:
        """Return the line that a refusal belongs to; folds lines if it would be one too many of its kind."""
        key, many = (place, fingerprint, reason, field), (place, MANY, reason, "")
        if key in self._lines:
            return key
        if many in self._lines:
            return many
        kind = [each for each in self._by_address.get(place, ()) if each[2] == reason]
        if len(kind) < MAX_OF_A_KIND:
            return key
        self._fold(kind, many)
        return many

    def _fold(self, kind: Iterable[LineKey], many: LineKey) -> None:
        """Make one line of those that were seen but once: a broken agent comes again, a guesser's key does not."""
        single = [self._lines[key] for key in kind if self._lines[key].count == 1]
        for line in single:
            self._drop(line.key)
        if single:
            last = max(single, key=lambda line: line.last_at)
            first_at = min(line.first_at for line in single)
            self._put(Rejection(*many, last.status, len(single), first_at, last.last_at))

    def _place(self, address: str) -> str:
        """Return where a refusal is counted: its address, or its network if that has too many of them."""
        if address in self._by_address:
            return address
        network = _network(address)
        return network if len(self._by_network.get(network, ())) >= MAX_HOSTS else address

    def _put(self, line: Rejection) -> None:
        key = line.key
        if key not in self._lines:
            if len(self._lines) >= MAX_REJECTIONS:
                self._drop(next(iter(self._lines)))
            self._by_address.setdefault(line.address, set()).add(key)
            if network := _network(line.address):
                self._by_network.setdefault(network, set()).add(line.address)
        self._lines[key] = line
        self._lines.move_to_end(key)

    def _drop(self, key: LineKey) -> None:
        del self._lines[key]
        self._dirty.discard(key)
        address = key[0]
        self._by_address[address].discard(key)
        if self._by_address[address]:
            return
        del self._by_address[address]
        if network := _network(address):
            self._by_network[network].discard(address)
            if not self._by_network[network]:
                del self._by_network[network]


@lru_cache(maxsize=2048)
def _network(address: str) -> str:
    """Return the network that an address counts for, empty for IPv4 and for a network itself."""
    return "" if ":" not in address or "/" in address else address_group(address)


async def open_log(writer: Writer, clock: Callable[[], int]) -> RejectionLog:
    """Return a log that goes on from what is stored; raises `StoreUnavailableError`."""
    return RejectionLog(clock, await writer.transact(lambda connection, _: read_rejections(connection)))


async def keep(log: RejectionLog, writer: Writer, every_s: float = FLUSH_EVERY_S) -> None:
    """Flush every few seconds until cancelled, and then once more."""
    try:
        while True:
            await asyncio.sleep(every_s)
            await log.flush(writer)
    finally:
        await log.flush(writer)
