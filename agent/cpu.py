"""CPU usage between two readings of the kernel's counters."""

from dataclasses import dataclass

import psutil

from agent.figures import percent

FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The times that add up to the whole; guest time is already within user."""


@dataclass(frozen=True, slots=True)
class CpuReading:
    """Seconds of all CPUs since boot; `iowait` is None where the platform does not count it."""

    total: float
    idle: float
    iowait: float | None


def read_cpu() -> CpuReading:
    """Return the counters as they stand now."""
    return reading_of(psutil.cpu_times())


def reading_of(times: object) -> CpuReading:
    """Return the reading that psutil's named times hold; each platform names some of `FIELDS`."""
    values = {name: float(getattr(times, name)) for name in FIELDS if hasattr(times, name)}
    return CpuReading(sum(values.values()), values["idle"], values.get("iowait"))


def cpu_shares(before: CpuReading, after: CpuReading) -> tuple[float, float | None]:
    """Return usage and iowait in percent over the time between; waiting for I/O is no usage.

    The kernel's idle and iowait counters step back now and then; such a step counts as none.
    """
    total = after.total - before.total
    idle = max(0.0, after.idle - before.idle)
    if before.iowait is None or after.iowait is None:
        return percent(total - idle, total), None
    iowait = max(0.0, after.iowait - before.iowait)
    return percent(total - idle - iowait, total), percent(iowait, total)
