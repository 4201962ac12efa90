"""Stand-ins for the house around the console: a store and a receiver in memory, a clock that one sets."""

import asyncio
from dataclasses import replace

from store.channels import Channel, ChannelKind
from store.errors import AgentmonError, ChangeRefusedError
from store.events import Event
from store.models import (
    AgentInfo,
    Credentials,
    FleetChange,
    InstallLine,
    Monitor,
    MountUsage,
    ReceiverInfo,
    Report,
    Sample,
    Status,
)
from store.policy import Changes, Defaults, Level, Settings, checked, make_policy
from store.rejections import Rejection
from store.series import RAW, Series
from store.tags import Edit, edited_tags

NOW = 1_772_370_300_000
"""2026-03-01 13:05:00 UTC, in milliseconds."""

MINUTE = 60_000
URL = "http://monitor.example.org:8420"

REPORT = Report(
    cpu_usage=23.5,
    memory_usage=67.4,
    memory_total_mb=8192,
    disk_usage=(
        MountUsage("/", 45.0, "50G", "22G", "28G"),
        MountUsage("/var/lib/postgresql", 83.6, "200G", "167G", "33G"),
        MountUsage("/boot", 31.2, "954M", "298M", "591M"),
    ),
    cpu_iowait=1.2,
    swap_usage=5.0,
    network_rx_bytes=9_000_000_000,
    network_tx_bytes=4_000_000_000,
    load_1m=0.52,
    load_5m=0.38,
    load_15m=0.21,
    os="Debian GNU/Linux 12 (bookworm)",
    hostname="web-1.example.org",
    kernel="6.1.0-28-amd64",
)


def install_lines(key: str) -> tuple[InstallLine, InstallLine]:
    """Return install lines that hold a key."""
    linux = InstallLine(
        "Linux", "a shell", "(echo AGENTMON_KEY=", key, f"; curl -fsSL {URL}/agent.sh) | sh -s -- install"
    )
    load = rf"; iwr '{URL}/agent.ps1' -UseBasicParsing -OutFile $f; powershell -ExecutionPolicy Bypass -File $f install"
    return linux, InstallLine("Windows", "PowerShell", "$env:AGENTMON_KEY = ", f"'{key}'", load)


def key_of(number: int) -> str:
    """Return the agent key with that number, well formed."""
    return f"amk_{number:040d}"


def monitor(name: str = "web-1", monitor_id: int = 1, report: Report | None = REPORT) -> Monitor:
    """Return a monitor that is up, or one that never reported."""
    bare = Monitor(monitor_id, name, NOW - 400 * MINUTE, Status.PENDING, NOW - 400 * MINUTE, seq=1)
    if report is None:
        return bare
    return replace(
        bare,
        status=Status.UP,
        status_since=NOW - 192 * MINUTE,
        last_report_at=NOW - 3000,
        address="192.0.2.7",
        agent=AgentInfo("0.2.0", "sh", "linux"),
        interval_s=60.0,
        report=report,
        network_rx_rate=1_258_291.0,
        network_tx_rate=348_160.0,
    )


def wave(index: int, low: float, high: float, period: int) -> float:
    """Return a value that goes up and down between two bounds, the same each time."""
    phase = abs((index * 7919 % period) / period - 0.5) * 2
    slow = abs((index % 40) / 40 - 0.5) * 2
    return low + (high - low) * (0.35 * phase + 0.65 * slow)


def hour(report: Report = REPORT, until: int = NOW - 3000) -> list[Sample]:
    """Return a minutely hour of reports that move about."""
    samples = []
    for age in range(60, -1, -1):
        index = 60 - age
        moved = replace(
            report,
            cpu_usage=wave(index, 8, 70, 11),
            cpu_iowait=wave(index, 0, 9, 7),
            memory_usage=wave(index, 60, 70, 31),
            network_rx_bytes=9_000_000_000 + index * 50_000_000 + int(wave(index, 0, 40_000_000, 5)),
            network_tx_bytes=4_000_000_000 + index * 20_000_000 + int(wave(index, 0, 15_000_000, 9)),
            load_1m=wave(index, 0.1, 2.5, 13),
            load_5m=wave(index, 0.1, 1.5, 17),
            load_15m=wave(index, 0.1, 0.9, 23),
        )
        samples.append(Sample(until - age * MINUTE, moved))
    return samples


class MemoryStore:
    """The reader's methods over values that a test sets; `put` and `drop` change them.

    `past` holds the fleet at a time, from that time on until the next; `gate` holds reads of it back until it is set.
    `happened` holds events oldest first, `refused` and `targets` what was refused and where alerts go.
    `fleet_error` is what reading the present fleet raises, `error` what reading history does.
    """

    def __init__(self, *monitors: Monitor, samples: list[Sample] | None = None) -> None:
        """Hold some monitors, and reports that all of them share."""
        self.monitors = {one.id: one for one in monitors}
        self.stored = samples or []
        self.points: dict[int, Series] = {}
        self.past: dict[int, tuple[Monitor, ...]] = {}
        self.runs: list[tuple[int, int]] = []
        self.asked: list[tuple[int, int]] = []
        self.asked_past: list[int] = []
        self.happened: list[Event] = []
        self.refused: list[Rejection] = []
        self.targets: list[Channel] = []
        self.default_settings: Settings = {}
        self.configured: Settings = {}
        self.fleet_error: AgentmonError | None = None
        self.error: AgentmonError | None = None
        self.closed = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._seq = max((one.seq for one in monitors), default=0)

    def put(self, changed: Monitor) -> None:
        """Add a monitor or replace the one of its id, under the next sequence number."""
        self._seq += 1
        self.monitors[changed.id] = replace(changed, seq=self._seq)

    def drop(self, monitor_id: int) -> None:
        """Delete a monitor."""
        del self.monitors[monitor_id]

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    async def changes(self, since: int = 0) -> FleetChange:
        """Return what changed."""
        if self.fleet_error is not None:
            raise self.fleet_error
        changed = tuple(one for one in self.monitors.values() if one.seq > since)
        return FleetChange(max((one.seq for one in changed), default=since), changed, frozenset(self.monitors))

    async def monitor(self, name: str) -> Monitor | None:
        """Return the monitor of that name."""
        return next((one for one in self.monitors.values() if one.name == name), None)

    async def samples(self, monitor_id: int, since: int, until: int) -> list[Sample]:
        """Return the reports of a period."""
        self.asked.append((since, until))
        self._check()
        return [sample for sample in self.stored if since <= sample.at < until]

    async def fleet_at(self, at: int) -> tuple[Monitor, ...]:
        """Return the newest fleet of `past` up to then, or today's."""
        self.asked_past.append(at)
        await self.gate.wait()
        self._check()
        times = [time for time in self.past if time <= at]
        return self.past[max(times)] if times else tuple(self.monitors.values())

    async def series(self, monitor: Monitor, since: int, until: int, points: int) -> Series:
        """Return what was set for a monitor, whatever the period; nothing otherwise."""
        self._check()
        return self.points.get(monitor.id, Series(RAW, 60_000, 150_000, ()))

    async def receiver_runs(self, since: int, until: int) -> list[tuple[int, int]]:
        """Return `runs`; if there are none, one over the whole period."""
        self._check()
        return self.runs or [(since, until)]

    async def traffic(self, monitor_id: int, since: int, until: int) -> tuple[int, int]:
        """Return a byte received per millisecond, and half of one sent."""
        self._check()
        return until - since, (until - since) // 2

    async def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        since: int | None = None,
        monitor_id: int | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """Return events as the reader does."""
        self._check()
        found = [
            event
            for event in reversed(self.happened)
            if event.id > after
            and (before is None or event.id < before)
            and (since is None or event.at >= since)
            and (monitor_id is None or event.monitor_id == monitor_id)
        ]
        return found[:limit]

    async def rejections(self) -> list[Rejection]:
        """Return `refused`."""
        self._check()
        return list(self.refused)

    async def channels(self) -> list[Channel]:
        """Return `targets`."""
        self._check()
        return list(self.targets)

    @property
    def merged_defaults(self) -> Settings:
        """What holds for all, whoever says it."""
        return Defaults(self.default_settings, self.configured).merged

    async def defaults(self) -> Defaults:
        """Return `default_settings` over `configured`."""
        self._check()
        return Defaults(self.default_settings, self.configured)

    async def close(self) -> None:
        """Remember that the database was let go."""
        self.closed = True


class MemoryAdmin:
    """The receiver's changes on a `MemoryStore`; `gate` holds every answer back until it is set.

    Changes of the monitors whose names are in `refused` fail.
    """

    def __init__(self, store: MemoryStore) -> None:
        """Change that store."""
        self.store = store
        self.keys = dict.fromkeys(store.monitors, key_of(1))
        self.calls: list[str] = []
        self.edits: list[tuple[str, Edit]] = []
        self.refused: set[str] = set()
        self.error: AgentmonError | None = None
        self.delivery_problem: str | None = None
        self.warning: str | None = None
        self.note: str | None = None
        self.info = ReceiverInfo(since=NOW - 600 * MINUTE, url=URL)
        self.gate = asyncio.Event()
        self.gate.set()

    async def _enter(self, call: str) -> None:
        self.calls.append(call)
        await self.gate.wait()
        if self.error is not None:
            raise self.error

    async def _id(self, name: str) -> int:
        if name in self.refused:
            raise ChangeRefusedError(f"{name} may not be changed")
        found = await self.store.monitor(name)
        if found is None:
            raise ChangeRefusedError(f"there is no monitor named {name}")
        return found.id

    def _credentials(self, monitor_id: int, name: str) -> Credentials:
        key = self.keys[monitor_id]
        return Credentials(monitor_id, name, key, install_lines(key), self.warning, self.note)

    async def receiver(self) -> ReceiverInfo:
        """Return `info`."""
        if self.error is not None:
            raise self.error
        return self.info

    async def credentials(self, name: str) -> Credentials:
        """Return key and command."""
        await self._enter(f"credentials {name}")
        return self._credentials(await self._id(name), name)

    async def create(self, name: str) -> Credentials:
        """Add a monitor."""
        await self._enter(f"create {name}")
        monitor_id = max(self.store.monitors, default=0) + 1
        self.keys[monitor_id] = key_of(monitor_id)
        self.store.put(monitor(name, monitor_id, report=None))
        return self._credentials(monitor_id, name)

    async def edit(self, name: str, edit: Edit) -> None:
        """Give another name, tags or note."""
        await self._enter(f"edit {name}")
        self.edits.append((name, edit))
        before = self.store.monitors[await self._id(name)]
        after = replace(before, tags=edited_tags(before.tags, edit), name=edit.new_name or name)
        self.store.put(after if edit.note is None else replace(after, note=edit.note))

    async def rotate(self, name: str) -> Credentials:
        """Give a new key."""
        await self._enter(f"rotate {name}")
        monitor_id = await self._id(name)
        self.keys[monitor_id] = key_of(9)
        self.store.put(replace(self.store.monitors[monitor_id], rotated_at=NOW))
        return self._credentials(monitor_id, name)

    async def pause(self, name: str, for_s: float | None = None) -> None:
        """Pause."""
        await self._enter(f"pause {name}")
        until = None if for_s is None else NOW + int(for_s * 1000)
        before = self.store.monitors[await self._id(name)]
        self.store.put(replace(before, status=Status.PAUSED, paused_until=until))

    async def resume(self, name: str) -> None:
        """Resume."""
        await self._enter(f"resume {name}")
        before = self.store.monitors[await self._id(name)]
        self.store.put(replace(before, status=Status.UP, paused_until=None))

    async def delete(self, name: str) -> None:
        """Forget."""
        await self._enter(f"delete {name}")
        self.store.drop(await self._id(name))

    async def set(self, name: str, settings: Changes) -> None:
        """Change settings of one monitor."""
        await self._enter(f"set {name} {dict(settings)}")
        before = self.store.monitors[await self._id(name)]
        defaults = self.store.merged_defaults
        own = checked(defaults, before.settings, settings)
        policy = make_policy(defaults, own)
        self.store.put(replace(before, settings=own, policy=policy))

    async def set_defaults(self, settings: Changes) -> None:
        """Change the defaults."""
        await self._enter(f"set_defaults {dict(settings)}")
        self.store.default_settings = checked(self.store.configured, self.store.default_settings, settings)
        for before in list(self.store.monitors.values()):
            policy = make_policy(self.store.merged_defaults, before.settings)
            self.store.put(replace(before, policy=policy))

    async def add_channel(
        self, *, url: str | None = None, command: str | None = None, name: str | None = None, level: Level
    ) -> str:
        """Add a channel, shown by its scheme or its command's first word."""
        await self._enter(f"add_channel {name}")
        kind = ChannelKind.COMMAND if command else ChannelKind.APPRISE
        shown = command or f"{(url or '').partition('://')[0]}://****"
        made = Channel(
            len(self.store.targets) + 1, name or f"channel {len(self.store.targets) + 1}", kind, shown, level, NOW
        )
        self.store.targets.append(made)
        return made.name

    async def remove_channel(self, name: str) -> None:
        """Remove a channel."""
        await self._enter(f"remove_channel {name}")
        self.store.targets = [each for each in self.store.targets if each.name != name]

    async def test_channel(self, name: str) -> str | None:
        """Return `delivery_problem`."""
        await self._enter(f"test_channel {name}")
        return self.delivery_problem
