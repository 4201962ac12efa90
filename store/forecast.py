"""When a mount will be full at its present growth. Pure: usages over time in, a time or nothing out."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

from store.tiers import DAY_MS

WINDOW_MS = 7 * DAY_MS
"""How far back growth is looked at: a week, so that its daily and weekly ups and downs even out."""

LEAST_SPAN_MS = DAY_MS
LEAST_GROWTH = 0.5
"""Percentage points over the window below which growth is noise: agents send whole or tenths of percents."""

AGREEMENT = 0.8
"""The part of all pairs of points that differ that must agree that it grows."""

NOW_POINTS = 3
"""The last points, whose median is the usage now: one odd one does not bend it, and a clean-up shows soon."""

HORIZON_MS = 400 * DAY_MS
"""A forecast further ahead than the history reaches back is none."""

MOST_POINTS = 84
"""Points fitted, two hours each over a week: a fit over all their pairs takes about a millisecond."""


def full_at(points: Sequence[tuple[int, float]], now: int) -> int | None:
    """Return when (ms) usage will reach 100 %, None if it does not grow clearly.

    `points` are (time in ms, usage in percent) of the last days, oldest first. The growth is the median of the
    slopes between all pairs of points (Theil-Sen), which a few odd ones cannot bend; a mount that is cleaned up
    now and then shows no agreement and gets no forecast.
    """
    thinned = points[:: max(1, -(-len(points) // MOST_POINTS))]
    if len(thinned) < 3 or thinned[-1][0] - thinned[0][0] < LEAST_SPAN_MS:
        return None
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(thinned, 2) if b[0] > a[0]]
    slope = median(slopes)
    if slope * (thinned[-1][0] - thinned[0][0]) < LEAST_GROWTH:
        return None
    if sum(each > 0 for each in slopes) < AGREEMENT * sum(each != 0 for each in slopes):
        return None
    level = median(usage for _, usage in thinned[-NOW_POINTS:])
    ahead = max(0.0, 100 - level) / slope
    return round(now + ahead) if ahead <= HORIZON_MS else None
