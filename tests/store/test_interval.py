"""How the interval is learned: from what is usual, from several alike, and not from an outage."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from store.live import Live, advance
from store.models import Monitor, Status
from tests.conftest import make_report

NEW = Live(Monitor(id=1, name="a", created_at=0, status=Status.PENDING, status_since=0, seq=1))
REPORT = make_report()
HOUR, DAY = 3600.0, 86400.0


def after(gaps: Sequence[float], live: Live = NEW) -> Live:
    """Return a monitor after reports with these gaps between them; the first comes before the first gap."""
    heard_s = 0.0 if live.heard_s is None else live.heard_s
    if live.heard_s is None:
        live = advance(live, REPORT, 1, heard_s, "::1", 2)
    for gap_s in gaps:
        heard_s += gap_s
        live = advance(live, REPORT, 1 + round(heard_s * 1000), heard_s, "::1", 2)
    return live


def down_s(live: Live) -> float:
    """Return the silence after which the server is called down."""
    return live.monitor.policy.down_s(live.monitor.interval_s)


@pytest.mark.parametrize(
    "gaps",
    [
        (HOUR,),
        (HOUR, 60.0),
        (HOUR, HOUR, HOUR, 60.0),
        (60.0, HOUR, 60.0, HOUR, 60.0, HOUR),
        (60.0, HOUR, 2 * HOUR, 1.4 * HOUR, 2.5 * HOUR, HOUR),
        (250.0, 60.0),
        (290.0, 95.0, 290.0, 100.0),
        (*[60.0] * 9, 100.0, 280.0, 100.0, 280.0, 60.0),
        (*[60.0] * 9, *[HOUR, 60.0] * 20),
        (*[60.0] * 9, 400.0, 410.0, 420.0),
        (*[60.0] * 9, 320.0, 440.0, 340.0, 460.0, 330.0, 440.0),
    ],
)
def test_an_outage_teaches_nothing(gaps: tuple[float, ...]) -> None:
    live = after(gaps)
    assert live.monitor.interval_s in (None, 60.0)
    assert down_s(live) == 300


@pytest.mark.parametrize(
    ("before", "gaps", "learned_after"),
    [
        ((), [300.0] * 3, 3),
        ((), [301.5] * 3, 3),
        ([60.0] * 9, [300.0, 302.0, 299.0], 3),
        ([60.0] * 9, [301.5] * 5, 5),
        ((), [320.0, 290.0, 420.0], 3),
        ([300.0] * 9, [60.0] * 5, 5),
        ([300.0] * 9, [10.0] * 30, 30),
        ([DAY] * 9, [60.0] * 10, 10),
        ((), [DAY, DAY + 40, DAY - 60, DAY + 10, DAY], 5),
        ((), [HOUR] * 5, 5),
    ],
)
def test_another_interval_is_learned_after_several_alike(
    before: Sequence[float], gaps: Sequence[float], learned_after: int
) -> None:
    live = after(before)
    for count, gap_s in enumerate(gaps, 1):
        known = live.monitor.interval_s
        live = after([gap_s], live)
        assert (live.monitor.interval_s != known) is (count == learned_after)
    assert live.monitor.interval_s == pytest.approx(sum(gaps) / len(gaps), abs=0.001)


def test_what_comes_after_a_new_interval_refines_it() -> None:
    live = after([*[60.0] * 9, 290.0, 310.0, 330.0, *[300.0] * 9])
    assert live.monitor.interval_s == 300


@pytest.mark.parametrize("interval_s", [60.0, 600.0, DAY])
def test_a_burst_of_retries_shortens_nothing(interval_s: float) -> None:
    live = after([interval_s] * 9)
    live = after([*[1.0] * 20, interval_s], live)
    assert live.monitor.interval_s == interval_s


def test_a_burst_at_the_beginning_does_not_hide_the_interval() -> None:
    assert after([*[1.0] * 9, *[300.0] * 4]).monitor.interval_s == 300


@pytest.mark.parametrize(("interval_s", "jitter"), [(60.0, 0.4), (300.0, 0.15), (600.0, 0.03), (10.0, 0.5)])
def test_jitter_is_never_called_down_once_the_interval_is_known(interval_s: float, jitter: float) -> None:
    dice = random.Random(7)
    gaps = [interval_s * dice.uniform(1 - jitter, 1 + jitter) for _ in range(200)]
    live = after(gaps[:10])
    for gap_s in gaps[10:]:
        assert gap_s < down_s(live)
        live = after([gap_s], live)
    assert live.monitor.interval_s == pytest.approx(interval_s, rel=0.2)
    assert down_s(live) <= max(300.0, 3.5 * interval_s)


def test_a_restart_of_the_receiver_keeps_what_is_known_and_learns_nothing_of_its_own_gap() -> None:
    live = after([600.0] * 5)
    live = replace(live, heard_s=None)
    live = advance(live, REPORT, 10**9, 3.0, "::1", 3)
    assert live.monitor.interval_s == 600
    assert after([600.0], live).monitor.interval_s == 600


def test_a_gap_that_a_set_deadline_calls_down_is_not_usual() -> None:
    settled = replace(NEW, monitor=replace(NEW.monitor, policy=replace(NEW.monitor.policy, late_after_s=2 * HOUR)))
    assert down_s(after([HOUR, 60.0], settled)) == 300
