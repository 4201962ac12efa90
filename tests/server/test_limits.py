"""Rate limits and what counts as one address."""

import pytest

from server.limits import RateLimit, address_group, plain_address


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def passed(limit: RateLimit, calls: int, key: str = "a") -> int:
    """Return how many of so many calls pass."""
    return sum(limit.wait_s(key) == 0 for _ in range(calls))


def test_a_burst_passes_and_no_more() -> None:
    assert passed(RateLimit(20, 600, 10, Clock()), 1000) == 600


def test_after_the_burst_the_sustained_rate_passes() -> None:
    clock = Clock()
    limit = RateLimit(20, 600, 10, clock)
    passed(limit, 600)
    clock.now += 1
    assert passed(limit, 100) == 20
    clock.now += 30
    assert passed(limit, 1000) == 600


def test_whoever_keeps_to_the_rate_is_never_refused() -> None:
    clock = Clock()
    limit = RateLimit(20, 600, 10, clock)
    for _ in range(10_000):
        assert limit.wait_s("a") == 0
        clock.now += 0.05


def test_the_wait_is_whole_seconds_and_long_enough() -> None:
    clock = Clock()
    limit = RateLimit(0.1, 2, 10, clock)
    assert [limit.wait_s("a") for _ in range(3)] == [0, 0, 10]
    clock.now += 9.5
    assert limit.wait_s("a") == 1
    clock.now += 1
    assert limit.wait_s("a") == 0


def test_refused_calls_do_not_lengthen_the_wait() -> None:
    clock = Clock()
    limit = RateLimit(1, 1, 10, clock)
    passed(limit, 100)
    clock.now += 1
    assert limit.wait_s("a") == 0


def test_keys_do_not_share_a_limit() -> None:
    limit = RateLimit(1, 5, 10, Clock())
    assert passed(limit, 9, "a") == passed(limit, 9, "b") == 5


def test_a_rate_of_zero_limits_nothing_and_remembers_nothing() -> None:
    limit = RateLimit(0, 0, 10, Clock())
    assert (passed(limit, 10_000), len(limit)) == (10_000, 0)


def test_memory_is_bounded_and_the_least_recent_is_forgotten() -> None:
    limit = RateLimit(1, 1, 3, Clock())
    for key in ("a", "b", "c", "d"):
        limit.wait_s(key)
    assert len(limit) == 3
    assert limit.wait_s("b") > 0
    assert limit.wait_s("a") == 0


@pytest.mark.parametrize(
    ("host", "address", "group"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::/64"),
        ("::1", "::1", "::/64"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_ipv4_counts_alone_and_ipv6_by_its_network(host: str, address: str, group: str) -> None:
    assert plain_address(host) == address
    assert address_group(address) == group


def test_what_is_over_the_rate_is_held_up_until_it_keeps_to_it() -> None:
    clock = Clock()
    limit = RateLimit(10, 3, 10, clock)
    assert [round(limit.delay_s("a"), 3) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]
    assert limit.delay_s("b") == 0
    clock.now += 0.6
    assert [round(limit.delay_s("a"), 3) for _ in range(4)] == [0, 0, 0, 0.1]


def test_nothing_is_held_up_longer_than_it_may_and_a_flood_is_soon_forgotten() -> None:
    clock = Clock()
    limit = RateLimit(10, 3, 10, clock)
    assert max(limit.delay_s("a", at_most_s=2) for _ in range(1000)) == 2
    clock.now += 2.1
    assert limit.delay_s("a") == 0


def test_a_rate_of_zero_holds_nothing_up() -> None:
    assert {RateLimit(0, 0, 10, Clock()).delay_s("a") for _ in range(10)} == {0.0}


def test_delays_remember_no_more_keys_than_refusals_do() -> None:
    limit = RateLimit(1, 1, 3, Clock())
    for number in range(100):
        limit.delay_s(str(number))
    assert len(limit) == 3
