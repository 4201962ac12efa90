"""The simulated servers of `agentmon demo`: what each would report at a moment. Pure, but for the counters.

Times are seconds from the start of the demo, negative before it; the hour is that of the day, for rhythms.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from store.agents import SHIPPED_VERSION
from store.models import AgentInfo, MountUsage, Report
from store.policy import Changes

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
DEBIAN, FREEBSD, WINDOWS = "Debian GNU/Linux 12 (bookworm)", "FreeBSD 14.1-RELEASE", "Windows Server 2022"
KERNELS = {DEBIAN: "6.1.0-28-amd64", FREEBSD: "14.1-RELEASE", WINDOWS: "10.0.20348"}
AGENTS = {DEBIAN: ("sh", "linux"), FREEBSD: ("psutil", "freebsd"), WINDOWS: ("powershell", "windows")}
NIGHT_OUTAGE_AT_H, NIGHT_OUTAGE_S = 3.13, 34 * MINUTE
DOWN_FOR_S, LATE_FOR_S = 47 * MINUTE, 150.0
LATE_EVERY_S, LATE_LASTS_S = 780.0, 570.0
"""The one with the poor line: how often it falls silent, and for how long."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: `at_s` from the start of the demo, and the hour of the day; `noise(period_s)` wanders within -1 to 1."""

    at_s: float
    hour: float
    noise: Callable[[float], float]

    @property
    def day(self) -> float:
        """How busy people are: 0 at 3 in the night, 1 at 15."""
        return 0.5 - 0.5 * math.cos((self.hour - 3) / 24 * math.tau)


@dataclass(frozen=True, slots=True)
class Readings:
    """What a server measures; traffic in bytes per second, usage of mounts in percent."""

    cpu: float
    memory: float
    iowait: float | None = 0.4
    swap: float | None = 2.0
    rx: float = 60_000.0
    tx: float = 40_000.0
    disks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """A server: what it is, what it reads at a moment, and when it is silent.

    `sizes` are its mounts, in GB.
    """

    name: str
    read: Callable[[Moment], Readings]
    tags: tuple[str, ...] = ()
    note: str = ""
    os: str = DEBIAN
    cores: int = 4
    memory_mb: int = 8192
    sizes: Mapping[str, int] = field(default_factory=lambda: {"/": 50})
    settings: Changes = field(default_factory=dict)
    is_silent: Callable[[float, float], bool] = lambda at_s, hour: False
    agent_version: str = SHIPPED_VERSION

    @property
    def hostname(self) -> str:
        """Its full name."""
        return f"{self.name}.example.org"

    @property
    def agent(self) -> AgentInfo:
        """What sends its reports."""
        return AgentInfo(self.agent_version, *AGENTS[self.os])


def _web(phase: float) -> Callable[[Moment], Readings]:
    def read(moment: Moment) -> Readings:
        busy = moment.day * (0.8 + 0.2 * moment.noise(4 * MINUTE))
        cpu = 6 + 46 * busy + 7 * moment.noise(50) + phase
        rx = 90_000 + 1_400_000 * busy
        return Readings(cpu, 44 + 16 * moment.day + moment.noise(600), rx=rx, tx=7 * rx, disks={"/": 41 + phase})

    return read


def _database(moment: Moment) -> Readings:
    backup = 2.0 <= moment.hour < 2.75
    iowait = 27 + 6 * moment.noise(90) if backup else 2 + 1.5 * moment.day + moment.noise(120)
    cpu = 12 + 26 * moment.day + 5 * moment.noise(70) + (14 if backup else 0)
    tx = 48e6 if backup else 500_000 + 2e6 * moment.day
    disks = {"/": 37.0, "/var/lib/postgresql": 63.4 + 0.15 * moment.at_s / DAY}
    return Readings(cpu, 71 + 2 * moment.noise(900), iowait, 4.0, 900_000 + 8e5 * moment.day, tx, disks)


def _replica(moment: Moment) -> Readings:
    cpu = 7 + 9 * moment.day + 3 * moment.noise(80)
    disks = {"/": 35.0, "/var/lib/postgresql": 63.1 + 0.15 * moment.at_s / DAY}
    return Readings(cpu, 58 + moment.noise(900), 1.5 + moment.noise(150), 3.0, 5e5 + 2e6 * moment.day, 60_000, disks)


def _build(moment: Moment) -> Readings:
    slot, into = divmod(moment.at_s, 25 * MINUTE)
    drawn = random.Random(f"build {slot}")
    builds = drawn.random() < 0.15 + 0.75 * moment.day and into < drawn.uniform(5, 19) * MINUTE
    if not builds:
        return Readings(3 + moment.noise(40), 22 + moment.noise(300), 0.3, disks={"/": 52.0, "/build": 46.0})
    cpu = 93 + 6 * moment.noise(30)
    disks = {"/": 52.0, "/build": 46 + 12 * into / (20 * MINUTE)}
    return Readings(cpu, 55 + 14 * moment.noise(200), 6 + 3 * moment.noise(60), 3.0, 3e6, 4e5, disks)


def _backup(moment: Moment) -> Readings:
    night = 1 <= moment.hour < 5
    cpu = (31 if night else 4) + 3 * moment.noise(60)
    disks = {"/": 22.0, "/srv/backup": 77.8 + 2.3 * moment.at_s / DAY + 0.05 * moment.noise(HOUR)}
    return Readings(cpu, 33 + moment.noise(800), 9 if night else 0.6, 1.0, 48e6 if night else 3e4, 2e4, disks)


def _mail(moment: Moment) -> Readings:
    leak = 82.6 + 4.4 * moment.at_s / (12 * HOUR) if moment.at_s < 0 else 82.6
    cpu = 9 + 14 * moment.day + 4 * moment.noise(60)
    return Readings(cpu, max(52.0, leak) + 0.6 * moment.noise(500), 1.0, 21.0, 2e5, 3e5, {"/": 58, "/var/mail": 69.5})


def _vpn(moment: Moment) -> Readings:
    cpu = 5 + 8 * moment.day + 2 * moment.noise(60)
    return Readings(cpu, 31 + moment.noise(900), None, 0.0, 1.2e6 * moment.day + 2e5, 1.1e6, {"/": 19.0})


def _storage(moment: Moment) -> Readings:
    cpu = 8 + 3 * moment.noise(120)
    return Readings(cpu, 46 + moment.noise(900), None, 0.0, 7e5, 5e5, {"/": 12.0, "/tank": 71.2})


def _cache(moment: Moment) -> Readings:
    cpu = 11 + 20 * moment.day + 6 * moment.noise(45)
    return Readings(cpu, 64 + 3 * moment.noise(700), 0.1, 0.0, 2e6 * (0.2 + moment.day), 4e6, {"/": 26.0})


def _lab(moment: Moment) -> Readings:
    return Readings(2 + moment.noise(60), 18 + moment.noise(900), disks={"/": 88.0})


def _logs(moment: Moment) -> Readings:
    cpu = 14 + 9 * moment.day + 4 * moment.noise(90)
    fill = 48 + 14 * (moment.hour / 24)  # rotated at midnight
    return Readings(cpu, 52 + moment.noise(900), 3 + moment.noise(90), 1.0, 9e5, 2e5, {"/": 31.0, "/var/log": fill})


def _windows(moment: Moment) -> Readings:
    cpu = 10 + 18 * moment.day + 7 * moment.noise(50)
    return Readings(cpu, 57 + 4 * moment.day, None, None, 2e5, 3e5, {"C:": 67.0, "D:": 44.5})


def _was_out_last_night(at_s: float, hour: float) -> bool:
    return at_s < -HOUR and at_s > -HOUR - DAY and 0 <= (hour - NIGHT_OUTAGE_AT_H) * HOUR < NIGHT_OUTAGE_S


def _drops_now_and_then(at_s: float, hour: float) -> bool:
    return at_s > -LATE_FOR_S and (at_s + LATE_FOR_S) % LATE_EVERY_S < LATE_LASTS_S


def _is_gone(at_s: float, hour: float) -> bool:
    return at_s > -DOWN_FOR_S


FLEET = (
    Machine("web-1", _web(0.0), ("prod", "web"), "shop, behind the balancer with web-2"),
    Machine("web-2", _web(3.0), ("prod", "web")),
    Machine("db-1", _database, ("db", "prod"), "primary; backup at 2", cores=8, memory_mb=32_768,
            sizes={"/": 50, "/var/lib/postgresql": 400}),
    Machine("db-2", _replica, ("db", "prod"), "replica of db-1", cores=8, memory_mb=32_768,
            sizes={"/": 50, "/var/lib/postgresql": 400}),
    Machine("cache-1", _cache, ("prod", "web"), memory_mb=16_384, is_silent=_was_out_last_night),
    Machine("mail-1", _mail, ("prod",), sizes={"/": 50, "/var/mail": 300}),
    Machine("build-1", _build, ("ci",), "full load is what it is for", cores=16, memory_mb=65_536,
            sizes={"/": 80, "/build": 500}, settings={"cpu.warn": "off", "cpu.crit": "off"}),
    Machine("backup-1", _backup, ("storage",), "nightly dumps, 90 days", sizes={"/": 50, "/srv/backup": 3700},
            settings={"disk./srv/backup.warn": 85.0}),
    Machine("nas-1", _storage, ("storage",), os=FREEBSD, memory_mb=16_384, sizes={"/": 60, "/tank": 9100},
            is_silent=_is_gone),
    Machine("log-1", _logs, ("prod",), sizes={"/": 50, "/var/log": 250}),
    Machine("vpn-1", _vpn, ("office",), "on the line that drops", os=FREEBSD, cores=2, memory_mb=2048,
            settings={"down_after": 4 * HOUR}, is_silent=_drops_now_and_then),
    Machine("win-1", _windows, ("office",), os=WINDOWS, sizes={"C:": 120, "D:": 900}, memory_mb=16_384),
    Machine("lab-1", _lab, ("lab",), "to be reinstalled", cores=2, memory_mb=4096,
            agent_version="0.1.0"),
)  # fmt: skip
"""A dozen and one; `new-1`, which never reported, comes on top."""


class Agent:
    """The simulated agent of one machine: counts its traffic, and after an outage begins at zero."""

    def __init__(self, machine: Machine, seed: int) -> None:
        """Begin with what a machine has counted in some weeks."""
        self.machine = machine
        self._seed = seed
        drawn = random.Random(f"{seed} {machine.name}")
        self._rx, self._tx = drawn.uniform(1e11, 9e11), drawn.uniform(1e11, 9e11)
        self._at_s: float | None = None
        self._was_silent = False

    def report(self, at_s: float, hour: float) -> Report | None:
        """Return what is reported at a time, None while the machine is silent; times must rise."""
        if self.machine.is_silent(at_s, hour):
            self._was_silent = True
            return None
        readings = self.machine.read(Moment(at_s, hour, lambda period: self._noise(at_s, period)))
        self._count(readings, at_s)
        return _report(self.machine, readings, int(self._rx), int(self._tx))

    def _count(self, readings: Readings, at_s: float) -> None:
        passed_s = 0.0 if self._at_s is None else at_s - self._at_s
        if self._was_silent and self.machine.is_silent is _was_out_last_night:
            self._rx = self._tx = 0.0
        self._rx += readings.rx * passed_s * (1 + 0.4 * self._noise(at_s, 3 * MINUTE))
        self._tx += readings.tx * passed_s * (1 + 0.4 * self._noise(at_s, 4 * MINUTE))
        self._at_s, self._was_silent = at_s, False

    def _noise(self, at_s: float, period_s: float) -> float:
        """Return a value that goes smoothly from one random height to the next, one a period."""
        step, into = divmod(at_s / period_s, 1.0)
        low, high = (_height(self._seed, self.machine.name, period_s, int(step) + side) for side in (0, 1))
        eased = into * into * (3 - 2 * into)
        return low + (high - low) * eased


def _height(seed: int, name: str, period_s: float, step: int) -> float:
    # Thousands are drawn before the first picture, and a hash is much quicker than a `Random` of its own for each.
    drawn = blake2b(f"{seed} {name} {period_s} {step}".encode(), digest_size=4).digest()
    return int.from_bytes(drawn) / 2**31 - 1


def _report(machine: Machine, readings: Readings, rx: int, tx: int) -> Report:
    is_windows = machine.os is WINDOWS
    cpu = _percent(readings.cpu)
    load = cpu / 100 * machine.cores * 1.15 + (readings.iowait or 0.0) / 12
    return Report(
        cpu_usage=cpu,
        cpu_iowait=None if readings.iowait is None else _percent(readings.iowait),
        memory_usage=_percent(readings.memory),
        memory_total_mb=machine.memory_mb,
        swap_usage=readings.swap,
        disk_usage=tuple(_mount(mount, usage, machine.sizes[mount]) for mount, usage in readings.disks.items()),
        network_rx_bytes=rx,
        network_tx_bytes=tx,
        load_1m=None if is_windows else round(load, 2),
        load_5m=None if is_windows else round(load * 0.9 + 0.05, 2),
        load_15m=None if is_windows else round(load * 0.8 + 0.1, 2),
        os=machine.os,
        hostname=machine.hostname,
        kernel=KERNELS[machine.os],
    )


def _mount(mount: str, usage: float, size_gb: int) -> MountUsage:
    used = size_gb * usage / 100
    return MountUsage(mount, round(usage, 1), f"{size_gb}G", f"{used:.0f}G", f"{size_gb - used:.0f}G")


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)
