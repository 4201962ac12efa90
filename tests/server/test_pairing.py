"""Which alerts a channel gets, from what it was told: tables of pure functions."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from server.alerts import Alert, AlertKind
from server.pairing import pair
from store.events import Event, EventKind
from store.incidents import Incident
from store.live import Live
from store.models import Monitor, Status
from store.policy import Breach, Level
from tests.conftest import START_MS, make_report
from tests.server.notices import alerts, down, reading, reports_again, shared_key, silence, up

WARNING, CRITICAL = Level.WARNING, Level.CRITICAL
VAR = Breach("disk", "/var", WARNING, 96.0, 90.0, START_MS)
BAD = Live(Monitor(1, "web-1", START_MS, Status.DOWN, START_MS, 1, report=make_report(), breaches=(VAR,)))
WELL = replace(BAD, monitor=replace(BAD.monitor, status=Status.UP, breaches=()))
PAUSED = replace(WELL, monitor=replace(WELL.monitor, status=Status.PAUSED))
DOWN = Incident(1, "down", CRITICAL)
DISK = Incident(1, "disk:/var", WARNING, reading(level="warning").detail)
SILENCE = Incident(None, "silence", CRITICAL)
WORSE, MILD = reading(level="critical"), reading(level="warning")
FINE = reading(EventKind.RECOVERED, level="warning")


def told(
    happened: Sequence[Alert], before: Sequence[Incident] = (), live: Live = BAD, level: Level = WARNING
) -> tuple[list[AlertKind], set[tuple[str, Level]]]:
    taken, after = pair(happened, level, before, {1: live}, START_MS)
    return [alert.kind for alert in taken], {(each.subject, each.level) for each in after}


@pytest.mark.parametrize(
    ("happened", "before", "kinds", "after"),
    [
        ([down()], [], ["down"], [("down", CRITICAL)]),
        ([down()], [DOWN], [], [("down", CRITICAL)]),
        ([up()], [DOWN], ["up"], []),
        ([up()], [], [], []),
        ([up(), down()], [DOWN], ["up", "down"], [("down", CRITICAL)]),
        ([down(), up(), up()], [], ["down", "up"], []),
        ([down(), MILD], [], ["down", "degraded"], [("down", CRITICAL), ("disk:/var", WARNING)]),
        ([WORSE], [DISK], ["degraded"], [("disk:/var", CRITICAL)]),
        ([MILD], [DISK], [], [("disk:/var", WARNING)]),
        ([FINE], [DISK, DOWN], ["recovered"], [("down", CRITICAL)]),
        ([silence()], [], ["silence"], [("silence", CRITICAL)]),
        ([reports_again()], [SILENCE], ["reports_again"], []),
        ([reports_again()], [], [], []),
        ([shared_key(), shared_key()], [], ["shared_key", "shared_key"], []),
        ([down(2)], [], [], []),
    ],
)
def test_a_begin_is_told_once_and_an_end_to_whom_it_was_told(
    happened: list[Event], before: list[Incident], kinds: list[str], after: list[tuple[str, Level]]
) -> None:
    assert told(alerts(*happened), before) == (kinds, set(after))


def test_each_level_gets_what_is_at_least_so_bad_and_the_end_of_what_it_got() -> None:
    assert told(alerts(down(), MILD), level=CRITICAL)[0] == ["down"]
    assert told(alerts(MILD, FINE), level=CRITICAL) == ([], set())
    assert told(alerts(MILD, WORSE), level=CRITICAL) == (["degraded"], {("disk:/var", CRITICAL)})
    (end,), _ = pair(alerts(FINE), CRITICAL, [replace(DISK, level=CRITICAL)], {1: BAD}, START_MS)
    assert end.level is CRITICAL


def test_a_paused_server_is_not_spoken_of_but_what_ended_before_the_pause_is() -> None:
    assert told(alerts(down(), MILD, shared_key()), live=PAUSED) == ([], set())
    assert told([], [DOWN, DISK], live=PAUSED) == ([], {("down", CRITICAL), ("disk:/var", WARNING)})
    assert told(alerts(up()), [DOWN], live=PAUSED) == (["up"], set())


def test_what_is_over_is_told_though_no_event_says_so() -> None:
    assert told([], [DOWN, DISK], live=WELL) == (["up", "recovered"], set())
    assert told(alerts(down()), live=WELL) == (["down", "up"], set())
    assert told([], [SILENCE], live=WELL) == ([], {("silence", CRITICAL)})


def test_a_reminder_begins_it_for_who_was_not_told() -> None:
    again = Alert(AlertKind.STILL_DOWN, START_MS, 1, "web-1", "still down", CRITICAL, {"for_s": 1.0})
    silent = replace(again, kind=AlertKind.STILL_SILENT, monitor_id=None, monitor=None)
    assert told([again]) == (["still_down"], {("down", CRITICAL)})
    assert told([again], [DOWN]) == (["still_down"], {("down", CRITICAL)})
    assert told([silent]) == ([], set())
    assert told([silent], [SILENCE]) == (["still_silent"], {("silence", CRITICAL)})


def test_an_alert_names_the_server_as_it_is_called_now() -> None:
    renamed = replace(BAD, monitor=replace(BAD.monitor, name="db-1"))
    taken, _ = pair(alerts(down()), WARNING, (), {1: renamed}, START_MS)
    assert [alert.monitor for alert in taken] == ["db-1"]
