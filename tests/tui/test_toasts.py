"""Toasts and the bell: what interrupts a person, how often, and what does not."""

from pathlib import Path

import pytest

from store.events import Event, EventKind
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import Fleet, running
from tests.tui.happenings import a_week, an_event, degraded, down, numbered, recovered, up
from tests.tui.house import toasts as shown_toasts
from tui.alerts import MOST, Toast, is_incident, toasts
from tui.app import ConsoleApp
from tui.settings import ConsoleSettings

SILENCE = an_event(EventKind.SILENCE, 0, None, silence_s=380.0, monitors=10)
AGAIN = an_event(EventKind.REPORTS_AGAIN, 0, None, for_s=3600.0)
SHARED = an_event(EventKind.SHARED_KEY, 0, 3, "web-10", hostnames=["web-10", "web-11"], addresses=["a", "b"])


@pytest.mark.parametrize(
    ("event", "toast"),
    [
        (down(), Toast("mail: down, silent for 5m", "error")),
        (up(), Toast("mail: up again, was down for 12m", "information")),
        (degraded(), Toast("db-primary: CPU 95% for 5m, warning from 80%", "warning")),
        (degraded("critical"), Toast("db-primary: CPU 95% for 5m, critical from 90%", "error")),
        (recovered(), Toast("db-primary: CPU back at 41%, was beyond 80% for 5m", "information")),
        (
            SILENCE,
            Toast(
                "no reports from anyone for 6m 20s, all 10 are silent: is it this machine's network?",
                "error",
            ),
        ),
        (AGAIN, Toast("reports arrive again, after 1h without any", "information")),
        (SHARED, Toast("web-10: two machines use its key: web-10 and web-11", "warning")),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else "",
)
def test_an_incident_and_its_end_are_told_each_in_its_colour(event: Event, toast: Toast) -> None:
    assert toasts([event]) == [toast]


@pytest.mark.parametrize("event", [up(was="pending"), *a_week()], ids=lambda event: f"{event.kind}-{event.id}")
def test_what_people_did_is_not_told(event: Event) -> None:
    told = {EventKind.DOWN, EventKind.DEGRADED, EventKind.RECOVERED, EventKind.SHARED_KEY}
    told |= {EventKind.SILENCE, EventKind.REPORTS_AGAIN}
    assert len(toasts([event])) == (1 if event.kind in told else 0)


def test_many_at_once_are_counted_and_some_named() -> None:
    events = [down(number, f"web-{number}") for number in range(1, 13)]
    assert toasts(events) == [Toast("12 servers are down: web-1, web-2, web-3 …", "error")]


def test_one_among_many_others_keeps_its_words() -> None:
    events = [*(down(number, f"web-{number}") for number in range(1, 5)), up()]
    assert [toast.text for toast in toasts(events)] == [
        "4 servers are down: web-1, web-2, web-3 …",
        "mail: up again, was down for 12m",
    ]


def test_a_server_with_several_readings_is_named_once() -> None:
    assert toasts([degraded()] * 4) == [Toast("4 readings are too high: db-primary", "warning")]


def test_there_are_never_more_than_three_and_the_worst_come_first() -> None:
    events = [recovered(), up(), SHARED, degraded(), degraded("critical"), down(), down(7, "vpn")]
    told = toasts(events)
    assert [toast.text for toast in told] == [
        "2 servers are down: mail, vpn",
        "db-primary: CPU 95% for 5m, critical from 90%",
        "4 other events: E shows them",
    ]
    assert len(told) == MOST


def test_a_name_from_outside_cannot_steer_the_terminal() -> None:
    assert toasts([down(1, "\x1b[2J[/]")])[0].text.startswith("\ufffd[2J[/]: ")


def test_only_incidents_ring() -> None:
    assert [is_incident(event) for event in (down(), SILENCE, degraded("critical"))] == [True] * 3
    assert not any(is_incident(event) for event in (up(), degraded(), recovered(), AGAIN, SHARED))


def happen(fleet: Fleet, *events: Event) -> None:
    happened = fleet.house.store.happened
    happened += numbered(list(events), len(happened) + 1)


async def test_what_happens_is_told_within_a_second_and_once(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        happen(fleet, down())
        await fleet.second(2)
        assert shown_toasts(fleet.house.app) == ["mail: down, silent for 5m"]


async def test_what_happened_before_the_console_was_opened_is_not_told(house: MakeHouse) -> None:
    made = house()
    made.store.happened = a_week()
    async with running(made) as fleet:
        await fleet.second()
        assert shown_toasts(made.app) == []


async def test_the_first_event_of_all_is_told(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        happen(fleet, down())
        await fleet.second()
        happen(fleet, up())
        await fleet.second()
        assert shown_toasts(fleet.house.app) == ["mail: down, silent for 5m", "mail: up again, was down for 12m"]


async def test_a_second_without_events_draws_nothing(house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(house()) as fleet:
        told: list[object] = []
        monkeypatch.setattr(fleet.house.app, "notify", lambda *words, **_: told.append(words))
        await fleet.second(3)
        assert told == []


@pytest.mark.parametrize(("bell", "rings"), [(True, 1), (False, 0)])
async def test_the_bell_rings_once_a_second_with_an_incident_if_asked(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch, bell: bool, rings: int
) -> None:
    rung: list[object] = []
    monkeypatch.setattr(ConsoleApp, "bell", lambda app: rung.append(app))
    made = house()
    made.app = ConsoleApp(
        Path("none.db"), made.admin, clock=lambda: made.seconds, reader=made.store, settings=ConsoleSettings(bell=bell)
    )
    async with running(made) as fleet:
        happen(fleet, down(), down(7, "vpn"), degraded("critical"))
        await fleet.second()
        assert len(rung) == rings
        happen(fleet, up(), degraded())
        await fleet.second()
        assert len(rung) == rings
