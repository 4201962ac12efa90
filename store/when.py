"""Points in time as people type them and as they are shown: pure, with the clock and the zone handed in.

The console's dialog and the command line's `--since` and `--until` both read them here.

Times are UTC milliseconds; `zone` is where "03:12" is meant, None this machine's own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EXAMPLES = "03:12, yesterday 22:00, mon 09:00, -6h, 2026-11-20 14:00, now"

MINUTE_MS = 60_000

_UNITS_MS = {"s": 1000, "m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 1440 * MINUTE_MS, "w": 7 * 1440 * MINUTE_MS}
_COUNT = r"(\d{1,9}(?:\.\d{1,6})?) ?([smhdw])"
_AGO = re.compile(rf"-? ?((?:{_COUNT} ?)+)(?:ago)?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?", re.ASCII)
_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)(?:t(\d\d)(\d\d)(\d\d)?)?", re.ASCII)
"""ISO 8601 without hyphens and colons."""

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIRST_YEAR, _LAST_YEAR = 1971, 9998
"""Nothing is older, and dates beyond are more than some systems can convert."""


class WhenError(ValueError):
    """What was typed is not a time, or not one that will do; `str()` of it says why, in one line."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that was understood, and what should be said about it, if anything."""

    at: int
    note: str = ""


def local(at: int, zone: tzinfo | None = None) -> datetime:
    """Return a time as date and time of the zone; without one it is naive, and this machine's."""
    return datetime.fromtimestamp(at / 1000, zone)


def spoken(at: int, zone: tzinfo | None = None) -> str:
    """Return a time as the console says it: "Tue 2026-11-24 03:12", with seconds if it has any."""
    then = local(at, zone)
    return then.strftime("%a %Y-%m-%d %H:%M:%S" if then.second else "%a %Y-%m-%d %H:%M")


def stepped(at: int | None, minutes: int, now: int, oldest: int) -> int | None:
    """Return the whole minute so many minutes after `at`, or before it if negative; None stands for now.

    There is nothing to see before `oldest`, and where the future would begin it is now again.
    """
    then = (now if at is None else at) + minutes * MINUTE_MS
    then = max(then - then % MINUTE_MS, oldest)
    return then if then < now else None


def understand(text: str, now: int, oldest: int, zone: tzinfo | None = None) -> Moment:
    """Return the time that was typed; raises `WhenError` for what is none, is still to come, or precedes `oldest`.

    A time of day is the last one that was, a weekday too; a day without a time is its beginning, and a day in "-2d"
    is 24 hours. A time that a change of clocks skipped never was; of one that it repeated, the later is meant.
    """
    found = read_time(text, now, zone)
    if found.at < oldest:
        raise WhenError(f"nothing is stored before {spoken(oldest, zone)}")
    if found.at > now:
        raise WhenError(f"{spoken(found.at, zone)} is still to come")
    return found


def read_time(text: str, now: int, zone: tzinfo | None = None) -> Moment:
    """Return the time that was typed, be it past or future; raises `WhenError` for what is not a time.

    What is older than anything that can be stored is 0. See `understand` for what words mean.
    """
    return _read(" ".join(text.casefold().split()), now, zone) or Moment(0)


def zoned(at: int, zone: tzinfo | None = None) -> str:
    """Return a time with its distance from UTC, "2026-11-24 03:12:05+01:00"; without a zone it is this machine's."""
    said = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).isoformat(" ", "seconds")
    return said.removesuffix("+00:00") + "Z" if zone is UTC else said


def _read(text: str, now: int, zone: tzinfo | None) -> Moment | None:
    """Return what a text means; None is long before anything was stored."""
    if text == "now":
        return Moment(now)
    if match := _AGO.fullmatch(text):
        return Moment(now - _span_ms(match[1]))
    if stamp := _stamp(text):
        return Moment(round(stamp.timestamp() * 1000)) if stamp.year >= _FIRST_YEAR else None
    if match := _BASIC.fullmatch(text):
        year, month, day_of_month, *clock_parts = match.groups()
        text = f"{year}-{month}-{day_of_month} {':'.join(filter(None, clock_parts))}".rstrip()
    day, _, clock = re.sub(r"^([\d-]+)t", r"\1 ", text).rpartition(" ")
    if not day and not _CLOCK.fullmatch(clock):
        day, clock = clock, ""
    return _on_day(day, _clock(clock) if clock else None, now, zone)


def _span_ms(text: str) -> int:
    return sum(round(float(count) * _UNITS_MS[unit]) for count, unit in re.findall(_COUNT, text, re.ASCII))


def _stamp(text: str) -> datetime | None:
    """Return a time in ISO 8601 with its distance from UTC, as agentmon itself prints them."""
    try:
        stamp = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return stamp if stamp.tzinfo and stamp.year <= _LAST_YEAR else None


def _clock(text: str) -> time:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise WhenError(f"not understood: try {EXAMPLES}")
    try:
        return time(int(match[1]), int(match[2]), int(match[3] or 0), int((match[4] or "").ljust(6, "0")[:6]))
    except ValueError:
        raise WhenError(f"{text} is not a time") from None


def _on_day(day: str, clock: time | None, now: int, zone: tzinfo | None) -> Moment | None:
    today = local(now, zone).date()
    if not day and clock:
        return _latest((today - timedelta(days=back) for back in range(3)), clock, now, zone)
    if match := _DATE.fullmatch(day):
        return _at(_date(match), clock, now, zone) if int(match[1]) >= _FIRST_YEAR else None
    if day in ("today", "yesterday"):
        return _at(today - timedelta(days=day == "yesterday"), clock, now, zone)
    weekday = next((i for i, name in enumerate(_WEEKDAYS) if len(day) >= 3 and name.startswith(day)), None)
    if weekday is None:
        raise WhenError(f"not understood: try {EXAMPLES}")
    nearest = today - timedelta(days=(today.weekday() - weekday) % 7)
    if clock is None:
        return _at(nearest, clock, now, zone)
    return _latest((nearest - timedelta(weeks=back) for back in range(3)), clock, now, zone)


def _date(match: re.Match[str]) -> date:
    try:
        found = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise WhenError(f"there is no {match[0]}") from None
    if found.year > _LAST_YEAR:
        raise WhenError(f"{match[0]} is still to come")
    return found


def _latest(days: Iterable[date], clock: time, now: int, zone: tzinfo | None) -> Moment:
    """Return the last time that it was `clock` on one of the days, newest first; some may have skipped it."""
    for day in days:
        times = _times(day, clock, zone)
        if any(at <= now for at in times):
            return _chosen(times, now)
    raise WhenError(f"it was not {clock:%H:%M} on any of these days")


def _at(day: date, clock: time | None, now: int, zone: tzinfo | None) -> Moment:
    """Return a day's time, or without one its beginning."""
    if clock is None:
        # Where the clocks skip midnight, this is the first moment after.
        return Moment(round(datetime.combine(day, time(), zone).timestamp() * 1000))
    times = _times(day, clock, zone)
    if not times:
        raise WhenError(f"the clocks went forward: {clock:%H:%M} never was on {day}")
    return _chosen(times, now)


def _times(day: date, clock: time, zone: tzinfo | None) -> list[int]:
    """Return when it was that time on that day: mostly once, never or twice when the clocks are changed."""
    wall = datetime.combine(day, clock, zone)
    found = {round(wall.replace(fold=fold).timestamp() * 1000) for fold in (0, 1)}
    return [at for at in sorted(found) if local(at, zone).replace(fold=0) == wall]


def _chosen(times: list[int], now: int) -> Moment:
    at = max((each for each in times if each <= now), default=times[0])
    if len(times) == 1:
        return Moment(at)
    return Moment(at, f"the {'first' if at == times[0] else 'second'} of two that night: the clocks went back")
