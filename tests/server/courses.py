"""A receiver's judge, store and notifier on a clock that leaps, and what each channel is told in random courses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from server.control import Control
from server.fleet_judge import FleetJudge
from server.judge import judge
from store.channels import remove_channel
from store.errors import ChangeRefusedError
from store.live import Live
from store.models import MountUsage, ReceiverInfo, Status
from store.outbox import Outbox
from store.policy import Level
from store.writer import Writer
from tests.conftest import START_MS, Clock, make_report
from tests.server.notices import Stage, refuse

SERVERS = 4
SETTLED_S = 200.0
"""Longer than alerts are held and failed deliveries wait in the beginning."""

SERVER = st.integers(0, SERVERS - 1)
USAGE = st.sampled_from([40.0, 85.0, 95.0])
STEP = st.one_of(
    st.tuples(st.just("report"), SERVER, USAGE, st.sampled_from([None, 40.0, 95.0])),
    st.tuples(st.just("report_all"), USAGE),
    st.tuples(st.just("wait"), st.sampled_from([3.0, 20.0, 120.0, 330.0])),
    st.tuples(st.just("wait"), st.sampled_from([330.0, 400.0])),
    st.tuples(st.just("outage"), SERVER),
    st.tuples(st.just("pause"), SERVER, st.sampled_from([None, 30.0, 400.0])),
    st.tuples(st.just("resume"), SERVER),
    st.tuples(st.just("rename"), SERVER),
    st.tuples(st.just("delete"), SERVER),
    st.tuples(st.just("restart")),
    st.tuples(st.just("limit"), SERVER, st.sampled_from([30.0, None])),
    st.tuples(st.just("remind")),
    st.tuples(st.just("add_channel"), st.sampled_from(list(Level))),
    st.tuples(st.just("remove_channel")),
    st.tuples(st.just("relevel"), st.sampled_from(list(Level))),
    st.tuples(st.just("fail"), st.booleans()),
)
COURSES = st.lists(STEP, min_size=4, max_size=16)

BEGINS = {"down": "down", "silence": "silence", "degraded": ""}
ENDS = {"up": "down", "reports_again": "silence", "recovered": ""}
REMINDERS = {"still_down": "down", "still_silent": "silence"}


@dataclass
class Ear:
    """What one channel has heard: what it must believe to last, by server and subject, and how bad that is.

    `began` is when a server went down by the last message that said so.
    """

    since: int
    count: int = 0
    lasting: dict[tuple[int | None, str], str] = field(default_factory=dict)
    began: dict[int | None, str] = field(default_factory=dict)

    def hear(self, event: Mapping[str, Any], monitor_id: int | None) -> None:
        """Hear of an event, and insist that begins and ends match one to one."""
        kind, level = event["kind"], event.get("level", "critical")
        subject = BEGINS.get(kind) or ENDS.get(kind) or REMINDERS.get(kind) or f"{event['metric']}{event['mount']}"
        name = (monitor_id, subject)
        if kind == "down":
            self.began[monitor_id] = event["at"]
        if kind in ENDS:
            assert name in self.lasting, f"the end of what never began: {event}"
            del self.lasting[name]
        elif kind in REMINDERS:
            assert name in self.lasting or kind == "still_down", f"a reminder of nothing: {event}"
            self.lasting[name] = level
        else:
            known = self.lasting.get(name)
            assert known is None or (known, level) == ("warning", "critical"), f"it began twice: {event}"
            self.lasting[name] = level


class World:
    """Four servers and the channels, on a real store."""

    def __init__(self, database: Path) -> None:
        """Prepare; `open` begins."""
        self.database = database
        self.clock = Clock()
        self.keys: list[str] = []
        self.ids: dict[str, int] = {}
        self.ears: dict[str, Ear] = {}
        self.failing = False

    async def open(self) -> None:
        """Start the receiver's parts; their clock of listening starts at zero."""
        self.clock.listening = 0.0
        self.writer = await Writer.open(self.database, self.clock.wall, self.clock.listening_s)
        self.judge = await FleetJudge.open(self.writer, self.clock.wall, self.clock.listening_s)
        self.control = Control(self.writer, lambda: ReceiverInfo(START_MS, ""), self.clock.wall, self.judge)
        self.stage = Stage(await Outbox.open(self.database), self.writer, self.clock)

    async def close(self) -> None:
        """End them."""
        await self.stage.close()
        await self.writer.close()

    async def begin(self) -> None:
        """Create servers and channels."""
        await self.open()
        for number in range(SERVERS):
            self.keys.append("")
            await self._create(number)
        for level in Level:
            await self.add_channel(level)
        await self.report_all(40.0)

    async def _create(self, number: int) -> None:
        name = f"server-{len(self.ids)}"
        ((made),) = await self.control.create([name])
        self.keys[number] = made["agent_key"]
        self.ids[name] = made["id"]

    def _name(self, number: int) -> str:
        monitor_id = self.writer.find(self.keys[number])
        assert monitor_id is not None
        return self.writer.lives[monitor_id].monitor.name

    async def report(self, number: int, usage: float, var: float | None) -> None:
        """Send a report of one server: of its root, and of /var if it is mounted."""
        await self._store(number, usage, var)
        await self.look()

    async def _store(self, number: int, usage: float, var: float | None = None) -> None:
        mounts = [MountUsage("/", usage)] + ([] if var is None else [MountUsage("/var", var)])
        await self.writer.store(self.keys[number], make_report(disk_usage=tuple(mounts)), f"192.0.2.{number}")

    async def report_all(self, usage: float) -> None:
        """Send a report of each server."""
        for number in range(SERVERS):
            await self._store(number, usage)
        await self.look()

    async def wait(self, seconds: float) -> None:
        """Let time pass in steps."""
        while seconds > 0:
            self.clock.advance(min(seconds, 60.0))
            seconds -= 60.0
            await self.look()

    async def outage(self, number: int) -> None:
        """Let all but one server report until that is down."""
        for _ in range(4):
            await self.wait(100.0)
            for other in range(SERVERS):
                if other != number:
                    await self._store(other, 40.0)
            await self.look()

    async def remind(self) -> None:
        """Let so much time pass that a reminder is due."""
        for seconds in (6 * 3600.0, 300.0, 300.0):
            self.clock.advance(seconds)
            await self.look()

    async def look(self) -> None:
        """Do what the receiver does each second, and hear what is told."""
        for live in list(self.writer.lives.values()):
            until = live.monitor.paused_until
            if live.monitor.status is Status.PAUSED and until is not None and until <= self.clock.ms:
                await self.control.resume(live.monitor.name)
        await self.judge.pass_judgement(self.writer)
        await self.stage.look()
        self._hear()

    def _hear(self) -> None:
        for name, ear in self.ears.items():
            for content in self.stage.told[name][ear.count :]:
                for event in content["events"]:
                    monitor_id = None if event["monitor"] is None else self.ids[event["monitor"]]
                    ear.hear(event, monitor_id)
                    if not self.failing:
                        self._require_there(monitor_id, event)
                    if event["kind"] == "up":
                        self._require_reported(monitor_id, ear)
            ear.count = len(self.stage.told[name])

    def _require_reported(self, monitor_id: int | None, ear: Ear) -> None:
        live = None if monitor_id is None else self.writer.lives.get(monitor_id)
        if live is not None and live.monitor.id in ear.began:
            last, began = live.monitor.last_report_at, ear.began[live.monitor.id]
            assert last is not None
            assert last >= milliseconds(began), f"{live.monitor.name} is up without a report"

    def _require_there(self, monitor_id: int | None, event: Mapping[str, Any]) -> None:
        if monitor_id is not None:
            assert monitor_id in self.writer.lives, f"told of who is not there: {event}"
            monitor = self.writer.lives[monitor_id].monitor
            assert event["monitor"] == monitor.name
            assert monitor.status is not Status.PAUSED or event["kind"] in ENDS, f"told of a paused one: {event}"

    async def pause(self, number: int, for_s: float | None) -> None:
        """Pause a server."""
        await self.control.pause(self._name(number), for_s)

    async def resume(self, number: int) -> None:
        """Resume a server."""
        await self.control.resume(self._name(number))

    async def rename(self, number: int) -> None:
        """Give a server a name that none ever had."""
        before = self._name(number)
        name = f"server-{len(self.ids)}"
        self.ids[name] = self.ids[before]
        await self.control.edit(before, new_name=name)

    async def delete(self, number: int) -> None:
        """Delete a server, and create another in its place."""
        await self.control.delete(self._name(number))
        await self._create(number)

    async def restart(self) -> None:
        """End the receiver and start it."""
        told, behave = self.stage.told, self.stage.behave
        await self.close()
        self.clock.ms += 10_000
        await self.open()
        self.stage.told, self.stage.behave = told, behave

    async def limit(self, number: int, warn: float | None) -> None:
        """Move a limit of a server below all its readings, or back."""
        await self.control.set(self._name(number), {"disk.warn": warn})

    async def add_channel(self, level: Level) -> None:
        """Add a channel."""
        name = f"channel-{len(self.ears)}"
        await self.stage.add(name, level)
        self.ears[name] = Ear(self.clock.ms)

    async def remove_channel(self) -> None:
        """Remove the oldest channel that is there."""
        for name in self.ears:
            try:
                await self.writer.transact(partial(remove_channel, name=name))
            except ChangeRefusedError:
                continue
            self.ears[name].lasting.clear()
            return

    async def relevel(self, level: Level) -> None:
        """Give all channels another level."""
        await self.writer.transact(lambda connection, _: connection.execute("UPDATE channel SET level = ?", (level,)))

    async def fail(self, failing: bool) -> None:
        """Let all deliveries fail, or arrive again."""
        self.failing = failing or self.failing  # what waits may be late from now on
        self.stage.behave = dict.fromkeys(self.ears, refuse) if failing else {}

    async def end(self) -> None:
        """Insist that who is down is known to be down, and that all is over once all servers are well."""
        await self.fail(False)
        await self.wait(SETTLED_S + 340)
        channels = {row[0] for row in await self.writer.transact(_channels)}
        for name in channels:
            for i, live in self.writer.lives.items():
                if _is_down(live, self.clock) and live.monitor.status_since > self.ears[name].since:
                    assert (i, "down") in self.ears[name].lasting, f"{live.monitor.name} is down, {name} heard nothing"
        for number in range(SERVERS):
            await self.resume(number)
            await self.limit(number, None)
        for _ in range(4):
            await self.report_all(40.0)
            await self.wait(60)
        for name in channels:
            lasting = {key for key in self.ears[name].lasting if key[0] is None or key[0] in self.writer.lives}
            assert not lasting, f"{name} never heard that it is over: {lasting}"


def milliseconds(iso: str) -> int:
    """Return UTC milliseconds of a time in a message."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def _is_down(live: Live, clock: Clock) -> bool:
    for_s = (clock.ms - live.monitor.status_since) / 1000
    return judge(live, clock.listening) is Status.DOWN and not live.unsaid and for_s >= SETTLED_S


async def _channels(connection: Any, _: object) -> list[Any]:
    return list(await connection.execute_fetchall("SELECT name FROM channel"))


async def play(database: Path, course: list[tuple[Any, ...]]) -> None:
    """Play a course to its end."""
    world = World(database)
    await world.begin()
    try:
        for action, *arguments in course:
            await getattr(world, action)(*arguments)
        await world.end()
    finally:
        await world.close()
