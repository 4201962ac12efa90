"""The verdict on all servers at once, every second: who is late or down, and whether everyone is.

When all servers fall silent together, the likely fault is this machine's network. Each of them is `down` all the
same, since that is what the word means, but it is told as one event and not as one for each. Once reports arrive
again, each has the time until it would be late to come back; those that do not are told of then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from server.judge import judge
from store.addresses import Address, move_since
from store.event_log import read_silence
from store.events import Event, EventKind
from store.live import Live, with_status
from store.models import Status
from store.policy import LATE_INTERVALS
from store.shift import Shift
from store.told import told_by_status
from store.verdicts import Ruling
from store.writer import Writer

LEAST_SERVERS = 3
"""Fewer than these that fall silent together are told of one by one."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Whether there are no reports from anyone; since when that is so or no more (ms, and on the listening clock)."""

    is_open: bool = False
    since: int = 0
    turned_s: float = 0.0


NOT_EXPECTED = frozenset({Status.PAUSED, Status.PENDING, Status.DOWN})
"""Who need not report for everyone to be well."""


class FleetJudge:
    """Judges all monitors; `silence` is how it stood when the receiver ended, `clock` gives UTC milliseconds.

    `addresses` are those that install lines have named, for what to say when everyone is silent.
    """

    @classmethod
    async def open(cls, writer: Writer, clock: Callable[[], int], listening_s: Callable[[], float]) -> Self:
        """Return a judge that goes on from what the events tell; raises `StoreUnavailableError`."""
        last = await writer.transact(read_silence)
        silence = Silence() if last is None else Silence(last.kind is EventKind.SILENCE, last.at)
        return cls(silence, clock, listening_s)

    def __init__(self, silence: Silence, clock: Callable[[], int], listening_s: Callable[[], float]) -> None:
        """Go on from what was."""
        self._silence = silence
        self._clock = clock
        self._listening_s = listening_s
        self.addresses: tuple[Address, ...] = ()

    def shift(self, shift: Shift) -> None:
        """Let everyone's silence last as long as it does, once the clock was set."""
        self._silence = replace(self._silence, since=shift.of(self._silence.since))

    def verdict(self, live: Live) -> Status:
        """Return what silence says of one monitor now."""
        return judge(live, self._listening_s())

    def silence_s(self, live: Live) -> float:
        """Return for how long a monitor has been silent while the receiver listened."""
        return silence_of(live, self._listening_s())

    async def pass_judgement(self, writer: Writer) -> Ruling:
        """Judge all monitors and write what changes; raises `StoreUnavailableError`."""
        before = following = self._silence

        def decide(lives: Mapping[int, Live]) -> Ruling:
            nonlocal before, following
            before = self._silence
            ruling, following = rule(lives, before, self._clock(), self._listening_s())
            return replace(ruling, events=tuple(_with_move(each, lives, self.addresses) for each in ruling.events))

        ruling = await writer.rejudge(decide)
        if following != before:  # else the clock may have been set meanwhile
            self._silence = following
        return ruling


def rule(lives: Mapping[int, Live], silence: Silence, now: int, listening_s: float) -> tuple[Ruling, Silence]:
    """Return what changes and what to say of it at `now` (ms), after `listening_s` seconds of listening."""
    verdicts = {i: judge(live, listening_s) for i, live in lives.items()}
    silence, events = _silence_now(lives, verdicts, silence, now, listening_s)
    changed = []
    for i, before in lives.items():
        unsaid = verdicts[i] is Status.DOWN and _is_unsaid(before, silence, listening_s)
        if verdicts[i] is before.monitor.status and unsaid is before.unsaid:
            continue
        after = replace(with_status(before, verdicts[i], now), unsaid=unsaid)
        changed.append(after)
        events.extend(told_by_status(before, after, now, silence_of(before, listening_s)))
    return Ruling(tuple(changed), tuple(events)), silence


def _with_move(event: Event, lives: Mapping[int, Live], addresses: Sequence[Address]) -> Event:
    """Return an event of everyone's silence with the receiver's move since the last report, if there was one."""
    if event.kind is not EventKind.SILENCE:
        return event
    others = _others(lives.values())
    heard = max((live.monitor.last_report_at or 0 for live in others), default=0)
    return replace(event, detail={**event.detail, **move_since(addresses, heard)})


def silence_of(live: Live, listening_s: float) -> float:
    """Return for how many seconds a monitor has been silent while the receiver listened."""
    return listening_s - (live.heard_s or 0.0)


def _is_unsaid(before: Live, silence: Silence, listening_s: float) -> bool:
    """Return whether a monitor that is down is so as one of all."""
    if before.monitor.status is Status.DOWN and not before.unsaid:
        return False
    late_s = before.monitor.policy.late_s(before.monitor.interval_s)
    has_time_to_return = silence.since > 0 and listening_s - silence.turned_s < late_s
    return silence.is_open or has_time_to_return


def _silence_now(
    lives: Mapping[int, Live], verdicts: Mapping[int, Status], before: Silence, now: int, listening_s: float
) -> tuple[Silence, list[Event]]:
    others = _others(lives.values())
    if before.is_open:
        if not any(live.heard_s is not None and live.heard_s > before.turned_s for live in others):
            return before, []
        for_s = max(0, now - before.since) / 1000
        return Silence(False, now, listening_s), [Event(EventKind.REPORTS_AGAIN, now, detail={"for_s": for_s})]
    expected = [live for live in others if live.monitor.status not in NOT_EXPECTED]
    fresh = any(verdicts[live.monitor.id] is Status.DOWN for live in expected)
    if not (fresh and len(expected) >= LEAST_SERVERS and _fell_silent_together(expected, listening_s)):
        return before, []
    least_s = min(silence_of(live, listening_s) for live in expected)
    said = Event(EventKind.SILENCE, now, detail={"monitors": len(expected), "silence_s": round(least_s, 3)})
    return Silence(True, now, listening_s), [said]


def _others(lives: Iterable[Live]) -> list[Live]:
    """Return those whose reports come over the network; all if none do."""
    every = list(lives)
    return [live for live in every if not _is_here(live.monitor.address)] or every


def _is_here(address: str | None) -> bool:
    return address is not None and (address == "::1" or address.startswith("127."))


def _fell_silent_together(expected: Sequence[Live], listening_s: float) -> bool:
    last = [live.heard_s or 0.0 for live in expected]
    spread_s = max(live.monitor.policy.late_s(live.monitor.interval_s) for live in expected)
    return max(last) - min(last) <= spread_s and all(_is_overdue(live, listening_s) for live in expected)


def _is_overdue(live: Live, listening_s: float) -> bool:
    """Return whether a report is missing, by the learned interval if there is one."""
    monitor, silence_s = live.monitor, silence_of(live, listening_s)
    if monitor.interval_s is not None and live.heard_s is not None:
        return silence_s > LATE_INTERVALS * monitor.interval_s
    return silence_s > min(monitor.policy.late_s(None), monitor.policy.down_s(None) / 2)
