"""What tests of alerts share: events as the judge writes them, and a notifier whose clock and targets a test rules."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite

from server.alerts import Alert, NotifierOptions, alert_of
from server.notifier import DELIVERY, Notifier
from store.channels import ChannelKind, Target, add_channel
from store.event_log import record
from store.events import Event, EventKind
from store.ledger import Ledger
from store.outbox import Outbox
from store.policy import Level
from store.thresholds import Track, encode_tracks
from store.writer import Writer
from tests.conftest import START_MS, Clock

SILENT_S = 300.0


def event(kind: EventKind, number: int = 1, at: int = START_MS, **detail: Any) -> Event:
    """Return an event of the monitor web-NUMBER."""
    return Event(kind, at, number, f"web-{number}", detail)


def shared_key(number: int = 1) -> Event:
    """Return the event of two machines that use one key."""
    return event(EventKind.SHARED_KEY, number, hostnames=["a", "b"], addresses=["192.0.2.1", "192.0.2.2"])


def down(number: int = 1, at: int = START_MS, silence_s: float = SILENT_S) -> Event:
    """Return the event of a server that went down."""
    return event(EventKind.DOWN, number, at, silence_s=silence_s)


def up(number: int = 1, at: int = START_MS, for_s: float = 720.0, was: str = "down") -> Event:
    """Return the event of a server that reports again."""
    return event(EventKind.UP, number, at, was=was, for_s=for_s)


def reading(
    kind: EventKind = EventKind.DEGRADED,
    number: int = 1,
    at: int = START_MS,
    *,
    level: str = "critical",
    mount: str | None = "/var",
    value: float | None = 96.0,
    since: int = START_MS,
) -> Event:
    """Return the event of a reading that is too high, or fine again: of a mount, or of the CPU."""
    metric = "cpu" if mount is None else "disk"
    return event(
        kind, number, at, metric=metric, mount=mount, level=level, value=value, limit=90.0, since=since, for_s=0.0
    )


def silence(at: int = START_MS) -> Event:
    """Return the event of nobody reporting any more."""
    return Event(EventKind.SILENCE, at, detail={"monitors": 50, "silence_s": SILENT_S})


def reports_again(at: int = START_MS) -> Event:
    """Return the event of reports arriving again."""
    return Event(EventKind.REPORTS_AGAIN, at, detail={"for_s": 720.0})


def alerts(*events: Event) -> list[Alert]:
    """Return what is told of events."""
    return [alert for each in events if (alert := alert_of(each)) is not None]


def read(file: Path) -> str:
    """Return what is in a file, nothing if there is none."""
    return file.read_text() if file.exists() else ""


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def _make_true(connection: aiosqlite.Connection, event: Event) -> None:
    """Write what an event tells of its monitor, which is made if it does not exist."""
    await connection.execute(
        "INSERT OR IGNORE INTO monitor (id, name, created_at) VALUES (?, ?, ?)",
        (event.monitor_id, event.monitor, START_MS),
    )
    await connection.execute(
        "INSERT OR IGNORE INTO latest (monitor_id, seq, status, status_since) VALUES (?, 1, 'up', ?)",
        (event.monitor_id, START_MS),
    )
    if event.kind in (EventKind.DOWN, EventKind.UP):
        await connection.execute(
            "UPDATE latest SET status = ?, status_since = ? WHERE monitor_id = ?",
            (event.kind, event.at, event.monitor_id),
        )
    elif event.kind in (EventKind.DEGRADED, EventKind.RECOVERED):
        said = event.detail
        track = Track(said["metric"], said["mount"], Level(said["level"]), True, -1.0, event.at, event.at, 96.0)
        tracks = [track] if event.kind is EventKind.DEGRADED else []
        await connection.execute(
            "UPDATE latest SET tracks = ? WHERE monitor_id = ?", (encode_tracks(tracks), event.monitor_id)
        )


AT_ONCE = NotifierOptions(grace_s=0.0)


async def refuse() -> str:
    """Behave like a target that takes nothing."""
    return "HTTP 500"


class Stage:
    """A notifier on a writer; `told` is what arrived at each target, `behave` how a target answers (default: well)."""

    def __init__(self, outbox: Outbox, writer: Writer, clock: Clock, options: NotifierOptions | None = None) -> None:
        """Start a notifier that looks only when told to; without options it ends at once, whatever hangs."""
        self.outbox = outbox
        self.writer = writer
        self.clock = clock
        self.told: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.attempts: dict[str, list[float]] = defaultdict(list)
        self.behave: dict[str, Callable[[], Awaitable[str | None]]] = {}
        self._make = partial(
            Notifier, outbox, writer, self._deliver, clock.wall, options or AT_ONCE, clock.listening_s, lambda: 0.5
        )
        self.notifier = self._make()
        self._hanging: set[asyncio.Task[Any] | None] = set()
        self._moved = asyncio.Event()

    async def add(self, name: str, level: Level = Level.WARNING) -> None:
        """Add a channel whose target is its name."""
        kind = ChannelKind.COMMAND
        await self.writer.transact(
            partial(add_channel, target=name, kind=kind, shown=name, level=level, now=self.clock.ms, name=name)
        )

    async def happen(self, *events: Event) -> None:
        """Write events, and make their monitors, if need be, what the events say of them."""

        async def write(connection: aiosqlite.Connection, _: Ledger) -> None:
            for each in events:
                if each.monitor_id is not None:
                    await _make_true(connection, each)
            await record(connection, events)

        await self.writer.change(write)

    async def look(self, seconds: float = 0.0) -> None:
        """Let time pass, let the notifier look, and wait until all that can be delivered is."""
        self.clock.advance(seconds)
        self._moved.set()
        self._moved = asyncio.Event()
        await self.notifier.look()
        while busy := self._busy():
            await asyncio.wait(busy, timeout=0.001)

    def _busy(self) -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks() if task.get_name() == DELIVERY and task not in self._hanging]

    async def pass_time(self, seconds: float, step_s: float = 5.0) -> None:
        """Let time pass, looking every few seconds."""
        for _ in range(round(seconds / step_s)):
            await self.look(step_s)

    async def restart(self) -> None:
        """End the notifier and start another."""
        await self.notifier.close()
        self.notifier = self._make()

    async def hang(self, limit_s: float) -> str:
        """Behave like a target that does not answer, until the limit is over."""
        deadline, task = self.clock.listening + limit_s, asyncio.current_task()
        while self.clock.listening < deadline:
            self._hanging.add(task)
            await self._moved.wait()
        self._hanging.discard(task)
        return "not done in time"

    async def _deliver(self, target: Target, content: Mapping[str, Any]) -> str | None:
        self.attempts[target.address].append(self.clock.listening)
        if (behave := self.behave.get(target.address)) is not None and (problem := await behave()) is not None:
            return problem
        self.told[target.address].append(dict(content))
        return None

    def titles(self, name: str) -> list[str]:
        """Return the titles that arrived at a target."""
        return [content["title"].removeprefix("agentmon: ") for content in self.told[name]]

    async def close(self) -> None:
        """End the notifier and close its outbox."""
        await self.notifier.close()
        await self.outbox.close()
