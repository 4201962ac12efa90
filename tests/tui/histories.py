"""Histories to draw: points of a server's past with a daily course, gaps and holes."""

from collections.abc import Callable
from math import sin

from store.series import MountSpread, Point, Series, Spread
from tests.tui.standins import NOW
from tui.chart_metrics import Picture


def spread(avg: float, width: float = 0.0) -> Spread:
    """Return a value with bounds around it, none below 0 or above 100."""
    return Spread(avg, max(avg - width, 0), min(avg + width, 100))


def a_point(at: int, cpu: float = 20.0, width: float = 0.0, **values: object) -> Point:
    """Return a plausible point; `values` replace its numbers by field name, None takes one out."""
    numbers = {
        "cpu_usage": spread(cpu, width),
        "cpu_iowait": spread(2, width / 8),
        "memory_usage": spread(60, width / 4),
        "swap_usage": spread(5),
        "load_1m": spread(cpu / 25, width / 25),
        "load_5m": spread(cpu / 30),
        "load_15m": spread(cpu / 40),
    }
    usages = {"/": spread(45), "/var/lib/postgresql": spread(83, width / 8), "/srv/old": spread(70)}
    mounts = tuple(MountSpread(mount, usage, None, None) for mount, usage in usages.items())
    replaced = {**numbers, **values}
    kept = {name: value for name, value in replaced.items() if isinstance(value, Spread)}
    return Point(at, 1, kept, 60, int(cpu * 60_000), int(cpu * 20_000), None, None, mounts)


def a_series(
    since: int, until: int, step_ms: int, *, step: str = "raw", skip: Callable[[int], bool] = lambda _: False
) -> Series:
    """Return a point for every step of a period but those to skip; bands if it is rolled up."""
    width = 0.0 if step == "raw" else 12.0
    points = (
        a_point(at, 40 + 30 * sin(at / step_ms / 12) + 3 * (at // step_ms % 5), width)
        for at in range(since // step_ms * step_ms, until, step_ms)
        if not skip(at)
    )
    return Series(step, step_ms, round(step_ms * 2.5), tuple(points))


def a_picture(series: Series, span_ms: int, runs: tuple[tuple[int, int], ...] | None = None) -> Picture:
    """Return the picture of the time until `NOW`, during which the receiver ran all the time unless told otherwise."""
    since = NOW - span_ms
    return Picture(since, NOW, NOW, 0, series, ((since, NOW),) if runs is None else runs)
