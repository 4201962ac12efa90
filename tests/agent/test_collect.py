"""The whole report of a machine."""

import json
import os
import platform
from collections import namedtuple

import psutil
import pytest

from agent.collect import collect, os_name, read_host, read_memory
from agent.cpu import CpuReading
from agent.errors import MeasureError

BEFORE, AFTER = CpuReading(0, 0, 0), CpuReading(100, 75, 5)
Memory = namedtuple("Memory", "total available")
Swap = namedtuple("Swap", "total used")
NUMBERS = {
    "cpu_usage": float,
    "cpu_iowait": float,
    "memory_usage": float,
    "memory_total_mb": int,
    "network_rx_bytes": int,
    "network_tx_bytes": int,
    "load_1m": float,
    "load_5m": float,
    "load_15m": float,
}


def test_a_report_of_this_machine_has_the_fields_and_types_that_are_taken() -> None:
    report = collect(BEFORE, AFTER)
    assert (report["cpu_usage"], report["cpu_iowait"]) == (20.0, 5.0)
    assert report.items() >= {"kernel": platform.release()}.items()
    for name, kind in NUMBERS.items():
        assert isinstance(report[name], kind), name
    assert set(report) <= {*NUMBERS, "swap_usage", "disk_usage", "os", "hostname", "kernel"}
    disks = report["disk_usage"]
    assert isinstance(disks, list)
    assert "/" in [disk["mount"] for disk in disks]
    json.dumps(report, allow_nan=False)


def test_memory_usage_is_what_new_programs_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8 * 2**30 + 2**19, 2 * 2**30))
    monkeypatch.setattr(psutil, "swap_memory", lambda: Swap(1000, 125))
    assert read_memory() == {"memory_usage": 75.0, "memory_total_mb": 8192, "swap_usage": 12.5}


def test_a_machine_without_swap_reports_none_rather_than_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "swap_memory", lambda: Swap(0, 0))
    assert "swap_usage" not in collect(BEFORE, AFTER)


def test_what_a_platform_does_not_count_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg")
    report = collect(CpuReading(0, 0, None), CpuReading(100, 75, None))
    assert not {"load_1m", "load_5m", "load_15m", "cpu_iowait"} & set(report)


def test_a_figure_that_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise PermissionError(13, "Permission denied", "/proc/meminfo")

    monkeypatch.setattr(psutil, "virtual_memory", fails)
    with pytest.raises(MeasureError, match="cannot measure this machine") as raised:
        collect(BEFORE, AFTER)
    assert "\n" not in str(raised.value)


def test_host_facts_are_cut_to_what_a_receiver_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.collect.os_name", lambda: "x" * 300)
    monkeypatch.setattr("socket.gethostname", lambda: "a\udcffb")
    assert read_host().items() >= {"os": "x" * 255, "hostname": "a\ufffdb"}.items()


def test_a_system_without_os_release_still_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise FileNotFoundError

    monkeypatch.setattr(platform, "freedesktop_os_release", missing)
    assert os_name() == "Linux"
