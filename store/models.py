"""What the rooms tell each other: typed values without behaviour.

Times are UTC milliseconds since 1970 where a name ends in `_at`, `since` or `until`, seconds where it ends
in `_s`; rates are bytes per second; usages are percent, 0 to 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from store.policy import DEFAULT_POLICY, Breach, Policy, Settings


class Status(StrEnum):
    """What agentmon thinks of a monitor, in words."""

    PENDING = "pending"
    UP = "up"
    DEGRADED = "degraded"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class MountUsage:
    """One mounted file system of a report; sizes are the text that the agent sent ("50G")."""

    mount: str
    usage: float
    size: str | None = None
    used: str | None = None
    avail: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One agent report without its key; a mount stands in `disk_usage` at most once.

    `memory_total_mb` counts units of 2^20 bytes; the network fields are counters since the machine's boot.
    """

    cpu_usage: float
    memory_usage: float
    memory_total_mb: int
    disk_usage: tuple[MountUsage, ...] = ()
    cpu_iowait: float | None = None
    swap_usage: float | None = None
    network_rx_bytes: int | None = None
    network_tx_bytes: int | None = None
    load_1m: float | None = None
    load_5m: float | None = None
    load_15m: float | None = None
    os: str | None = None
    hostname: str | None = None
    kernel: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored report and when the receiver got it; `at` rises strictly per monitor."""

    at: int
    report: Report


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An agent of ours: its version, its kind ("sh", "psutil", "powershell") and its system ("linux")."""

    version: str
    kind: str
    system: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitored server as it stands now: all that the fleet table needs.

    `interval_s` is learned from the reports; `cpu_course` holds the CPU usage of the last reports, oldest
    first, at most `COURSE_LENGTH`; `address` is where the last report came from, `agent` what sent it, if that is
    one of ours. `seq` grows with each change of any monitor, so it orders changes over the whole fleet.
    `full_at` says when mounts will be full at their present growth, for those that grow clearly.
    `settings` are the monitor's own, `policy` what results from them and the defaults, `breaches` the limits that are
    broken now. `rotated_at` is set while a new key waits for its first report and older ones work (`old_key_used`
    says whether one came with them since), `shared_at` is when two machines were last seen to use its key.
    `tags` and `note` are what people wrote on it (`store.tags`), tags in their order.
    """

    id: int
    name: str
    created_at: int
    status: Status
    status_since: int
    seq: int
    paused_until: int | None = None
    last_report_at: int | None = None
    address: str | None = None
    agent: AgentInfo | None = None
    interval_s: float | None = None
    report: Report | None = None
    network_rx_rate: float | None = None
    network_tx_rate: float | None = None
    cpu_course: tuple[float, ...] = ()
    full_at: Mapping[str, int] = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    policy: Policy = DEFAULT_POLICY
    breaches: tuple[Breach, ...] = ()
    rotated_at: int | None = None
    old_key_used: bool = False
    shared_at: int | None = None
    tags: tuple[str, ...] = ()
    note: str = ""


COURSE_LENGTH = 60
"""Reports that `Monitor.cpu_course` remembers: an hour of an agent that reports each minute."""


@dataclass(frozen=True, slots=True)
class FleetChange:
    """What changed in the fleet: monitors with a newer `seq`, the ids of all that exist, the newest `seq`."""

    seq: int
    monitors: tuple[Monitor, ...]
    ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class InstallLine:
    """The line that installs an agent on a `platform`, in three parts: the key as the `shell` has it, what is around.

    So whoever shows it can hide the key, however it is quoted.
    """

    platform: str
    shell: str
    before: str
    key: str
    after: str

    @property
    def where(self) -> str:
        """Where it is to be run, in words."""
        return f"On {self.platform}, in {self.shell}:"

    @property
    def command(self) -> str:
        """All of it, as one line for a shell."""
        return self.before + self.key + self.after


@dataclass(frozen=True, slots=True)
class Credentials:
    """A monitor's agent key and the lines that install an agent with it, one for each platform.

    `warning` says what keeps these from working elsewhere, if anything does; `note`, which other addresses there are.
    """

    id: int
    name: str
    agent_key: str
    install: tuple[InstallLine, ...]
    warning: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiverInfo:
    """The running receiver: since when, under which URL agents reach it, and what is wrong with it, if anything.

    Of a URL that nobody has chosen, `others` are the machine's other addresses, and `in_container` says whether only a
    container's own network may know it.

    `pin` is the public key by which agents know it (`sha256//BASE64`), where no CA that is trusted here vouches for it.
    """

    since: int
    url: str
    problem: str | None = None
    pin: str | None = None
    others: tuple[str, ...] = ()
    in_container: bool = False
