"""Where stored times go: in their order, up to now and no further, and no more of them than are wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.rates import UNKNOWN_MS
from store.shift import LEAST_HOLE_MS, REACH_MS, Shift, ahead, back, begins, elapsed_after
from store.tiers import DAY_MS, HOUR_MS, MINUTE_MS

NOW = 1_000 * DAY_MS
LAST_RUN = (NOW - 3 * HOUR_MS, NOW + 5 * HOUR_MS)


@given(
    st.integers(min_value=1, max_value=400 * DAY_MS),
    st.integers(min_value=0, max_value=3 * DAY_MS),
    st.integers(min_value=0, max_value=3 * DAY_MS),
    st.lists(st.floats(min_value=0, max_value=1), max_size=10),
)
def test_what_is_moved_back_keeps_its_order_and_ends_now(by: int, length: int, room: int, parts: list[float]) -> None:
    newest = NOW + by
    first = max(NOW + 1, newest - length)
    shift = back(-by, True, first, newest, NOW - room)
    times = sorted({first, newest, *(first + round(part * (newest - first)) for part in parts)})
    moved = [shift.of(at) for at in times]
    assert moved == sorted(moved)
    assert moved[-1] == NOW
    assert moved[0] >= min(NOW, NOW - room)
    if length < room:
        assert [a - b for a, b in zip(times, moved, strict=True)] == [by] * len(times)


def test_what_comes_after_is_moved_as_far_and_what_was_before_stays() -> None:
    shift = back(-HOUR_MS, True, NOW + 1, NOW + HOUR_MS, NOW - DAY_MS)
    assert (shift.of(NOW), shift.of(NOW + 2 * HOUR_MS)) == (NOW, NOW + HOUR_MS)


@pytest.mark.parametrize(
    ("by_ms", "runs", "first"),
    [
        (HOUR_MS, [], NOW + 1),
        (HOUR_MS, [LAST_RUN], NOW + 1),
        # It leapt ahead by an hour three hours ago.
        (HOUR_MS, [(0, NOW - 4 * HOUR_MS), LAST_RUN], NOW - 3 * HOUR_MS),
        # What hole there is, is too small, or lies too far back, or all is in the future anyway.
        (2 * HOUR_MS, [(0, NOW - 4 * HOUR_MS), LAST_RUN], NOW + 1),
        (HOUR_MS, [(0, 1), (NOW - REACH_MS - 1, NOW + HOUR_MS)], NOW + 1),
        (HOUR_MS, [(0, NOW - 4 * HOUR_MS), (NOW + 5, NOW + HOUR_MS)], NOW + 1),
        # So little was never leapt.
        (LEAST_HOLE_MS - 1, [(0, NOW - 4 * HOUR_MS), LAST_RUN], NOW + 1),
    ],
)
def test_from_when_on_times_are_wrong(by_ms: int, runs: list[tuple[int, int]], first: int) -> None:
    assert begins(NOW, -by_ms, runs) == first


def test_a_step_ahead_moves_what_came_since_and_not_what_came_after() -> None:
    shift = ahead(NOW, DAY_MS, NOW - DAY_MS - MINUTE_MS)
    since = NOW - DAY_MS - MINUTE_MS
    assert [shift.of(at) for at in (since - 1, since, NOW - DAY_MS, NOW)] == [since - 1, since + DAY_MS, NOW, NOW]
    assert not shift.goes_back


BACK, AHEAD = Shift(0, NOW, -1, True), Shift(0, NOW, 1, True)


@pytest.mark.parametrize(
    ("stored", "previous", "apart", "shift", "wanted"),
    [
        (None, 940_000, 60_000, BACK, None),
        (None, 940_000, 5, BACK, 60_000),
        (60_000, 5, 60_020, BACK, None),
        (60_000, None, 5, BACK, 60_000),
        (UNKNOWN_MS, None, 10, BACK, UNKNOWN_MS),
        (None, None, 60_000, BACK, UNKNOWN_MS),
        (None, None, 60_000, AHEAD, None),
    ],
)
def test_the_time_between_two_reports_outlives_their_stamps(
    stored: int | None, previous: int | None, apart: int, shift: Shift, wanted: int | None
) -> None:
    assert elapsed_after(stored, 1_000_000, previous, apart, shift) == wanted
