"""What a message says: titles, lines, times, and the JSON that commands get."""

from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest

from server.alerts import REMIND_EVERY_S, Alert, AlertKind, NotifierOptions, reminders
from server.messages import make_content, make_test
from store.events import Event, EventKind
from store.live import Live
from store.models import Monitor, Status
from store.policy import Level
from tests.conftest import START_MS
from tests.server.notices import alerts, down, reading, reports_again, shared_key, silence, up

RECOVERED = EventKind.RECOVERED


@pytest.mark.parametrize(
    ("happened", "title"),
    [
        ([down()], "web-1 is down"),
        ([down(n) for n in range(50)], "50 servers are down"),
        ([up()], "web-1 is up again after 12m"),
        ([down(), up()], "web-1 is up again after 12m"),
        ([down(1), down(2), up(2)], "web-1 is down, web-2 is up again after 12m"),
        ([up(1), up(2)], "2 servers are up again"),
        ([up(), down()], "web-1 is down"),
        ([silence()], "no reports from anyone"),
        ([reports_again()], "reports arrive again after 12m"),
        ([reading()], "web-1: disk /var 96%"),
        ([reading(mount=None, value=97.0)], "web-1: CPU 97%"),
        ([reading(), reading(mount="/")], "web-1: 2 readings are too high"),
        ([reading(number=1), reading(number=2)], "2 servers are degraded"),
        ([reading(RECOVERED, value=40.0)], "web-1: disk /var back at 40%"),
        ([reading(RECOVERED, value=None)], "web-1: disk /var is reported no more"),
        ([reading(), reading(RECOVERED, value=40.0)], "web-1: disk /var back at 40%"),
        ([reading(RECOVERED), reading(RECOVERED, mount="/")], "web-1: 2 readings are fine again"),
        ([reading(RECOVERED, 1), reading(RECOVERED, 2)], "2 servers have recovered"),
        ([shared_key()], "two machines use the key of web-1"),
        (
            [down(1), shared_key(), reading(number=2), up(3)],
            "web-1 is down, two machines use the key of web-1, web-2: disk /var 96%, and more",
        ),
    ],
)
def test_the_title_says_how_things_stand(happened: list[Event], title: str) -> None:
    assert make_content(alerts(*happened))["title"] == f"agentmon: {title}"


def test_the_title_of_reminders() -> None:
    lives = [Live(Monitor(n, f"web-{n}", 0, Status.DOWN, START_MS, 1)) for n in (1, 2)]
    now = START_MS + round(REMIND_EVERY_S * 1000)
    one, _ = reminders(lives[:1], 0, now, NotifierOptions())
    both, _ = reminders(lives, 0, now, NotifierOptions())
    assert make_content(one)["title"] == "agentmon: web-1 is still down, for 6h"
    assert make_content(both)["title"] == "agentmon: 2 servers are still down"


def test_the_body_has_a_line_for_each_and_says_when() -> None:
    told = alerts(down(1), reading(number=2, level="warning"), up(3, at=START_MS + 61_000))
    lines = make_content(told, timezone(timedelta(hours=2)))["body"].splitlines()
    assert lines == [
        "web-1: down, silent for 5m",
        "web-2: disk /var 96%, warning from 90%",
        "web-3: up again, was down for 12m",
        "2026-03-01 14:00:00+02:00 to 2026-03-01 14:01:01+02:00",
    ]


def test_a_long_body_has_the_worst_and_says_how_many_more_there_are() -> None:
    told = alerts(*(up(n) for n in range(30)), *(down(n) for n in range(100, 120)))
    lines = make_content(told, UTC)["body"].splitlines()
    assert all(line.endswith("down, silent for 5m") for line in lines[:20])
    assert lines[20:] == ["and 30 more", "2026-03-01 12:00:00+00:00"]


def test_names_and_mounts_from_outside_cannot_steer_a_terminal() -> None:
    told = alerts(Event(EventKind.DOWN, START_MS, 1, "a\x1b[2Jb", {"silence_s": 1.0}), reading(mount="/\u202e\n\x07"))
    content = make_content(told)
    assert all(char.isprintable() or char == "\n" for char in content["title"] + content["body"])
    assert len(content["body"].splitlines()) == 3


def test_a_title_stays_short() -> None:
    assert len(make_content(alerts(reading(mount="/" + "x" * 900)))["title"]) <= 120


def test_the_events_are_told_with_their_detail() -> None:
    content = make_content(alerts(reading()))
    assert content["events"] == [
        {
            "at": "2026-03-01T12:00:00.000Z",
            "kind": "degraded",
            "monitor": "web-1",
            "text": "disk /var 96%, critical from 90%",
            "metric": "disk",
            "mount": "/var",
            "level": "critical",
            "value": 96.0,
            "limit": 90.0,
            "since": "2026-03-01T12:00:00.000Z",
            "for_s": 0.0,
        }
    ]
    assert (content["level"], content["state"], content["count"]) == ("critical", "problem", 1)


def test_an_end_whose_time_nobody_noticed_names_no_time() -> None:
    ended = Alert(AlertKind.UP, START_MS, 1, "web-1", "up again", Level.CRITICAL, {"was": "down", "for_s": None})
    content = make_content([ended])
    assert (content["title"], content["state"]) == ("agentmon: web-1 is up again", "over")


def test_the_events_of_a_large_fleet_stay_bounded_and_are_counted() -> None:
    content = make_content(alerts(*(down(n) for n in range(5_000))))
    assert (len(content["events"]), content["count"]) == (100, 5_000)


@pytest.mark.parametrize(
    ("happened", "state"),
    [([down(), up()], "over"), ([down(1), up(2)], "problem"), ([up()], "over"), ([up(), down()], "problem")],
)
def test_the_state_is_over_once_nothing_lasts(happened: list[Event], state: str) -> None:
    assert make_content(alerts(*happened))["state"] == state


def test_a_test_message_says_where_it_comes_from() -> None:
    content = make_test("bastion", "phone")
    assert (content["title"], content["state"]) == ("agentmon: test", "test")
    assert "bastion" in content["body"] and "phone" in content["body"]


def test_a_long_path_leaves_room_for_what_is_wrong_with_it() -> None:
    happened = replace(reading(mount="/" + "x" * 1023), monitor="日" * 64)
    line = make_content(alerts(happened))["body"].splitlines()[0]
    assert line.endswith("… 96%, critical from 90%")
