"""One report of this machine, as the receiver takes it, without the key."""

import os
import platform
import socket

import psutil

from agent.cpu import CpuReading, cpu_shares
from agent.disks import read_disks
from agent.errors import MeasureError
from agent.figures import percent, valid_text
from agent.network import read_network

Report = dict[str, object]

MIB = 2**20
MAX_TEXT = 255


def collect(before: CpuReading, after: CpuReading) -> Report:
    """Return the report as it goes into JSON; CPU usage is that between the two readings.

    What the platform does not count (iowait, load, swap of a machine without any) is left out. Raises
    MeasureError if something is missing that a report must have.
    """
    usage, iowait = cpu_shares(before, after)
    try:
        report: Report = {"cpu_usage": usage, "cpu_iowait": iowait, **read_memory(), "disk_usage": read_disks()}
        report |= read_network()
    except (OSError, psutil.Error) as error:
        raise MeasureError(f"cannot measure this machine: {error}") from error
    report |= read_load() | read_host()
    return {name: value for name, value in report.items() if value is not None}


def read_memory() -> Report:
    """Return memory usage (what is not available to new programs), its size, and swap usage if there is swap."""
    memory = psutil.virtual_memory()
    swap = psutil.swap_memory()
    return {
        "memory_usage": percent(memory.total - memory.available, memory.total),
        "memory_total_mb": memory.total // MIB,
        "swap_usage": percent(swap.used, swap.total) if swap.total else None,
    }


def read_load() -> Report:
    """Return the load averages, where the platform knows them."""
    try:
        values = os.getloadavg()
    except (OSError, AttributeError):
        return {}
    return {name: round(value, 2) for name, value in zip(("load_1m", "load_5m", "load_15m"), values, strict=True)}


def read_host() -> Report:
    """Return the names of the operating system, the host and the kernel."""
    names = {"os": os_name(), "hostname": socket.gethostname(), "kernel": platform.release()}
    return {name: valid_text(value)[:MAX_TEXT] or None for name, value in names.items()}


def os_name() -> str:
    """Return what the distribution calls itself; elsewhere the system and its version."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, UnicodeDecodeError):
        return "Linux" if platform.system() == "Linux" else f"{platform.system()} {platform.release()}".strip()
