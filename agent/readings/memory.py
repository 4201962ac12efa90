"""Memory that new programs cannot have, and swap."""

from collections.abc import Mapping

import psutil

from agent.errors import MeasureError, ToolError
from agent.figures import percent
from agent.readings import freebsd, macos
from agent.readings.mount_table import kernel_table
from agent.system import proc, this_system

MIB = 2**20
KIB = 2**10


def read_memory() -> dict[str, object]:
    """Return memory usage, its size, and swap usage if there is swap; raises MeasureError."""
    if this_system() == "linux":
        figures = read_meminfo()
        total, available = figures.get("MemTotal", 0), available_kib(figures) * KIB
        total *= KIB
        swap = figures.get("SwapTotal", 0), figures.get("SwapTotal", 0) - figures.get("SwapFree", 0)
        available += linux_zfs_cache()
    else:
        total, available = _read_elsewhere()
        measured = psutil.swap_memory()
        swap = measured.total, measured.used
    if total <= 0:
        raise MeasureError("cannot measure this machine: it does not tell the size of its memory")
    return {
        "memory_usage": percent(total - available, total),
        "memory_total_mb": total // MIB,
        "swap_usage": percent(swap[1], swap[0]) if swap[0] > 0 else None,
    }


def _read_elsewhere() -> tuple[int, int]:
    """Return all memory and what is available, in bytes; psutil's own rule is right but for macOS and ZFS' cache."""
    memory = psutil.virtual_memory()
    system = this_system()
    if system == "macos":
        try:
            return memory.total, memory.total - macos.memory_used()
        except ToolError:
            return memory.total, memory.available
    return memory.total, memory.available + (freebsd.zfs_cache() if system == "freebsd" else 0)


def read_meminfo() -> dict[str, int]:
    """Return the figures of Linux' meminfo, in KiB but for those that are counts."""
    figures = {}
    for line in (proc() / "meminfo").read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if (words := value.split()) and words[0].isdecimal():
            figures[name] = int(words[0])
    return figures


def available_kib(figures: Mapping[str, int]) -> int:
    """Return what new programs can have without swapping, as `free` does.

    Where the kernel does not say (before 3.14), or says 0 (some that were ported to new machines), it is estimated as
    the kernel does, but for its reserves. Memory shared by programs (Shmem) is in Cached, and is not to be had.
    """
    available = figures.get("MemAvailable", 0)
    if available <= 0:
        if "Active(file)" in figures and "Inactive(file)" in figures:
            cache = figures["Active(file)"] + figures["Inactive(file)"]
        else:
            cache = figures.get("Buffers", 0) + figures.get("Cached", 0) - figures.get("Shmem", 0)
        available = max(0, figures.get("MemFree", 0) + cache + figures.get("SReclaimable", 0))
    # In some containers the figures are of two machines: then only what is free is believed.
    return available if available <= figures.get("MemTotal", 0) else figures.get("MemFree", 0)


def linux_zfs_cache() -> int:
    """Return the bytes that ZFS' cache gives back when programs need them; the kernel counts them as used.

    In a container with lxcfs they are the host's, while meminfo is the container's.
    """
    try:
        stats = (proc() / "spl/kstat/zfs/arcstats").read_text(encoding="ascii", errors="replace")
        if _has_lxcfs():
            return 0
        rows = (line.split() for line in stats.splitlines())
        values = {row[0]: int(row[2]) for row in rows if len(row) == 3 and row[2].isdecimal()}
        return max(0, values["size"] - values["c_min"])
    except (OSError, KeyError):
        return 0


def _has_lxcfs() -> bool:
    """Return whether lxcfs gives this container a meminfo of its own."""
    points = ("/proc/meminfo", f"{proc()}/meminfo")
    return any(row[1] in points and row[2] == "fuse.lxcfs" for row in kernel_table())
