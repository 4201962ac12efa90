"""When a mount will be full: said for clear growth, not said for noise, saws and what stands still."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.forecast import LEAST_SPAN_MS, full_at
from store.tiers import DAY_MS, HOUR_MS

NOW = 1_772_366_400_000
HOURS = 7 * 24


def week(usage: Callable[[float], float], hours: int = HOURS) -> list[tuple[int, float]]:
    """Return hourly points up to now; `usage` takes days, which are 0 now."""
    return [(NOW - hour * HOUR_MS, usage(-hour / 24)) for hour in range(hours, 0, -1)]


def days_ahead(points: list[tuple[int, float]]) -> float | None:
    found = full_at(points, NOW)
    return None if found is None else (found - NOW) / DAY_MS


def noise(spread: float) -> Callable[[], float]:
    draw = random.Random("noise")
    return lambda: draw.gauss(0, spread)


def test_steady_growth_is_carried_on() -> None:
    assert days_ahead(week(lambda day: 60 + 2 * day)) == pytest.approx(20, abs=0.3)


def test_noise_on_growth_changes_little() -> None:
    shake = noise(1.0)
    assert days_ahead(week(lambda day: 60 + 2 * day + shake())) == pytest.approx(20, abs=2)


def test_whole_percents_will_do() -> None:
    assert days_ahead(week(lambda day: round(60 + 0.7 * day))) == pytest.approx(40 / 0.7, rel=0.25)


def test_a_few_odd_hours_change_little() -> None:
    odd = {3, 40, 41, 90}
    points = [(at, 99.0 if n in odd else usage) for n, (at, usage) in enumerate(week(lambda day: 60 + 2 * day))]
    assert days_ahead(points) == pytest.approx(20, abs=1)


def test_a_dump_that_lasts_two_hours_now_changes_little() -> None:
    points = week(lambda day: 60 + 2 * day)
    points[-2:] = [(at, 95.0) for at, _ in points[-2:]]
    assert days_ahead(points) == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    "usage",
    [
        lambda day: 50.0,
        lambda day: 100.0,
        lambda day: 0.0,
        lambda day: 60 - 2 * day,
        lambda day: 50 + 0.05 * day,
        lambda day: 40 + 20 * (day % 1),
        lambda day: 40 + 30 * (day % 3.5) / 3.5,
        lambda day: 45 + (round(day * 24) % 2),
    ],
    ids=["flat", "full and flat", "empty", "shrinking", "creeping", "daily saw", "saw", "between two"],
)
def test_what_does_not_clearly_grow_has_no_forecast(usage: Callable[[float], float]) -> None:
    assert full_at(week(usage), NOW) is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_has_no_forecast(seed: int) -> None:
    draw = random.Random(seed)
    assert full_at(week(lambda day: 50 + draw.gauss(0, 3)), NOW) is None


@pytest.mark.parametrize("hours_ago", [8, 12, 24, 48])
def test_after_a_clean_up_nothing_is_said_to_be_full_soon(hours_ago: int) -> None:
    found = days_ahead(week(lambda day: (90 if day < -hours_ago / 24 else 40) + 8 * day))
    assert found is None or found > 5


def test_a_mount_that_just_ran_full_is_full_now() -> None:
    assert full_at(week(lambda day: min(100.0, 110 + 10 * day)), NOW) == NOW


def test_growth_that_takes_longer_than_the_history_reaches_back_has_no_forecast() -> None:
    assert full_at(week(lambda day: 10 + 0.1 * day), NOW) is None


@pytest.mark.parametrize("hours", [0, 1, 2, 23])
def test_less_than_a_day_is_too_short(hours: int) -> None:
    assert hours * HOUR_MS < LEAST_SPAN_MS
    assert full_at(week(lambda day: 60 + 2 * day, hours), NOW) is None


times = st.integers(min_value=NOW - 7 * DAY_MS, max_value=NOW)


@given(st.lists(st.tuples(times, st.floats(min_value=0, max_value=100)), max_size=200).map(sorted))
def test_whatever_the_points_a_forecast_is_never_past(points: list[tuple[int, float]]) -> None:
    found = full_at(points, NOW)
    assert found is None or found >= NOW
