"""What store/when.py promises: times as people type them, across changes of the clocks, and steps through the past."""

import os
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.when import MINUTE_MS, Moment, WhenError, spoken, stepped, understand

HOUR_MS = 60 * MINUTE_MS


def berlin() -> ZoneInfo | None:
    """Return a zone whose clocks change, None on a machine without zones."""
    try:
        return ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        assert not os.environ.get("CI"), "the tests of changing clocks need the zone data (Debian: tzdata)"
        return None


BERLIN = berlin()
needs_zones = pytest.mark.skipif(BERLIN is None, reason="no zone data on this machine")


def ms(text: str, zone: tzinfo = UTC, fold: int = 0) -> int:
    """Return the milliseconds of an ISO date and time in a zone."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp() * 1000)


TUESDAY = ms("2026-11-24T10:20:30")
OLDEST = ms("2025-01-01T00:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-24T10:20:30"),
        ("  NOW ", "2026-11-24T10:20:30"),
        ("03:12", "2026-11-24T03:12"),
        ("3:12", "2026-11-24T03:12"),
        ("03:12:45", "2026-11-24T03:12:45"),
        ("10:20", "2026-11-24T10:20"),
        ("10:21", "2026-11-23T10:21"),
        ("23:59", "2026-11-23T23:59"),
        ("today 08:00", "2026-11-24T08:00"),
        ("today", "2026-11-24T00:00"),
        ("yesterday 22:00", "2026-11-23T22:00"),
        ("Yesterday   22:00", "2026-11-23T22:00"),
        ("yesterday", "2026-11-23T00:00"),
        ("mon 09:00", "2026-11-23T09:00"),
        ("monday 09:00", "2026-11-23T09:00"),
        ("tue 09:00", "2026-11-24T09:00"),
        ("tues 11:00", "2026-11-17T11:00"),
        ("wed 09:00", "2026-11-18T09:00"),
        ("sun", "2026-11-22T00:00"),
        ("tuesday", "2026-11-24T00:00"),
        ("-6h", "2026-11-24T04:20:30"),
        ("6h", "2026-11-24T04:20:30"),
        ("6h ago", "2026-11-24T04:20:30"),
        ("- 6 h", "2026-11-24T04:20:30"),
        ("-90m", "2026-11-24T08:50:30"),
        ("-2d", "2026-11-22T10:20:30"),
        ("-1w", "2026-11-17T10:20:30"),
        ("-1d6h", "2026-11-23T04:20:30"),
        ("-1h 30m", "2026-11-24T08:50:30"),
        ("-30s", "2026-11-24T10:20:00"),
        ("2026-11-20 14:00", "2026-11-20T14:00"),
        ("2026-11-20T14:00", "2026-11-20T14:00"),
        ("2026-11-20 14:00:05", "2026-11-20T14:00:05"),
        ("2026-11-2 9:00", "2026-11-02T09:00"),
        ("2026-11-20", "2026-11-20T00:00"),
        ("2026-11-24", "2026-11-24T00:00"),
        ("2026-11-20T14:00:00.500Z", "2026-11-20T14:00:00.500"),
        ("2026-11-20T14:00+02:00", "2026-11-20T12:00"),
        ("2026-11-20 14:00:05+02:00", "2026-11-20T12:00:05"),
        ("2026-11-20T14:00:05.25", "2026-11-20T14:00:05.250"),
        ("20261120T140005", "2026-11-20T14:00:05"),
        ("20261120T1400Z", "2026-11-20T14:00"),
        ("20261120", "2026-11-20T00:00"),
        ("1.5h", "2026-11-24T08:50:30"),
    ],
)
def test_a_time_is_understood_as_people_mean_it(text: str, expected: str) -> None:
    assert understand(text, TUESDAY, OLDEST, UTC) == Moment(ms(expected))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not understood: try 03:12"),
        ("soon", "not understood"),
        ("mo 09:00", "not understood"),
        ("03:12 yesterday", "not understood"),
        ("yesterday noon", "not understood"),
        ("2026-11-20 14", "not understood"),
        ("6", "not understood"),
        ("-6y", "not understood"),
        ("٠٣:١٢", "not understood"),
        ("[/]", "not understood"),
        ("24:00", "24:00 is not a time"),
        ("12:60", "12:60 is not a time"),
        ("2026-02-30 10:00", "there is no 2026-02-30"),
        ("2026-13-01", "there is no 2026-13-01"),
        ("today 23:00", "Tue 2026-11-24 23:00 is still to come"),
        ("2026-11-25 00:00", "Wed 2026-11-25 00:00 is still to come"),
        ("9999-12-31 23:59", "9999-12-31 is still to come"),
        ("2026-11-24T12:00Z", "Tue 2026-11-24 12:00 is still to come"),
        ("2024-12-31 23:59", "nothing is stored before Wed 2025-01-01 00:00"),
        ("-999999999w", "nothing is stored before"),
        ("0001-01-01 00:00", "nothing is stored before"),
        ("0000-01-01", "nothing is stored before"),
    ],
)
def test_what_is_no_time_of_the_past_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(WhenError, match="^" + said.replace("[", r"\[")):
        understand(text, TUESDAY, OLDEST, UTC)


SPRING, AUTUMN = "2026-03-29T12:00", "2026-10-25T12:00"
FIRST, SECOND = (f"the {which} of two that night: the clocks went back" for which in ("first", "second"))


@needs_zones
@pytest.mark.parametrize(
    ("now", "text", "expected", "fold", "note"),
    [
        (SPRING, "02:30", "2026-03-28T02:30", 0, ""),
        (SPRING, "sun 02:30", "2026-03-22T02:30", 0, ""),
        (SPRING, "03:30", "2026-03-29T03:30", 0, ""),
        (SPRING, "-12h", "2026-03-28T23:00", 0, ""),
        (SPRING, "-1d", "2026-03-28T11:00", 0, ""),
        (AUTUMN, "02:30", "2026-10-25T02:30", 1, SECOND),
        (AUTUMN, "2026-10-25 02:30", "2026-10-25T02:30", 1, SECOND),
        (AUTUMN, "2026-10-25T02:30+02:00", "2026-10-25T02:30", 0, ""),
        (AUTUMN, "-12h", "2026-10-25T01:00", 0, ""),
        (AUTUMN, "today", "2026-10-25T00:00", 0, ""),
    ],
)
def test_changing_clocks_lose_and_repeat_no_hour(now: str, text: str, expected: str, fold: int, note: str) -> None:
    assert BERLIN
    assert understand(text, ms(now, BERLIN), OLDEST, BERLIN) == Moment(ms(expected, BERLIN, fold), note)


@needs_zones
def test_between_two_times_of_the_same_name_the_first_is_the_last_that_was() -> None:
    assert BERLIN
    now = ms("2026-10-25T02:15", BERLIN, fold=1)
    for text in ("02:30", "today 02:30"):
        assert understand(text, now, OLDEST, BERLIN) == Moment(ms("2026-10-25T02:30", BERLIN), FIRST)


@needs_zones
def test_a_time_that_the_clocks_skipped_never_was() -> None:
    assert BERLIN
    with pytest.raises(WhenError, match="the clocks went forward: 02:30 never was on 2026-03-29"):
        understand("2026-03-29 02:30", ms(SPRING, BERLIN), OLDEST, BERLIN)


@needs_zones
def test_a_day_begins_after_a_midnight_that_the_clocks_skipped() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    found = understand("2026-04-24", ms("2026-04-25T12:00"), OLDEST, cairo)
    assert spoken(found.at, cairo) == "Fri 2026-04-24 01:00"


@pytest.mark.usefixtures("berlin_machine")
@pytest.mark.parametrize("text", ["03:12", "02:30", "mon 09:00", "-6h", "2026-10-25 02:30", "yesterday"])
def test_without_a_zone_it_is_that_of_this_machine(text: str) -> None:
    summer = datetime(2026, 10, 25, 11, tzinfo=UTC)
    now = round(summer.timestamp() * 1000)
    here = understand(text, now, OLDEST)
    assert spoken(now) == "Sun 2026-10-25 12:00"
    if BERLIN:
        assert here == understand(text, now, OLDEST, BERLIN)


@given(st.text(max_size=40) | st.from_regex(r"\A(mon|today|20\d\d-\d\d-\d\d)?[ tT]?\d{1,2}:\d\d\Z", fullmatch=True))
def test_whatever_is_typed_gives_a_time_between_the_oldest_and_now_or_a_reason(text: str) -> None:
    try:
        found = understand(text, TUESDAY, OLDEST, UTC)
    except WhenError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert OLDEST <= found.at <= TUESDAY


@needs_zones
@given(st.integers(OLDEST // 1000, TUESDAY // 1000))
def test_what_is_said_of_a_time_means_that_time_when_typed(second: int) -> None:
    at = second * 1000
    said = spoken(at, BERLIN).partition(" ")[2]
    found = understand(said, TUESDAY, OLDEST - HOUR_MS, BERLIN)
    assert found.at == at or (found.note and found.at == at + HOUR_MS)


@needs_zones
@given(st.integers(OLDEST // 1000, TUESDAY // 1000), st.integers(0, 1439))
def test_a_time_of_day_is_the_last_that_was(second: int, minute: int) -> None:
    now, clock = second * 1000, f"{minute // 60:02}:{minute % 60:02}"
    found = understand(clock, now, OLDEST - 3 * 24 * HOUR_MS, BERLIN)
    assert spoken(found.at, BERLIN).endswith(clock)
    # A day with a repeated hour has 25, and one that skipped this time does not have it.
    assert 0 <= now - found.at < 49 * HOUR_MS


@given(st.integers(-2000, 2000), st.none() | st.integers(OLDEST, TUESDAY - 1))
def test_a_step_ends_at_a_minute_between_the_oldest_and_now(minutes: int, at: int | None) -> None:
    then = stepped(at, minutes, TUESDAY, OLDEST)
    exact = (TUESDAY if at is None else at) + minutes * MINUTE_MS
    if then is None:
        assert exact >= TUESDAY
    else:
        assert OLDEST <= then < TUESDAY
        assert then == OLDEST or (then % MINUTE_MS == 0 and 0 <= exact - then < MINUTE_MS)


def test_steps_go_back_and_forward_again_to_now() -> None:
    back = stepped(None, -5, TUESDAY, OLDEST)
    assert back == ms("2026-11-24T10:15")
    assert stepped(back, -60, TUESDAY, OLDEST) == ms("2026-11-24T09:15")
    assert stepped(back, 5, TUESDAY, OLDEST) == ms("2026-11-24T10:20")
    assert stepped(back, 60, TUESDAY, OLDEST) is None
    assert stepped(None, 5, TUESDAY, OLDEST) is None


def test_nothing_is_seen_before_the_oldest() -> None:
    assert stepped(OLDEST + 1, -5, TUESDAY, OLDEST) == OLDEST
    assert stepped(None, -5, TUESDAY, TUESDAY + 1) is None, "a clock that was set back leaves no past to go to"


@pytest.mark.parametrize("days", [0, 1, 2, 6])
def test_a_weekday_is_never_more_than_a_week_ago(days: int) -> None:
    day = datetime.fromtimestamp(TUESDAY / 1000, UTC) - timedelta(days=days)
    assert understand(f"{day:%A} 00:00", TUESDAY, OLDEST, UTC).at == ms(f"{day:%Y-%m-%d}T00:00")
