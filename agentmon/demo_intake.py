"""Where reports come from in `agentmon demo`: days lived through quickly under a clock of their own, then live."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from agentmon.demo_fleet import DAY, FLEET, HOUR, MINUTE, Agent
from server.fleet_judge import FleetJudge
from server.listening import ListeningClock
from server.rejected import RejectionLog
from server.runtime import JUDGE_EVERY_S
from store import changes
from store.errors import StoreUnavailableError, UnknownKeyError
from store.keys import ALPHABET
from store.models import Status
from store.rejections import Refusal, fingerprint
from store.tags import Edit
from store.writer import Change, Writer, wall_clock_ms

PAST = ((3 * DAY, 15 * MINUTE), (26 * HOUR, 5 * MINUTE), (65 * MINUTE, MINUTE))
"""How far back each pace of reports begins, and that pace, both in seconds: enough for charts and forecasts, and
little enough to be lived through before the first picture."""

LIVE_EVERY_S = 5.0
"""How often each server reports while someone looks."""

LOOK_EVERY_S = 0.25
NEW_AT_S, REFUSED_AT_S, PAUSED_AT_S = -6 * MINUTE, -4 * MINUTE, -40 * MINUTE
ROTATED_AT_S, ROTATED = -26 * HOUR, "log-1"
PAUSED, PAUSED_FOR_S = "lab-1", 4 * HOUR
NEW = "new-1"
FIRST_ADDRESS = 11
"""Addresses are those that are set aside for documentation, 192.0.2.0/24."""

AT_ONCE = 500
"""Reports that wait for one commit."""


class DemoClock(ListeningClock):
    """The time of day and the listening clock: both stand where they are put, until `go_live`."""

    def __init__(self, start_ms: int, began_ms: int) -> None:
        """Stand at `began_ms`; `start_ms` is when the demo starts."""
        super().__init__(patience_s=3 * JUDGE_EVERY_S)
        self.start_ms = start_ms
        self._stands_at: int | None = began_ms
        self._live_since_s = 0.0

    def wall(self) -> int:
        """Return the time of day, UTC milliseconds."""
        return wall_clock_ms() if self._stands_at is None else self._stands_at

    def now(self) -> float:
        """Return the seconds listened so far."""
        return super().now() if self._stands_at is None else self._counted

    def steady_s(self) -> float:
        """Return the seconds since the beginning, those lived through quickly included."""
        return self._counted if self._stands_at is not None else self._live_since_s + self._monotonic()

    def put(self, at_s: float) -> None:
        """Stand at a time, in seconds from the start of the demo, having listened all the while."""
        assert self._stands_at is not None
        at = self.start_ms + round(at_s * 1000)
        self._counted += max(0, at - self._stands_at) / 1000
        self._stands_at = at

    def go_live(self) -> None:
        """Go on with the clocks of this machine."""
        self._stands_at, self._ticked = None, self._monotonic()
        self._live_since_s = self._counted - self._ticked

    def at_s(self) -> float:
        """Return the seconds from the start of the demo."""
        return (self.wall() - self.start_ms) / 1000

    def hour(self, at_s: float) -> float:
        """Return the hour of the day, here, at a time of the demo."""
        local = time.localtime(self.start_ms / 1000 + at_s)
        return local.tm_hour + local.tm_min / 60 + local.tm_sec / 3600


class DemoFleet:
    """The simulated servers at one writer: they can live through the past, and report live."""

    def __init__(self, seed: int, clock: DemoClock, writer: Writer, judge: FleetJudge, rejected: RejectionLog) -> None:
        """Prepare; the same `seed` gives the same fleet."""
        self._clock = clock
        self._writer = writer
        self._judge = judge
        self._rejected = rejected
        self._keys = random.Random(f"{seed} keys")
        self._agents = [Agent(machine, seed) for machine in FLEET]
        self._agent_keys = [self._make_key() for _ in FLEET]
        self._storing: list[asyncio.Future[None]] = []

    def _make_key(self) -> str:
        return "amk_" + "".join(self._keys.choices(ALPHABET, k=40))

    async def live_through(self) -> None:
        """Live from the earliest past up to now: reports, verdicts, and what people did meanwhile."""
        await self._settle_in()
        happenings = sorted(self._happenings(), key=lambda each: each[0], reverse=True)
        for at_s in steps():
            while happenings and happenings[-1][0] <= at_s:
                await self._settle()
                self._clock.put(happenings[-1][0])
                await happenings.pop()[1]()
            await self._step(at_s)
        await self._settle()
        self._clock.put(0.0)
        await self._judge.pass_judgement(self._writer)
        await self._rejected.flush(self._writer)

    async def report_live(self) -> None:
        """Report from now on, until cancelled: each server every few seconds, one after the other."""
        due = [self._clock.at_s() + LIVE_EVERY_S * place / len(FLEET) for place in range(len(FLEET))]
        while True:
            at_s = self._clock.at_s()
            for place, when in enumerate(due):
                if when <= at_s:
                    due[place] = max(when + LIVE_EVERY_S, at_s)
                    self._report(place, at_s)
            await self._settle()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _settle_in(self) -> None:
        now = self._clock.wall()
        for machine, key in zip(FLEET, self._agent_keys, strict=True):
            name = machine.name
            await self._do(changes.create_monitors, names=[name], now=now, agent_key=key, tags=machine.tags)
            if machine.note:
                await self._do(changes.edit_monitor, name=name, edit=Edit(note=machine.note), now=now)
            if machine.settings:
                await self._do(changes.set_monitor, name=name, settings=machine.settings, now=now)

    def _happenings(self) -> Iterator[tuple[float, Callable[[], Awaitable[None]]]]:
        """Yield what people do, and when."""
        yield ROTATED_AT_S, self._rotate
        yield PAUSED_AT_S, self._pause
        yield NEW_AT_S, self._add_new
        yield from ((REFUSED_AT_S + MINUTE * turn, self._refuse) for turn in range(4))

    async def _rotate(self) -> None:
        place = next(place for place, machine in enumerate(FLEET) if machine.name == ROTATED)
        self._agent_keys[place] = key = self._make_key()
        await self._do(changes.rotate_key, name=ROTATED, now=self._clock.wall(), make_key=lambda: key)

    async def _pause(self) -> None:
        now = self._clock.wall()
        await self._do(changes.pause_monitor, name=PAUSED, now=now, until=now + round(PAUSED_FOR_S * 1000))

    async def _add_new(self) -> None:
        await self._do(changes.create_monitors, names=[NEW], now=self._clock.wall(), make_key=self._make_key)

    async def _refuse(self) -> None:
        self._rejected.note("192.0.2.77", fingerprint("amk_of-another-receiver"), 404, Refusal.UNKNOWN_KEY)

    async def _do(self, change: Callable[..., Awaitable[Any]], **arguments: object) -> None:
        bound: Change[Any] = partial(change, **arguments)
        await self._writer.change(bound)

    async def _step(self, at_s: float) -> None:
        """Let each server report once, and judge if someone who is silent is not known to be."""
        silent = set()
        for place, agent in enumerate(self._agents):
            self._clock.put(at_s + place * _SPREAD_S)
            if not self._report(place, self._clock.at_s()):
                silent.add(agent.machine.name)
        is_news = bool(silent & self._not_known_to_be_down())
        if is_news or len(self._storing) >= AT_ONCE:
            await self._settle()
        if is_news:
            await self._judge.pass_judgement(self._writer)

    def _report(self, place: int, at_s: float) -> bool:
        """Send a server's report, if it has one, into `_storing`; returns whether it has."""
        report = self._agents[place].report(at_s, self._clock.hour(at_s))
        if report is None:
            return False
        key, address = self._agent_keys[place], f"192.0.2.{FIRST_ADDRESS + place}"
        self._storing.append(self._writer.submit(key, report, address, self._agents[place].machine.agent))
        return True

    async def _settle(self) -> None:
        """Wait until all is stored that can be: one may have deleted a server, or moved the database away."""
        storing, self._storing = self._storing, []
        for done in storing:
            with contextlib.suppress(UnknownKeyError, StoreUnavailableError):
                await done

    def _not_known_to_be_down(self) -> set[str]:
        monitors = (live.monitor for live in self._writer.lives.values())
        return {monitor.name for monitor in monitors if monitor.status is not Status.DOWN}


_SPREAD_S = 4.0
"""Between two servers' reports in one step of the past."""


def steps() -> Iterator[float]:
    """Yield the times at which all report, in seconds from the start of the demo, up to just before it."""
    ends = [*(begins for begins, _ in PAST[1:]), MINUTE]
    for (begins, every), end in zip(PAST, ends, strict=True):
        count = round((begins - end) / every)
        yield from (-begins + every * number for number in range(count))
    yield -MINUTE


class DemoIntake:
    """The intake of a receiver that hears a simulated fleet and nothing else."""

    def __init__(self, seed: int, start_ms: int) -> None:
        """Prepare; `open` lives through the past up to `start_ms`."""
        self.listening = DemoClock(start_ms, start_ms - round(PAST[0][0] * 1000))
        self._seed = seed
        self._live: asyncio.Task[None] | None = None

    def wall(self) -> int:
        """Return the time of day, UTC milliseconds."""
        return self.listening.wall()

    def steady_s(self) -> float:
        """Return the seconds since the beginning of what is lived through."""
        return self.listening.steady_s()

    async def open(self, writer: Writer, rejected: RejectionLog) -> None:
        """Live through the past, then report live."""
        clock = self.listening
        judge = await FleetJudge.open(writer, clock.wall, clock.now)
        fleet = DemoFleet(self._seed, clock, writer, judge, rejected)
        await fleet.live_through()
        clock.go_live()
        self._live = asyncio.create_task(fleet.report_live())

    async def close(self, grace_s: float) -> None:
        """Report no more."""
        if self._live is not None:
            self._live.cancel()
            await asyncio.wait([self._live], timeout=grace_s)
