"""CPU usage between two readings of the kernel's counters."""

from collections.abc import Mapping

import psutil

from agent.errors import MeasureError
from agent.figures import percent

FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The times that add up to the whole; guest time is already within user, and Windows' interrupts within system."""

CpuReading = Mapping[str, float]
"""Seconds of all CPUs since boot, for each of `FIELDS` that the platform counts."""


def read_cpu() -> CpuReading:
    """Return the counters of this moment; raises MeasureError."""
    try:
        return reading_of(psutil.cpu_times())
    except (OSError, psutil.Error, ValueError, IndexError) as error:
        raise MeasureError(f"cannot measure this machine: {error}") from error


def reading_of(times: object) -> CpuReading:
    """Return the reading that psutil's named times hold; each platform names some of `FIELDS`."""
    return {name: float(getattr(times, name)) for name in FIELDS if hasattr(times, name)}


def cpu_shares(before: CpuReading, after: CpuReading) -> tuple[float, float | None]:
    """Return usage and iowait in percent over the time between; waiting for I/O is no usage.

    Any of the kernel's counters may step back (a CPU is unplugged, a guest moves to another host). Such a step
    counts as none, each field by itself, as in top; the whole is what is left.
    """
    spans = {name: max(0.0, after[name] - before.get(name, 0.0)) for name in after}
    whole = sum(spans.values())
    iowait = spans.get("iowait")
    usage = percent(whole - spans.get("idle", 0.0) - (iowait or 0.0), whole)
    return usage, None if iowait is None else percent(iowait, whole)
