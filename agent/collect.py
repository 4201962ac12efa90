"""One report of this machine, as the receiver takes it, without the key."""

import os

import psutil

from agent.errors import MeasureError
from agent.readings.cpu import CpuReading, cpu_shares
from agent.readings.disks import DiskReader, Note
from agent.readings.memory import read_memory
from agent.readings.names import read_names
from agent.readings.network import read_network

Report = dict[str, object]

_disks = DiskReader()
"""One for the process: it remembers the disks that hang, and the threads that wait for them."""


def collect(before: CpuReading, after: CpuReading, note: Note) -> Report:
    """Return the report as it goes into JSON; CPU usage is that between the two readings.

    What the platform does not count (iowait, load, swap of a machine without any) is left out; `note` gets a line for
    each disk that had to be. Raises MeasureError if something is missing that a report must have.
    """
    usage, iowait = cpu_shares(before, after)
    try:
        memory = read_memory()
    except (OSError, psutil.Error) as error:
        raise MeasureError(f"cannot measure this machine: {error}") from error
    report: Report = {"cpu_usage": usage, "cpu_iowait": iowait, **memory, "disk_usage": read_disks(note)}
    report |= read_network() | read_load() | read_names()
    return {name: value for name, value in report.items() if value is not None}


def read_disks(note: Note) -> list[dict[str, object]]:
    """Return `disk_usage` of this machine; none, and a line to `note`, where it does not tell what is mounted."""
    try:
        return _disks.read(note)
    except (OSError, psutil.Error) as error:
        note(f"all disks are left out: {error}")
        return []


def read_load() -> Report:
    """Return the load averages, where the platform knows them."""
    try:
        values = os.getloadavg()
    except (OSError, AttributeError):
        return {}
    return {name: round(value, 2) for name, value in zip(("load_1m", "load_5m", "load_15m"), values, strict=True)}
