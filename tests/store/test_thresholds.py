"""Limits: broken only after their time, recovered only by a margin and after their time, and never at a flap."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import EventKind
from store.models import Monitor, MountUsage, Status
from store.policy import DEFAULT_POLICY, Level, Policy, Setting, make_policy
from store.thresholds import (
    Track,
    assess,
    breaches,
    decode_tracks,
    encode_tracks,
    margin,
    relimited,
    threshold_events,
)
from tests.conftest import make_report

MINUTE = 60


def followed(
    values: Sequence[float], policy: Policy = DEFAULT_POLICY, step_s: float | None = MINUTE
) -> list[tuple[Track, ...]]:
    """Return the tracks after each of these CPU usages, one each minute."""
    tracks: tuple[Track, ...] = ()
    course = []
    for number, value in enumerate(values):
        report = make_report(cpu_usage=value, disk_usage=())
        tracks = assess(tracks, report, policy, number * MINUTE * 1000, step_s)
        course.append(tracks)
    return course


def levels(values: Sequence[float], policy: Policy = DEFAULT_POLICY) -> list[Level | None]:
    """Return how bad CPU is after each value."""
    found = [breaches(tracks, policy) for tracks in followed(values, policy)]
    return [each[0].level if each else None for each in found]


W, C = Level.WARNING, Level.CRITICAL


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([85] * 7, [None] * 5 + [W] * 2),
        ([95] * 7, [None] * 5 + [C] * 2),
        ([85, 85, 85, 79, 85, 85, 85], [None] * 7),
        # 85 and 95 in turn: beyond the warning all the time, beyond the critical limit never for long.
        ([85, 95, 85, 95, 85, 95, 85], [None] * 5 + [W] * 2),
        ([80] * 6, [None] * 5 + [W]),
        ([79.9] * 9, [None] * 9),
        # Recovered: below 75 for five minutes.
        ([85] * 6 + [74.9] * 6, [None] * 5 + [W] * 6 + [None]),
        ([85] * 6 + [76] * 9, [None] * 5 + [W] * 10),
        ([85] * 6 + [60, 60, 60, 78, 60, 60, 60], [None] * 5 + [W] * 8),
        # From critical to warning and down.
        ([95] * 6 + [83] * 6 + [10] * 6, [None] * 5 + [C] * 6 + [W] * 6 + [None]),
    ],
)
def test_a_limit_is_broken_and_kept_for_as_long_as_the_policy_asks(
    values: list[float], expected: list[Level | None]
) -> None:
    assert levels(values) == expected


def test_a_mount_is_judged_at_once_and_recovers_two_points_below() -> None:
    tracks: tuple[Track, ...] = ()
    seen = []
    for usage in (79.9, 80.0, 78.5, 77.9, 90.0, 88.5, 87.9):
        report = make_report(cpu_usage=1, disk_usage=(MountUsage("/var", usage), MountUsage("/", 10)))
        tracks = assess(tracks, report, DEFAULT_POLICY, 0, MINUTE)
        seen.append([(b.mount, b.level) for b in breaches(tracks, DEFAULT_POLICY)])
    warning, critical = [("/var", W)], [("/var", C)]
    assert seen == [[], warning, warning, [], critical, critical, warning]


def test_an_ignored_mount_and_a_limit_that_is_off_break_nothing() -> None:
    settings: dict[str, Setting] = {"disk./snap.ignore": 1.0, "cpu.warn": "off", "cpu.crit": "off", "cpu.for": 0.0}
    policy = make_policy({}, settings)
    report = make_report(cpu_usage=100, disk_usage=(MountUsage("/snap", 100),))
    assert assess((), report, policy, 0, MINUTE) == ()


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({"cpu.warn": 90.0, "cpu.crit": 95.0}, None),
        ({"cpu.warn": "off", "cpu.crit": "off"}, None),
        ({"cpu.warn": 82.0}, W),
        # Nothing was done to the limit that is broken: the reading has its margin and its time.
        ({"cpu.for": 600.0, "memory.warn": 70.0}, W),
    ],
)
def test_a_limit_that_is_moved_above_the_reading_is_broken_no_more(
    settings: dict[str, Setting], level: Level | None
) -> None:
    tracks = followed([85] * 6 + [83])[-1]
    policy = make_policy({}, settings)
    left = breaches(relimited(tracks, DEFAULT_POLICY, policy), policy)
    assert [breach.level for breach in left] == ([] if level is None else [level])


def test_load_has_limits_once_they_are_set() -> None:
    policy = make_policy({}, {"load.warn": 4.0, "load.for": 0.0})
    (track,) = assess((), make_report(load_1m=4.0, disk_usage=()), policy, 0, MINUTE)
    (breach,) = breaches([track], policy)
    assert (breach.metric, breach.level, breach.limit) == ("load", W, 4.0)
    assert assess([track], make_report(load_1m=3.7, disk_usage=()), policy, 0, MINUTE)[0].on
    assert assess([track], make_report(load_1m=3.5, disk_usage=()), policy, 0, MINUTE) == ()


def test_silence_in_between_begins_the_time_anew() -> None:
    tracks: tuple[Track, ...] = ()
    for number in range(12):
        elapsed = None if number == 4 else float(MINUTE)
        tracks = assess(tracks, make_report(cpu_usage=95), DEFAULT_POLICY, number, elapsed)
        assert bool(breaches(tracks, DEFAULT_POLICY)) is (number >= 9)


def test_a_breach_says_since_when_by_the_first_report_beyond_the_limit() -> None:
    tracks = followed([10, 85, 85, 95, 95, 95, 95, 95, 95])[-1]
    (breach,) = breaches(tracks, DEFAULT_POLICY)
    assert (breach.level, breach.value, breach.limit, breach.since) == (C, 95, 90, 1 * MINUTE * 1000)


def test_a_small_limit_leaves_room_to_recover() -> None:
    assert margin("cpu", 80) == 5
    assert margin("cpu", 3) == pytest.approx(0.3)
    assert margin("disk", 80) == 2
    assert margin("load", 8) == pytest.approx(0.8)


def test_events_tell_of_what_is_worse_and_of_what_is_over() -> None:
    monitor = Monitor(1, "web-1", 0, Status.UP, 0, 1)
    told: list[tuple[str, object]] = []
    known = monitor.breaches
    for number, tracks in enumerate(followed([85] * 6 + [95] * 6 + [83] * 6 + [10] * 6)):
        now = Monitor(1, "web-1", 0, Status.UP, 0, 1, breaches=breaches(tracks, DEFAULT_POLICY))
        for event in threshold_events(now, known, number * 60_000, make_report(cpu_usage=7)):
            told.append((event.kind, event.detail["level"]))
            last = event
        known = now.breaches
    assert told == [(EventKind.DEGRADED, "warning"), (EventKind.DEGRADED, "critical"), (EventKind.RECOVERED, "warning")]
    assert (last.detail["value"], last.detail["limit"], last.detail["for_s"]) == (7, 80, 23 * 60)


@given(st.floats(0, 100), st.integers(0, 12), st.lists(st.floats(0, 100), max_size=20))
def test_at_a_steady_reading_a_verdict_turns_at_most_once(value: float, minutes: int, before: list[float]) -> None:
    policy = make_policy({}, {"cpu.for": minutes * 60.0})
    on = [
        [(track.level, track.on) for track in tracks if track.on]
        for tracks in followed([*before, *[value] * 40], policy)
    ][len(before) :]
    for level in Level:
        course = [(level, True) in each for each in on]
        assert sum(one is not other for one, other in pairwise(course)) <= 1


@given(st.lists(st.floats(0, 100), max_size=60))
def test_every_degraded_reading_recovers_once_or_is_still_so(values: list[float]) -> None:
    known: tuple[object, ...] = ()
    open_now = False
    policy = make_policy({}, {"cpu.for": 60.0})
    for number, tracks in enumerate(followed(values, policy)):
        now = Monitor(1, "a", 0, Status.UP, 0, 1, breaches=breaches(tracks, policy))
        for event in threshold_events(now, known, number, make_report(cpu_usage=values[number])):  # type: ignore[arg-type]
            assert (event.kind is EventKind.RECOVERED) is open_now or event.detail["level"] == "critical"
            open_now = event.kind is EventKind.DEGRADED
        known = now.breaches
        assert open_now is bool(known)


@given(st.lists(st.floats(0, 100), max_size=12))
def test_tracks_outlive_a_restart(values: list[float]) -> None:
    for tracks in followed(values):
        assert decode_tracks(encode_tracks(tracks)) == tracks
