"""Durations and points in time as users type them."""

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
    """A time as the console's dialog takes it, see `store.when`, in UTC milliseconds; it may be in the future."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds; anything else is wrong usage. Which of two times was taken is said on stderr."""
        from store.when import WhenError, read_time
        from store.writer import wall_clock_ms

        if isinstance(value, int):
            return value
        try:
            moment = read_time(value, wall_clock_ms())
        except WhenError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if moment.note:
            click.echo(f"{value}: {moment.note}", err=True)
        return moment.at


def require_past(option_name: str, at: int) -> None:
    """Raise a usage error for a time that is still to come."""
    from store.when import zoned
    from store.writer import wall_clock_ms

    if at > wall_clock_ms():
        raise click.UsageError(f"{option_name} {zoned(at)} is still to come")


def require_order(since: int, until: int | None) -> None:
    """Raise a usage error for a period that ends before it begins."""
    from store.when import zoned

    if until is not None and until < since:
        raise click.UsageError(f"--until {zoned(until)} is before --since {zoned(since)}")
