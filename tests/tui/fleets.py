"""A fleet to look at: servers of every status, with values worth drawing."""

from dataclasses import replace

from store.models import AgentInfo, Monitor, MountUsage, Report, Status
from tests.tui.standins import NOW


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
        agent=AgentInfo("0.2.0", "sh", "linux"),
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
    soon = {"/": NOW + 40 * 86_400_000, "/srv/backup": NOW + 5 * 86_400_000}
    full = (MountUsage("/", 61.0), MountUsage("/srv/backup", 93.4, "1.8T", "1.7T", "0.1T"))
    return [
        a_monitor(1, "web-1", age_s=3),
        a_monitor(2, "web-2", age_s=41, report=a_report(34.0, load_1m=1.93)),
        a_monitor(3, "web-10", age_s=18, full_at={"/var": NOW + 200 * 86_400_000}),
        a_monitor(
            4,
            "db-primary.internal.example.org",
            Status.DEGRADED,
            8,
            report=a_report(95.0),
            cpu_course=hot,
            full_at={"/": NOW + 71_000_000},
        ),
        a_monitor(5, "backup", report=a_report(4.0, disk_usage=full, os="FreeBSD 14.1-RELEASE"), full_at=soon),
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


def many(count: int = 100) -> list[Monitor]:
    """Return that many servers that are up, node-1 and on, each with its number as CPU usage."""
    return [a_monitor(i, f"node-{i}", report=a_report(cpu=i % 100)) for i in range(1, count + 1)]
