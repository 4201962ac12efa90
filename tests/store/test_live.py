"""How a report moves on what is known of a monitor: its interval, its rates, its status."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from store.interval import GAPS_REMEMBERED
from store.live import Live, advance, learn_interval, stamp
from store.models import Monitor, Status
from tests.conftest import make_report

NEW = Live(Monitor(id=1, name="a", created_at=0, status=Status.PENDING, status_since=0, seq=1))


def after(live: Live, at: int, heard_s: float | None = None, **values: object) -> Live:
    return advance(live, make_report(**values), at, at / 1000 if heard_s is None else heard_s, "::1", 2)


def test_rates_are_bytes_per_second_between_the_last_two_reports() -> None:
    live = after(after(NEW, 1_000, network_rx_bytes=100, network_tx_bytes=0), 3_000, network_rx_bytes=121)
    assert live.monitor.network_rx_rate == 10.5


def test_a_clock_that_is_set_back_makes_no_rate_soar() -> None:
    live = after(NEW, 60_000, heard_s=60.0, network_rx_bytes=0)
    assert after(live, 60_001, heard_s=120.0, network_rx_bytes=600).monitor.network_rx_rate == 10.0


def test_there_is_no_rate_after_a_counter_reset_nor_without_counters() -> None:
    live = after(NEW, 1_000, network_rx_bytes=100, network_tx_bytes=None)
    live = after(live, 2_000, network_rx_bytes=99, network_tx_bytes=5)
    assert (live.monitor.network_rx_rate, live.monitor.network_tx_rate) == (None, None)
    assert after(NEW, 1_000).monitor.network_rx_rate is None


def test_an_odd_gap_does_not_change_the_interval() -> None:
    live = NEW
    for at in (0, 60_000, 120_000, 180_000, 4_000_000, 4_060_000):
        live = after(live, at)
    assert live.monitor.interval_s == 60


def test_the_interval_is_unknown_until_the_second_report() -> None:
    assert after(NEW, 0).monitor.interval_s is None
    assert learn_interval(()) is None


def test_a_gap_in_which_the_receiver_was_off_is_not_learned() -> None:
    live = after(after(NEW, 0), 60_000)
    restarted = replace(live, heard_s=None)
    assert after(restarted, 9_000_000, heard_s=3.0).gaps == (60.0,)


def test_a_report_raises_pending_late_and_down_and_keeps_since_when_it_is_up() -> None:
    for status in (Status.PENDING, Status.LATE, Status.DOWN):
        silent = replace(NEW, monitor=replace(NEW.monitor, status=status))
        assert (after(silent, 5).monitor.status, after(silent, 5).monitor.status_since) == (Status.UP, 5)
    assert after(after(NEW, 5), 6).monitor.status_since == 5


def test_what_is_remembered_is_bounded() -> None:
    live = NEW
    for at in range(200):
        live = after(live, at * 1000)
    assert len(live.gaps) == GAPS_REMEMBERED
    assert len(live.course) == 60


@given(st.lists(st.integers(min_value=-(10**12), max_value=2**53), min_size=1, max_size=30))
def test_stamps_rise_strictly_whatever_the_clock_does(received: list[int]) -> None:
    live, stamps = NEW, []
    for at in received:
        stamps.append(stamp(live, at))
        live = after(live, stamps[-1], heard_s=0.0)
    assert all(a < b for a, b in pairwise(stamps))
