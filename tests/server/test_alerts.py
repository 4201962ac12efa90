"""Which events are told, how bad they are, when the time has come, and when to remind: tables and properties."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts import REMIND_TOGETHER_S, AlertKind, NotifierOptions, alert_of, backoff_s, is_time, reminders
from store.events import Event, EventKind
from store.live import Live
from store.models import Monitor, Status
from store.policy import Level
from tests.conftest import START_MS
from tests.server.notices import alerts, down, reading, reports_again, shared_key, silence, up

HOUR_MS = 3_600_000
OPTIONS = NotifierOptions()
LATE = Monitor(9, "late", START_MS, Status.LATE, START_MS, 1, last_report_at=START_MS - 280_000)


@pytest.mark.parametrize(
    ("happened", "level"),
    [
        (down(), Level.CRITICAL),
        (up(), Level.CRITICAL),
        (silence(), Level.CRITICAL),
        (reports_again(), Level.CRITICAL),
        (shared_key(), Level.CRITICAL),
        (reading(level="warning"), Level.WARNING),
        (reading(level="critical"), Level.CRITICAL),
        (reading(EventKind.RECOVERED, level="warning"), Level.WARNING),
        (up(was="pending"), None),
    ],
)
def test_what_is_told_and_how_bad_it_is(happened: Event, level: Level | None) -> None:
    alert = alert_of(happened)
    assert (alert and alert.level) == level


@pytest.mark.parametrize(
    ("happened", "held_s", "others", "due"),
    [
        ([], 100.0, [], False),
        ([down()], 4.9, [], False),
        ([down()], 5.0, [], True),
        ([down()], 5.0, [LATE], False),
        ([down()], 89.9, [LATE], False),
        ([down()], 90.0, [LATE], True),
        ([down()], 5.0, [replace(LATE, status=Status.UP)], True),
        ([down()], 5.0, [replace(LATE, last_report_at=START_MS - 3 * HOUR_MS)], True),
        ([down()], 5.0, [replace(LATE, last_report_at=None)], True),
        ([reading()], 5.0, [LATE], True),
        ([silence()], 5.0, [LATE], True),
        ([up()], 5.0, [LATE], True),
    ],
)
def test_alerts_are_held_while_others_that_fell_silent_with_them_may_follow(
    happened: list[Event], held_s: float, others: list[Monitor], due: bool
) -> None:
    assert is_time(alerts(*happened), held_s, others, OPTIONS) is due


def fallen(number: int, since: int, *, unsaid: bool = False, status: Status = Status.DOWN) -> Live:
    return Live(Monitor(number, f"web-{number}", START_MS, status, since, 1), unsaid=unsaid)


def reminded(lives: list[Live], reminded_at: int, now: int) -> tuple[list[str | None], int]:
    found, until = reminders(lives, reminded_at, now, OPTIONS)
    return [alert.monitor for alert in found], until


def test_a_server_that_stays_down_is_told_of_again_every_six_hours() -> None:
    lives, at = [fallen(1, START_MS)], 0
    told = []
    for minute in range(25 * 60):
        found, at = reminders(lives, at, START_MS + minute * 60_000, OPTIONS)
        told += [(minute / 60, alert.text) for alert in found]
    assert told == [
        (hour, f"still down, for {words}") for hour, words in ((6, "6h"), (12, "12h"), (18, "18h"), (24, "1d"))
    ]


def test_servers_that_are_due_soon_come_along() -> None:
    lives = [fallen(number, START_MS + number * 60_000) for number in range(5)]
    names, until = reminded(lives, 0, START_MS + 6 * HOUR_MS)
    assert len(names) == 5
    assert reminded(lives, until, until) == ([], until)
    assert len(reminded(lives, until, START_MS + 12 * HOUR_MS)[0]) == 5


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.DOWN])
def test_nobody_is_reminded_of_what_is_not_down(status: Status) -> None:
    assert reminded([fallen(1, START_MS, status=status)], 0, START_MS + 7 * HOUR_MS) == ([], 0)


def test_all_that_fell_silent_together_are_one_reminder() -> None:
    found, _ = reminders([fallen(n, START_MS, unsaid=True) for n in range(9)], 0, START_MS + 6 * HOUR_MS, OPTIONS)
    assert [(alert.kind, alert.text) for alert in found] == [
        (AlertKind.STILL_SILENT, "still no reports from anyone, for 6h")
    ]


def test_zero_means_never() -> None:
    never = NotifierOptions(remind_every_s=0)
    assert reminders([fallen(1, START_MS)], 0, START_MS + 100 * HOUR_MS, never) == ((), 0)


def test_a_clock_that_ran_ahead_does_not_silence_reminders_for_long() -> None:
    lives = [fallen(1, START_MS)]
    _, at = reminded(lives, START_MS + 9_000 * HOUR_MS, START_MS + HOUR_MS)
    assert at == START_MS + HOUR_MS
    assert reminded(lives, at, START_MS + 6 * HOUR_MS)[0] == ["web-1"]


@given(
    since=st.lists(st.integers(0, 40 * HOUR_MS), min_size=1, max_size=8),
    looks=st.lists(st.integers(1, 5 * HOUR_MS), min_size=1, max_size=60),
)
def test_whenever_one_looks_each_period_has_one_reminder(since: list[int], looks: list[int]) -> None:
    lives = [fallen(number, at) for number, at in enumerate(since)]
    every, slack = 6 * HOUR_MS, round(REMIND_TOGETHER_S * 1000)
    now = at = 40 * HOUR_MS
    told: list[list[int]] = [[(now - start) // every] for start in since]
    for pause in looks:
        now += pause
        found, at = reminders(lives, at, now, OPTIONS)
        for alert in found:
            number = alert.monitor_id
            assert number is not None
            told[number].append((now + slack - since[number]) // every)
    for start, periods in zip(since, told, strict=True):
        assert len(periods) == len(set(periods))
        # No look is more than 5 hours after the one before, so none of these may be skipped.
        assert set(range(periods[0], (now - start) // every + 1)) <= set(periods)


def test_pauses_between_attempts_double_up_to_the_most() -> None:
    assert [backoff_s(n, 0.5, OPTIONS) for n in (1, 2, 3, 6, 7, 8, 5_000)] == [5, 10, 20, 160, 300, 300, 300]
    assert [backoff_s(1, luck, OPTIONS) for luck in (0.0, 1.0)] == pytest.approx([4, 6])
