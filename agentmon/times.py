"""Durations and points in time as users type them."""

from datetime import UTC, datetime
from typing import Any

import click

MAX_DURATION_S = 10 * 365 * 86400


class Duration(click.ParamType[float]):
    """A time like `90`, `90s`, `15m`, `2h` or `1d`, in seconds; 0 only where it has a meaning."""

    name = "duration"

    def __init__(self, *, zero: bool = False) -> None:
        """Take 0, too, with `zero`."""
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds; anything else than a time of at most ten years is wrong usage."""
        from store.durations import parse_duration

        if isinstance(value, float):
            return value
        seconds = parse_duration(value)
        if seconds is None or not (seconds > 0 or self.zero) or seconds > MAX_DURATION_S:
            self.fail(f"{value!r} is no duration: write 90s, 15m, 2h or 1d", param, ctx)
        return seconds


class PointInTime(click.ParamType[int]):
    """A time ago (`24h`) or an ISO 8601 time (UTC unless it says otherwise), in UTC milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds; anything else is wrong usage."""
        from store.writer import wall_clock_ms

        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return wall_clock_ms() - round(Duration().convert(value, param, ctx) * 1000)
        try:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(aware.timestamp() * 1000)
        except (OverflowError, ValueError):
            return self.fail(f"{value!r} lies outside the calendar", param, ctx)
