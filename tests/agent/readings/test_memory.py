"""Memory and swap by the rules of each system."""

from collections import namedtuple

import psutil
import pytest

from agent.errors import MeasureError, ToolError
from agent.readings import freebsd, macos
from agent.readings.memory import read_memory
from tests.agent.readings.machines import Linux

Memory = namedtuple("Memory", "total available")
Swap = namedtuple("Swap", "total used")

ARC = (
    "9 1 0x01 147 39984 5342107382 99201553415512\n"
    "name                            type data\n"
    "c_min                           4    1073741824\n"
    "size                            4    21474836480\n"
    "data_size                       4    99\n"
)
HOST = {"MemTotal": 33554432, "MemFree": 4000000, "MemAvailable": 4194304}
OLD = {
    "MemTotal": 4000000,
    "MemFree": 1000000,
    "MemAvailable": 0,
    "Buffers": 100000,
    "Cached": 1900000,
    "Active(file)": 900000,
    "Inactive(file)": 900000,
    "SReclaimable": 100000,
    "Shmem": 10000,
}
SHARED = {"MemTotal": 4000000, "MemFree": 500000, "Buffers": 50000, "Cached": 3100000, "Shmem": 2150000}


def meminfo(linux: Linux, figures: dict[str, int]) -> None:
    linux.write("proc/meminfo", "".join(f"{name}: {value:>9} kB\n" for name, value in figures.items()))


@pytest.mark.parametrize(
    ("figures", "usage"),
    [
        (HOST, 87.5),
        (OLD, 27.5),
        ({name: value for name, value in OLD.items() if name != "MemAvailable"}, 27.5),
        (SHARED, 62.5),
        ({"MemTotal": 4000000, "MemFree": 400000, "Buffers": 0, "Cached": 100000, "Shmem": 900000}, 100.0),
        ({"MemTotal": 4000000, "MemFree": 2288000, "MemAvailable": 16000000}, 42.8),
        ({"MemTotal": 4000000, "MemFree": 2288000, "Buffers": 3000000, "Cached": 3000000}, 42.8),
        ({"MemTotal": 4000000, "MemFree": 1000000}, 75.0),
    ],
    ids=["available", "0", "absent", "shmem", "shmem above all", "above total", "estimate above total", "sparse"],
)
def test_usage_is_what_new_programs_cannot_have(linux: Linux, figures: dict[str, int], usage: float) -> None:
    meminfo(linux, figures)
    assert read_memory() == {
        "memory_usage": usage,
        "memory_total_mb": figures["MemTotal"] // 1024,
        "swap_usage": None,
    }


@pytest.mark.parametrize("figures", [{}, {"MemTotal": 0, "MemFree": 5}, {"MemFree": 5}])
def test_a_machine_that_does_not_tell_its_memory_has_no_usage(linux: Linux, figures: dict[str, int]) -> None:
    meminfo(linux, figures)
    with pytest.raises(MeasureError, match="the size of its memory"):
        read_memory()


def test_lines_that_are_no_figures_are_passed_over(linux: Linux) -> None:
    linux.write("proc/meminfo", "\nMemTotal: 1000 kB\nMemAvailable: 250 kB\nx\ny: z\nw:\nHugePages_Total:   0\n")
    assert read_memory()["memory_usage"] == 75.0


@pytest.mark.parametrize(("total", "free", "usage"), [(1000, 875, 12.5), (1000, 1000, 0.0), (0, 0, None)])
def test_swap_is_reported_where_there_is_some(linux: Linux, total: int, free: int, usage: float | None) -> None:
    meminfo(linux, {**HOST, "SwapTotal": total, "SwapFree": free})
    assert read_memory()["swap_usage"] == usage


@pytest.mark.parametrize(
    ("arcstats", "usage"),
    [
        (ARC, 28.1),
        (ARC.replace("21474836480", "1073741824"), 87.5),
        (ARC.replace("21474836480", "1"), 87.5),
        (ARC.replace("21474836480", "2e99"), 87.5),
        (ARC.replace("c_min ", "c_mix "), 87.5),
        ("", 87.5),
        (ARC.replace("21474836480", "99999999999999"), 0.0),
    ],
    ids=["gives back", "at c_min", "below c_min", "no number", "no c_min", "empty", "more than there is"],
)
def test_what_zfs_cache_can_give_back_is_available(linux: Linux, arcstats: str, usage: float) -> None:
    meminfo(linux, HOST)
    linux.write("proc/spl/kstat/zfs/arcstats", arcstats)
    assert read_memory()["memory_usage"] == usage


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("lxcfs /proc/meminfo fuse.lxcfs rw,nosuid 0 0\n", 50.0),
        ("lxcfs @/proc/meminfo fuse.lxcfs rw,nosuid 0 0\n", 50.0),
        ("lxcfs /proc/stat fuse.lxcfs rw 0 0\nlxcfs /var/lib/lxcfs fuse.lxcfs rw 0 0\n", 0.0),
    ],
)
def test_a_container_of_lxc_does_not_count_its_hosts_cache(linux: Linux, line: str, usage: float) -> None:
    meminfo(linux, {"MemTotal": 524288, "MemFree": 1, "MemAvailable": 262144})
    linux.write("proc/spl/kstat/zfs/arcstats", ARC)
    linux.write("proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n" + line)
    assert read_memory()["memory_usage"] == usage


VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                26214.
Pages active:                             300000.
Pages inactive:                           290000.
Pages speculative:                         20000.
Pages throttled:                               0.
Pages wired down:                         200000.
Pages purgeable:                           15000.
"Translation faults":                  123456789.
File-backed pages:                        150000.
Anonymous pages:                          460000.
Pages stored in compressor:               400000.
Pages occupied by compressor:             180000.
"""


def elsewhere(monkeypatch: pytest.MonkeyPatch, system: str, memory: Memory, swap: Swap) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil, "swap_memory", lambda: swap)


def tool(monkeypatch: pytest.MonkeyPatch, place: object, said: str | None) -> None:
    def output_of(*command: str) -> str:
        if said is None:
            raise ToolError(f"{command[0]} is not installed")
        return said

    monkeypatch.setattr(place, "output_of", output_of)


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        (VM_STAT, 78.7),
        (VM_STAT.replace("16384", "4096"), 19.7),
        (VM_STAT.replace("Anonymous", "Other"), 75.0),
        (VM_STAT.replace("page size", "size"), 75.0),
        (None, 75.0),
    ],
    ids=["arm", "intel", "psutil's own without the figures", "no page size", "no vm_stat"],
)
def test_macos_counts_as_activity_monitor_does(monkeypatch: pytest.MonkeyPatch, said: str | None, usage: float) -> None:
    elsewhere(monkeypatch, "Darwin", Memory(17179869184, 17179869184 // 4), Swap(2048, 512))
    tool(monkeypatch, macos, said)
    assert read_memory() == {"memory_usage": usage, "memory_total_mb": 16384, "swap_usage": 25.0}


@pytest.mark.parametrize(
    ("said", "usage"),
    [("9830400000\n524288000\n", 31.5), ("1\n524288000\n", 85.7), ("9830400000\n", 85.7), (None, 85.7)],
    ids=["zfs", "below c_min", "half", "no zfs"],
)
def test_freebsd_has_free_and_inactive_pages_and_zfs_cache(
    monkeypatch: pytest.MonkeyPatch, said: str | None, usage: float
) -> None:
    elsewhere(monkeypatch, "FreeBSD", Memory(17179869184, (200000 + 400000) * 4096), Swap(0, 0))
    tool(monkeypatch, freebsd, said)
    assert read_memory() == {"memory_usage": usage, "memory_total_mb": 16384, "swap_usage": None}


def test_windows_is_as_psutil_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere(monkeypatch, "Windows", Memory(8 * 2**30 + 2**19, 2 * 2**30), Swap(1000, 125))
    assert read_memory() == {"memory_usage": 75.0, "memory_total_mb": 8192, "swap_usage": 12.5}
