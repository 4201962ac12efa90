"""What the forecast and the traffic say in words."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from store.tiers import HOUR_MS
from tests.conftest import Clock, make_report
from tests.store.history import History
from tests.tui.house import utc as utc
from tests.tui.standins import MINUTE, NOW
from tui.draw import local_time
from tui.forecast import until_full
from tui.widgets.traffic import Traffic, months, size, traffic_line

DAY = 1440 * MINUTE


@pytest.mark.parametrize(
    ("full_at", "said"),
    [
        (None, ("\N{EN DASH}", "none")),
        (NOW - 1, ("now", "critical")),
        (NOW + 30 * MINUTE, ("<1h", "critical")),
        (NOW + DAY - 1, ("23h", "critical")),
        (NOW + DAY, ("1d", "warn")),
        (NOW + 7 * DAY - 1, ("6d", "warn")),
        (NOW + 7 * DAY, ("7d", "none")),
        (NOW + 400 * DAY, ("1y", "none")),
    ],
)
def test_a_forecast_is_the_more_worrying_the_nearer_it_is(full_at: int | None, said: tuple[str, str]) -> None:
    assert until_full(full_at, NOW) == said


@pytest.mark.usefixtures("utc")
def test_months_begin_at_local_midnight_of_their_first_day() -> None:
    assert [local_time(at) for at in months(NOW)] == ["2026-02-01 00:00:00", "2026-03-01 00:00:00"]
    assert [local_time(at)[:10] for at in months(NOW - 60 * DAY)] == ["2025-11-01", "2025-12-01"]


ZONES = (
    "UTC",
    "Asia/Kolkata",  # +5:30
    "Asia/Kathmandu",  # +5:45
    "America/St_Johns",  # -3:30, with summer time
    "Australia/Lord_Howe",  # summer time is half an hour
    "Europe/Berlin",
    "America/Havana",  # summer time begins and ends at midnight
)


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This machine's zone is another."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
async def test_months_side_by_side_count_every_hour_once(tmp_path: Path) -> None:
    """Reports each 10 minutes around the ends of months, each with one byte more than the last."""
    now = Clock().ms
    starts = sorted({start for back in range(12) for start in months(now - back * 30 * DAY)})
    async with History(tmp_path / "a.db", Clock(ms=starts[0])) as history:
        count = 0
        for start in starts[1:]:
            history.clock.ms = start - 2 * HOUR_MS
            for _ in range(24):
                count += 1
                history.clock.advance(600)
                await history.report(make_report(network_rx_bytes=count, network_tx_bytes=0))
        await history.go_round()
        moved = [(await history.reader.traffic(1, *month))[0] for month in pairwise(starts)]
        recent, _ = await history.reader.traffic(1, starts[-1], history.clock.ms + 1)
        assert sum(moved) + recent == count - 1


@pytest.mark.parametrize(("count", "said"), [(0, "0"), (999, "999"), (2**20, "1M"), (3 * 2**40, "3.0T")])
def test_bytes_are_written_in_powers_of_1024(count: int, said: str) -> None:
    assert size(count) == said


def test_traffic_fits_a_narrow_terminal() -> None:
    line = traffic_line(Traffic((10**13, 10**12), (10**14, 10**11)), 78)
    assert line.plain.rstrip() == "traffic   this month 9.1T in, 931G out · last month 91T in, 93G out"
    assert traffic_line(Traffic((1, 1), (1, 1)), 40).cell_len == 40
