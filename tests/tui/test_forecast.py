"""What the forecast and the traffic say in words."""

import pytest

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


@pytest.mark.parametrize(("count", "said"), [(0, "0"), (999, "999"), (2**20, "1M"), (3 * 2**40, "3.0T")])
def test_bytes_are_written_in_powers_of_1024(count: int, said: str) -> None:
    assert size(count) == said


def test_traffic_fits_a_narrow_terminal() -> None:
    line = traffic_line(Traffic((10**13, 10**12), (10**14, 10**11)), 78)
    assert line.plain.rstrip() == "traffic   this month 9.1T in, 931G out · last month 91T in, 93G out"
    assert traffic_line(Traffic((1, 1), (1, 1)), 40).cell_len == 40
