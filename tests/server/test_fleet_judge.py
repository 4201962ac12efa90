"""The verdict on all: who is down is told once, everyone's silence is one event, a restart makes none down."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.fleet_judge import FleetJudge, Silence, rule
from store.addresses import Address
from store.events import Event, EventKind
from store.live import Live, advance
from store.models import Monitor, Status
from store.policy import Setting, make_policy
from store.told import told_by_report
from store.wording import sentence
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report

REPORT = make_report()


class Fleet:
    """Monitors, agents that report each minute, and a receiver that judges each second; time moves when told."""

    def __init__(self, count: int, own: dict[str, Setting] | None = None, address: str = "192.0.2.7") -> None:
        policy = make_policy({}, own or {})
        self.now, self.listening_s = START_MS, 0.0
        self.silence = Silence()
        self.events: list[Event] = []
        self.address = address
        self.lives = {
            i: Live(Monitor(i, f"web-{i}", START_MS, Status.PENDING, START_MS, i, policy=policy))
            for i in range(1, count + 1)
        }

    def report(self, *ids: int, address: str | None = None) -> None:
        """Let some report now."""
        for i in ids:
            before = self.lives[i]
            at = max(self.now, (before.monitor.last_report_at or 0) + 1)
            after = advance(before, REPORT, at, self.listening_s, address or self.address, 1)
            self.events.extend(told_by_report(before, after))
            self.lives[i] = after

    def judge(self) -> None:
        """Judge now."""
        ruling, self.silence = rule(self.lives, self.silence, self.now, self.listening_s)
        self.lives |= {live.monitor.id: live for live in ruling.changed}
        self.events.extend(ruling.events)

    def live(self, seconds: int, reporting: Iterable[int] = (), address: str | None = None) -> None:
        """Let seconds pass; those who report do so once a minute, each at a second of its own."""
        ids = list(reporting)
        for _ in range(seconds):
            self.now += 1_000
            self.listening_s += 1.0
            self.report(*(i for i in ids if (self.now // 1000 + 7 * i) % 60 == 0), address=address)
            self.judge()

    def restart(self, off_s: int = 5) -> None:
        """End the receiver and start it again."""
        self.now += off_s * 1000
        self.listening_s = 0.0
        self.lives = {i: replace(live, heard_s=None, runs=()) for i, live in self.lives.items()}
        told = [event for event in self.events if event.kind in (EventKind.SILENCE, EventKind.REPORTS_AGAIN)]
        self.silence = Silence(told[-1].kind is EventKind.SILENCE, told[-1].at) if told else Silence()

    def status(self, i: int) -> Status:
        """Return one's status."""
        return self.lives[i].monitor.status

    def statuses(self) -> set[str]:
        """Return all statuses there are."""
        return {live.monitor.status.value for live in self.lives.values()}

    def told(self, *kinds: EventKind) -> list[Event]:
        """Return the events of some kinds, of all but first reports without any."""
        return [e for e in self.events if (e.kind in kinds if kinds else e.detail.get("was") != "pending")]


ALL = range(1, 6)


def running(count: int = 5, **own: Setting) -> Fleet:
    """Return a fleet that has reported for ten minutes."""
    fleet = Fleet(count, dict(own))
    fleet.live(600, range(1, count + 1))
    assert fleet.statuses() == {"up"}
    return fleet


def test_one_that_falls_silent_is_late_then_down_and_told_once_each_way() -> None:
    fleet = running()
    fleet.live(200, ALL[1:])
    assert fleet.status(1) is Status.LATE
    assert fleet.told() == []
    fleet.live(1_000, ALL[1:])
    assert fleet.status(1) is Status.DOWN
    fleet.live(300, ALL)
    down, up = fleet.told()
    assert (sentence(down), down.monitor) == ("down, silent for 5m", "web-1")
    assert (up.kind, up.monitor) == (EventKind.UP, "web-1")
    assert up.detail["for_s"] == (up.at - down.at) / 1000


def test_all_that_fall_silent_at_once_are_down_but_told_of_as_one() -> None:
    fleet = running()
    fleet.live(400)
    assert fleet.statuses() == {"down"}
    (silence,) = fleet.told()
    assert (silence.kind, silence.monitor_id, silence.detail["monitors"]) == (EventKind.SILENCE, None, 5)
    fleet.live(3_600)
    fleet.live(120, ALL)
    assert fleet.statuses() == {"up"}
    assert [event.kind for event in fleet.told()] == [EventKind.SILENCE, EventKind.REPORTS_AGAIN]
    assert fleet.told()[1].detail["for_s"] == pytest.approx(3_700, abs=65)


def test_those_that_do_not_return_with_the_others_are_told_of_then() -> None:
    fleet = running()
    fleet.live(500)
    fleet.live(80, ALL[2:])
    assert fleet.told(EventKind.DOWN) == []
    fleet.live(200, ALL[2:])
    assert sorted(event.monitor or "" for event in fleet.told(EventKind.DOWN)) == ["web-1", "web-2"]
    fleet.live(120, ALL)
    assert sorted(event.monitor or "" for event in fleet.told() if event.kind is EventKind.UP) == ["web-1", "web-2"]


def test_a_short_silence_of_all_blames_none_that_comes_back() -> None:
    fleet = running()
    while not fleet.told(EventKind.SILENCE):
        fleet.live(1)
    fleet.live(100, ALL)
    assert [event.kind for event in fleet.told()] == [EventKind.SILENCE, EventKind.REPORTS_AGAIN]


def test_servers_that_fail_one_after_another_are_told_of_one_by_one() -> None:
    fleet = running()
    for number in ALL:
        fleet.live(400, range(number + 1, 6))
    assert [event.kind for event in fleet.told()] == [EventKind.DOWN] * 5


@pytest.mark.parametrize(("count", "kind"), [(1, EventKind.DOWN), (2, EventKind.DOWN), (3, EventKind.SILENCE)])
def test_two_servers_are_not_everyone(count: int, kind: EventKind) -> None:
    fleet = running(count)
    fleet.live(400)
    assert {event.kind for event in fleet.told()} == {kind}


def test_this_machine_that_reports_to_itself_proves_no_network() -> None:
    fleet = Fleet(5)
    fleet.live(600, ALL[1:])
    fleet.live(600, [1], address="127.0.0.1")
    assert [event.kind for event in fleet.told()] == [EventKind.SILENCE]
    assert fleet.status(1) is Status.UP


def test_with_short_deadlines_everyones_silence_is_noticed_too() -> None:
    fleet = running(5, down_after=120.0)
    fleet.live(200)
    assert [event.kind for event in fleet.told()] == [EventKind.SILENCE]


def test_a_silence_goes_on_over_a_restart() -> None:
    fleet = running()
    fleet.live(400)
    fleet.restart()
    fleet.live(400)
    assert [event.kind for event in fleet.told()] == [EventKind.SILENCE]
    fleet.live(120, ALL)
    assert [event.kind for event in fleet.told()] == [EventKind.SILENCE, EventKind.REPORTS_AGAIN]
    fleet.restart()
    fleet.live(700, ALL)
    assert len(fleet.told()) == 2


def test_a_longer_deadline_ends_down() -> None:
    fleet = running()
    fleet.live(400, ALL[1:])
    policy = make_policy({}, {"down_after": 9_000.0})
    fleet.lives = {i: replace(v, monitor=replace(v.monitor, policy=policy)) for i, v in fleet.lives.items()}
    ruling, _ = rule(fleet.lives, fleet.silence, fleet.now, fleet.listening_s)
    assert [(e.kind, e.monitor) for e in ruling.events] == [(EventKind.UP, "web-1")]
    assert [live.monitor.status for live in ruling.changed] == [Status.LATE]


Step = tuple[str, int]


@settings(max_examples=60)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(["some", "all", "none", "restart"]), st.integers(1, 900)), max_size=10),
)
def test_every_down_is_followed_by_one_up_and_a_restart_makes_none(count: int, steps: Sequence[Step]) -> None:
    fleet = Fleet(count)
    everyone = range(1, count + 1)
    fleet.live(130, everyone)
    for what, seconds in steps:
        if what == "restart":
            before = fleet.statuses(), len(fleet.events)
            fleet.restart(seconds)
            fleet.judge()
            assert (fleet.statuses(), len(fleet.events)) == before
        else:
            reporting = {"all": everyone, "none": (), "some": range(1, 1 + seconds % (count + 1))}[what]
            fleet.live(seconds, reporting)
    for i in everyone:
        told = [e.kind for e in fleet.told(EventKind.DOWN, EventKind.UP) if e.monitor_id == i]
        told = [kind for n, kind in enumerate(told) if (n, kind) != (0, EventKind.UP)]
        assert told == ([EventKind.DOWN, EventKind.UP] * len(told))[: len(told)]
        open_now = bool(told) and told[-1] is EventKind.DOWN
        live = fleet.lives[i]
        assert (live.monitor.status is Status.DOWN) == (open_now or live.unsaid)
    silences = [event.kind for event in fleet.told(EventKind.SILENCE, EventKind.REPORTS_AGAIN)]
    assert silences == ([EventKind.SILENCE, EventKind.REPORTS_AGAIN] * len(silences))[: len(silences)]


@pytest.mark.parametrize(
    ("moved_after_s", "said"),
    [
        (200, "this receiver was 192.0.2.5 when they last reported and is 192.0.2.7 now; use a fixed lease"),
        (-5, "is it this machine's network?"),
    ],
)
async def test_everyones_silence_names_a_move_since_the_last_report(
    writer: Writer, create: Create, clock: Clock, moved_after_s: int, said: str
) -> None:
    judge = await FleetJudge.open(writer, clock.wall, clock.listening_s)
    clock.advance(60)
    for key in await create("a", "b", "c"):
        await writer.store(key, REPORT, "192.0.2.9")
    moved = Address(clock.ms + moved_after_s * 1000, "192.0.2.7")
    judge.addresses = (Address(START_MS, "192.0.2.5"), moved)
    clock.advance(400)
    told = (await judge.pass_judgement(writer)).events
    assert [said in sentence(event) for event in told if event.kind is EventKind.SILENCE] == [True]
