"""Rates: over the true time between two reports, never over next to none, and no byte is lost for that."""

from pathlib import Path

import pytest

from store.live import Live, advance
from store.models import Monitor, Report, Status
from store.rates import least_elapsed_s, rate
from store.series import Plan
from store.tiers import DAY_MS, HOUR_MS
from tests.conftest import START_MS, Clock, make_report
from tests.store.history import History

NEW = Live(Monitor(id=1, name="a", created_at=0, status=Status.PENDING, status_since=0, seq=1))
PER_S, BURST = 1_000, 600_000_000


def counted(received: int) -> Report:
    return make_report(network_rx_bytes=received, network_tx_bytes=received // 2)


def after(live: Live, heard_s: float, received: int, leap_ms: int = 0) -> Live:
    return advance(live, counted(received), START_MS + round(heard_s * 1000) + leap_ms, heard_s, "::1", 1)


def minutely(times: int) -> Live:
    live = NEW
    for minute in range(times):
        live = after(live, minute * 60.0, minute * 60 * PER_S)
    return live


@pytest.mark.parametrize("apart_s", [0.0, 0.001, 0.02, 1.0, 14.9])
def test_a_report_right_after_another_keeps_the_last_rate(apart_s: float) -> None:
    live = after(minutely(5), 240 + apart_s, 240 * PER_S + BURST)
    assert (live.monitor.network_rx_rate, live.monitor.network_tx_rate) == (PER_S, PER_S / 2)
    live = after(live, 300 + apart_s, 300 * PER_S + BURST)
    assert live.monitor.network_rx_rate == PER_S


def test_a_quarter_of_the_usual_interval_makes_a_rate() -> None:
    live = after(minutely(5), 255.0, 240 * PER_S + 15 * 7)
    assert live.monitor.network_rx_rate == 7


def test_without_a_usual_interval_two_reports_at_once_make_no_rate() -> None:
    live = after(after(NEW, 0.0, 0), 0.02, BURST)
    assert live.monitor.network_rx_rate is None
    assert after(live, 0.04, 2 * BURST).monitor.network_rx_rate is None


def test_a_counter_that_began_anew_right_after_a_report_has_no_rate() -> None:
    assert after(minutely(5), 240.02, 0).monitor.network_rx_rate is None


def test_what_makes_no_rate() -> None:
    assert rate(0, 100, 10.0, 10.0) == 10
    assert [rate(0, 100, elapsed_s, 60.0) for elapsed_s in (None, 0.0, 14.9)] == [None] * 3
    assert (rate(None, 1, 60.0, 60.0), rate(1, None, 60.0, 60.0), rate(2, 1, 60.0, 60.0)) == (None, None, None)
    assert (least_elapsed_s(None), least_elapsed_s(2.0), least_elapsed_s(300.0)) == (0.2, 0.5, 75.0)


@pytest.mark.parametrize("leap_ms", [10 * DAY_MS, 20_000, -20_000, -365 * DAY_MS])
def test_a_clock_that_is_set_between_two_reports_bends_no_rate(leap_ms: int) -> None:
    before = minutely(5)
    at = max(START_MS + 300_000 + leap_ms, START_MS + 240_001)
    live = advance(before, counted(300 * PER_S), at, 300.0, "::1", 1)
    assert live.monitor.network_rx_rate == PER_S


def test_reports_that_were_refused_for_an_hour_count_as_that_hour() -> None:
    """The listening clock stood still meanwhile."""
    before = minutely(5)
    live = advance(before, counted(3840 * PER_S), START_MS + 3_840_000, 300.0, "::1", 1, steady_s=3840.0)
    assert live.monitor.network_rx_rate == PER_S


async def lived(history: History, steps: list[tuple[float, float, int]]) -> None:
    """Let reports arrive: (seconds since the one before, by how many of them the clock is set, bytes)."""
    total = 0
    await history.go_round()
    for seconds, leap_s, moved in steps:
        history.clock.advance(seconds)
        history.clock.ms += round(leap_s * 1000)
        total += moved
        await history.report(counted(total))
    await history.go_round()


@pytest.mark.parametrize("apart_s", [0.02, 0.9, 5.0])
async def test_charts_show_no_spike_and_the_total_holds(tmp_path: Path, apart_s: float) -> None:
    minute = (60.0, 0.0, 60 * PER_S)
    async with History(tmp_path / "a.db", Clock()) as history:
        await lived(history, [minute] * 20 + [(apart_s, 0.0, BURST)] + [minute] * 20)
        for width_ms in (1_000, 10_000, 60_000, HOUR_MS):
            rates = [point.rx_rate for point in await history.points(Plan(None, width_ms))]
            assert max(each for each in rates if each is not None) <= PER_S * 1.01
        received, sent = await history.reader.traffic(1, 0, history.clock.ms)
        assert received == 39 * 60 * PER_S + BURST
        assert sent == received // 2


@pytest.mark.parametrize("leap_s", [10 * 86_400.0, 30.0, -59.0, -3600.0])
async def test_charts_have_the_true_rate_over_a_clock_that_was_set(tmp_path: Path, leap_s: float) -> None:
    minute = (60.0, 0.0, 60 * PER_S)
    async with History(tmp_path / "a.db", Clock()) as history:
        await lived(history, [minute] * 5 + [(60.0, leap_s, 60 * PER_S)] + [minute] * 5)
        points = await history.points(Plan(None, 60_000))
        assert {point.rx_rate for point in points} <= {None, PER_S}
        assert sum(point.rx_bytes or 0 for point in points) == 10 * 60 * PER_S
        received, _ = await history.reader.traffic(1, 0, history.clock.ms + DAY_MS)
        assert received == 10 * 60 * PER_S


async def test_the_fleet_as_it_was_has_no_spike_either(tmp_path: Path) -> None:
    minute = (60.0, 0.0, 60 * PER_S)
    async with History(tmp_path / "a.db", Clock()) as history:
        await lived(history, [minute] * 5 + [(0.02, 0.0, BURST)])
        (now,), (before,) = [await history.reader.fleet_at(history.clock.ms - ago_ms) for ago_ms in (0, 20)]
        assert (now.network_rx_rate, before.network_rx_rate) == (None, PER_S)
