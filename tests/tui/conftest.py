"""A console without a disk or a receiver: a fleet in memory, an admin that remembers, a clock that stands."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from store.errors import ChangeRefusedError
from store.models import Credentials, FleetChange, Monitor, MountUsage, ReceiverInfo, Report, Sample, Status
from tui.app import ConsoleApp

NOW = 1_772_366_400_000
"""Sunday, 2026-03-01, noon UTC: when all tests of the console happen."""


def a_report(cpu: float = 12.0, **values: object) -> Report:
    """Return a plausible report; `values` replace its fields."""
    plain = Report(
        cpu_usage=cpu,
        cpu_iowait=1.2,
        memory_usage=41.0,
        memory_total_mb=7987,
        swap_usage=3.0,
        disk_usage=(MountUsage("/", 45.0, "50G", "22G", "28G"), MountUsage("/var", 71.5, "200G", "143G", "57G")),
        network_rx_bytes=123_456_789,
        network_tx_bytes=23_456_789,
        load_1m=0.42,
        load_5m=0.31,
        load_15m=0.2,
        os="Debian GNU/Linux 12",
        hostname="host",
        kernel="6.1.0-18-amd64",
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def a_monitor(monitor_id: int, name: str, status: Status = Status.UP, age_s: float = 5, **values: object) -> Monitor:
    """Return a monitor that reported `age_s` seconds before `NOW`; `values` replace its fields."""
    plain = Monitor(
        id=monitor_id,
        name=name,
        created_at=NOW - 86_400_000,
        status=status,
        status_since=NOW - 3_600_000,
        seq=monitor_id,
        last_report_at=NOW - int(age_s * 1000),
        address="192.0.2.7",
        interval_s=60.0,
        report=a_report(),
        network_rx_rate=48_200.0,
        network_tx_rate=1_310_720.0,
        cpu_course=tuple(10 + 30 * ((i * 7) % 11) / 11 for i in range(60)),
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def pending(monitor_id: int, name: str) -> Monitor:
    """Return a monitor that never reported."""
    return Monitor(monitor_id, name, NOW - 60_000, Status.PENDING, NOW - 60_000, seq=monitor_id)


def small_fleet() -> list[Monitor]:
    """Return a fleet with one or more of each status and with values worth looking at."""
    hot = tuple(20 + 75 * i / 59 for i in range(60))
    full = (MountUsage("/", 61.0), MountUsage("/srv/backup", 93.4, "1.8T", "1.7T", "0.1T"))
    return [
        a_monitor(1, "web-1", age_s=3),
        a_monitor(2, "web-2", age_s=41, report=a_report(34.0, load_1m=1.93)),
        a_monitor(3, "web-10", age_s=18),
        a_monitor(4, "db-primary.internal.example.org", Status.DEGRADED, 8, report=a_report(95.0), cpu_course=hot),
        a_monitor(5, "backup", report=a_report(4.0, disk_usage=full, os="FreeBSD 14.1-RELEASE")),
        a_monitor(6, "mail", Status.DOWN, 2760, report=a_report(2.0)),
        a_monitor(7, "vpn", Status.LATE, 134, report=a_report(1.0, swap_usage=None, os=None)),
        a_monitor(8, "lab", Status.PAUSED, 7200),
        a_monitor(
            9,
            "win-srv",
            report=a_report(17.0, load_1m=None, cpu_iowait=None, disk_usage=(MountUsage("C:", 81.0),), os="Windows"),
            network_rx_rate=None,
            network_tx_rate=None,
        ),
        pending(10, "new-box"),
    ]


class MemoryReader:
    """A store in memory; `put` and `drop` change it."""

    def __init__(self, monitors: list[Monitor]) -> None:
        """Hold these monitors."""
        self.by_id = {monitor.id: monitor for monitor in monitors}
        self.stored: dict[int, list[Sample]] = {}
        self.error: Exception | None = None
        self.closed = False

    def put(self, monitor: Monitor) -> None:
        """Store a monitor, new or changed, under the next sequence number."""
        newest = max((each.seq for each in self.by_id.values()), default=0)
        self.by_id[monitor.id] = replace(monitor, seq=newest + 1)

    def drop(self, monitor_id: int) -> None:
        """Delete a monitor."""
        del self.by_id[monitor_id]

    async def changes(self, since: int = 0) -> FleetChange:
        """Return what is newer than `since`."""
        if self.error:
            raise self.error
        newer = tuple(monitor for monitor in self.by_id.values() if monitor.seq > since)
        newest = max((monitor.seq for monitor in newer), default=since)
        return FleetChange(newest, newer, frozenset(self.by_id))

    async def monitor(self, name: str) -> Monitor | None:
        """Return a monitor by name."""
        return next((monitor for monitor in self.by_id.values() if monitor.name == name), None)

    async def monitor_by_id(self, monitor_id: int) -> Monitor | None:
        """Return a monitor by id."""
        return self.by_id.get(monitor_id)

    async def samples(self, monitor_id: int, since: int, until: int) -> list[Sample]:
        """Return stored reports."""
        return [sample for sample in self.stored.get(monitor_id, []) if since <= sample.at < until]

    async def close(self) -> None:
        """Remember that the database was let go."""
        self.closed = True


@dataclass
class MemoryAdmin:
    """An admin that carries changes out on a `MemoryReader` and remembers what it was asked."""

    store: MemoryReader
    asked: list[tuple[object, ...]] = field(default_factory=list)
    error: Exception | None = None
    info: ReceiverInfo = field(default_factory=lambda: ReceiverInfo(NOW - 11_520_000, "http://192.0.2.1:8420"))

    def _ask(self, *what: object) -> None:
        self.asked.append(what)
        if self.error:
            raise self.error

    def _one(self, name: str) -> Monitor:
        for monitor in self.store.by_id.values():
            if monitor.name == name:
                return monitor
        raise ChangeRefusedError(f"no monitor is called {name}")

    async def receiver(self) -> ReceiverInfo:
        """Return the receiver."""
        if self.error:
            raise self.error
        return self.info

    async def credentials(self, name: str) -> Credentials:
        """Return a key that can be told by its name."""
        self._ask("credentials", name)
        key = "amk_" + "0123456789" * 4
        return Credentials(self._one(name).id, name, key, f"curl -fsS {self.info.url}/agent.sh | AGENTMON_KEY={key} sh")

    async def create(self, name: str) -> Credentials:
        """Create a monitor."""
        self._ask("create", name)
        if await self.store.monitor(name):
            raise ChangeRefusedError(f"there is a monitor called {name} already")
        self.store.put(pending(max(self.store.by_id, default=0) + 1, name))
        return await self.credentials(name)

    async def rename(self, name: str, new_name: str) -> None:
        """Rename a monitor."""
        self._ask("rename", name, new_name)
        self.store.put(replace(self._one(name), name=new_name))

    async def rotate(self, name: str) -> Credentials:
        """Give a new key."""
        self._ask("rotate", name)
        return replace(await self.credentials(name), agent_key="amk_" + "9876543210" * 4)

    async def pause(self, name: str, for_s: float | None = None) -> None:
        """Pause a monitor."""
        self._ask("pause", name, for_s)
        self.store.put(replace(self._one(name), status=Status.PAUSED))

    async def resume(self, name: str) -> None:
        """Resume a monitor."""
        self._ask("resume", name)
        self.store.put(replace(self._one(name), status=Status.UP))

    async def delete(self, name: str) -> None:
        """Delete a monitor."""
        self._ask("delete", name)
        self.store.drop(self._one(name).id)


class Clock:
    """A wall clock that moves when told."""

    def __init__(self) -> None:
        """Start at `NOW`."""
        self.at = NOW / 1000

    def __call__(self) -> float:
        """Return seconds since 1970."""
        return self.at


@dataclass
class House:
    """A console app, and handles on all that it talks to."""

    app: ConsoleApp
    store: MemoryReader
    admin: MemoryAdmin
    clock: Clock


MakeHouse = Callable[..., House]


@pytest.fixture
def house() -> MakeHouse:
    """Return what builds a `House` of these monitors."""

    def build(monitors: list[Monitor] | None = None, *, read_only: bool = False) -> House:
        store, clock = MemoryReader(small_fleet() if monitors is None else monitors), Clock()
        admin = MemoryAdmin(store)
        app = ConsoleApp(Path("/nowhere/agentmon.db"), admin, read_only=read_only, clock=clock, reader=store)
        return House(app, store, admin, clock)

    return build
