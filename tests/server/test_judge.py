"""Silence, judged: the deadlines that the README tells, and no verdict that a restart or a stall brings about."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge import judge
from store.live import Live
from store.models import Monitor, Status
from store.policy import make_policy

REPORTED = Monitor(id=1, name="a", created_at=0, status=Status.UP, status_since=0, seq=1, last_report_at=0)


def live(
    heard_s: float | None = 0.0, down_after: float | None = None, late_after: float | None = None, **values: object
) -> Live:
    own = {key: value for key, value in (("down_after", down_after), ("late_after", late_after)) if value is not None}
    return Live(replace(REPORTED, policy=make_policy({}, own), **values), heard_s=heard_s)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interval_s", "silence_s", "status"),
    [
        (None, 90, Status.UP),
        (None, 90.1, Status.LATE),
        (60, 90, Status.UP),
        (60, 91, Status.LATE),
        (60, 299.9, Status.LATE),
        (60, 300, Status.DOWN),
        (600, 900, Status.UP),
        (600, 901, Status.LATE),
        (600, 1799, Status.LATE),
        (600, 1800, Status.DOWN),
        (1, 91, Status.LATE),
    ],
)
def test_default_deadlines_grow_with_the_learned_interval(
    interval_s: float | None, silence_s: float, status: Status
) -> None:
    assert judge(live(interval_s=interval_s), silence_s) is status


def test_a_set_deadline_replaces_the_learned_one() -> None:
    assert judge(live(interval_s=600.0, down_after=5.0), 5) is Status.DOWN
    assert judge(live(interval_s=60.0, down_after=1000.0), 999) is Status.LATE
    assert judge(live(interval_s=1.0, late_after=3.0, down_after=9.0), 4) is Status.LATE
    assert judge(live(interval_s=10.0, late_after=3.0), 14) is Status.UP


def test_paused_goes_before_pending_and_pending_before_down() -> None:
    assert judge(live(status=Status.PAUSED, last_report_at=None), 1e9) is Status.PAUSED
    assert judge(live(status=Status.PENDING, last_report_at=None), 1e9) is Status.PENDING


def test_after_a_restart_silence_counts_from_the_start() -> None:
    assert judge(live(heard_s=None), 90) is Status.UP
    assert judge(live(heard_s=None), 299) is Status.LATE
    assert judge(live(heard_s=None), 300) is Status.DOWN


@pytest.mark.parametrize("status", [Status.LATE, Status.DOWN])
def test_what_was_silent_before_a_restart_stays_so_until_it_reports(status: Status) -> None:
    assert judge(live(heard_s=None, status=status), 0) is status
    assert judge(live(heard_s=None, status=Status.DOWN), 200) is Status.DOWN
    assert judge(live(heard_s=1.0, status=status), 2) is Status.UP


def test_a_longer_deadline_takes_a_verdict_back() -> None:
    assert judge(live(status=Status.DOWN, down_after=1000.0, late_after=900.0), 400) is Status.UP


@given(
    st.floats(0, 1e7),
    st.one_of(st.none(), st.floats(0.1, 1e5)),
    st.one_of(st.none(), st.floats(1, 1e5)),
    st.sampled_from([Status.UP, Status.LATE, Status.DOWN]),
    st.booleans(),
)
def test_a_verdict_is_steady_and_a_restart_makes_none_down(
    silence_s: float, interval_s: float | None, down_after_s: float | None, status: Status, restarted: bool
) -> None:
    before = live(None if restarted else 0.0, status=status, interval_s=interval_s, down_after=down_after_s)
    verdict = judge(before, silence_s)
    again = Live(replace(before.monitor, status=verdict), heard_s=before.heard_s)
    assert judge(again, silence_s) is verdict
    at_start = judge(replace(before, heard_s=None), 0.0)
    assert (at_start is Status.DOWN) == (status is Status.DOWN)
