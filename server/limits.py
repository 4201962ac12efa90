"""How often one may ask: rate limits with bounded memory, and what counts as one address."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_network

BURST_S = 30
"""An agent may send at once what its rate allows in this many seconds: 600 reports at 20/s."""

UNKNOWN_KEY_RATE = 1.0
UNKNOWN_KEY_BURST = 100
"""Unknown keys per address: a room full of agents with stale keys gets its 404s, a guesser gets nowhere."""

UNPRODUCTIVE_RATE = 100.0
UNPRODUCTIVE_BURST = 1000
"""Requests per address that store no report: more than any fleet behind one address asks, and far less than
would take the receiver's time away from reports."""

MAX_DELAY_S = 5.0

_MAPPED = "::ffff:"


def plain_address(host: str) -> str:
    """Return a peer's address in its shortest honest form: an IPv4 peer of a dual-stack socket as IPv4."""
    return host[len(_MAPPED) :] if host.startswith(_MAPPED) and "." in host else host


def address_group(address: str) -> str:
    """Return who an address counts as: itself, or its /64 with IPv6, which a single machine owns whole."""
    if ":" not in address:
        return address
    host = IPv6Address(address.partition("%")[0])
    return str(ip_network((host, 64), strict=False))


class RateLimit:
    """So many calls a second for each key, after a burst; the least recently seen of `capacity` keys is forgotten.

    Each key costs one number: the time at which its burst will be whole again (the generic cell rate
    algorithm). A `rate` of 0 limits nothing. `clock` returns seconds that never go back.
    """

    def __init__(self, rate: float, burst: float, capacity: int, clock: Callable[[], float]) -> None:
        self._interval = 1 / rate if rate > 0 else 0.0
        self._tolerance = self._interval * burst
        self._capacity = capacity
        self._clock = clock
        self._whole_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._whole_at)

    def wait_s(self, key: Hashable) -> int:
        """Count a call and return 0, or return the whole seconds after which the next one may pass."""
        if not self._interval:
            return 0
        now = self._clock()
        whole_at = max(self._whole_at.get(key, now), now) + self._interval
        excess = whole_at - now - self._tolerance
        if excess > 1e-9:
            return max(1, math.ceil(excess))
        self._remember(key, whole_at)
        return 0

    def delay_s(self, key: Hashable, at_most_s: float = MAX_DELAY_S) -> float:
        """Count a call and return the seconds to hold it up, so that all of them together keep to the rate."""
        if not self._interval:
            return 0.0
        now = self._clock()
        free_until = now + self._tolerance
        whole_at = max(self._whole_at.get(key, now), now) + self._interval
        self._remember(key, min(whole_at, free_until + at_most_s))
        return min(max(0.0, whole_at - free_until), at_most_s)

    def _remember(self, key: Hashable, whole_at: float) -> None:
        self._whole_at[key] = whole_at
        self._whole_at.move_to_end(key)
        if len(self._whole_at) > self._capacity:
            self._whole_at.popitem(last=False)
