"""The whole report of a machine."""

import json
import os
import platform
from pathlib import Path

import psutil
import pytest

from agent.collect import collect
from agent.errors import MeasureError

BEFORE = {"user": 0.0, "idle": 0.0, "iowait": 0.0}
AFTER = {"user": 20.0, "idle": 75.0, "iowait": 5.0}
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
    report = collect(BEFORE, AFTER, print)
    assert (report["cpu_usage"], report["cpu_iowait"]) == (20.0, 5.0)
    assert report.items() >= {"kernel": platform.release()}.items()
    for name, kind in NUMBERS.items():
        assert isinstance(report[name], kind), name
    assert set(report) <= {*NUMBERS, "swap_usage", "disk_usage", "os", "hostname", "kernel"}
    disks = report["disk_usage"]
    assert isinstance(disks, list)
    assert "/" in [disk["mount"] for disk in disks]
    json.dumps(report, allow_nan=False)


def test_what_a_platform_does_not_count_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg")
    report = collect({"idle": 0.0}, {"idle": 1.0}, print)
    assert not {"load_1m", "load_5m", "load_15m", "cpu_iowait"} & set(report)


def test_memory_that_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", "/nonexistent", raising=False)
    with pytest.raises(MeasureError, match="cannot measure this machine") as raised:
        collect(BEFORE, AFTER, print)
    assert "\n" not in str(raised.value)


def test_no_other_reading_costs_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 4096 kB\nMemAvailable: 1024 kB\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"), raising=False)
    monkeypatch.delattr(os, "getloadavg")
    notes: list[str] = []
    report = collect(BEFORE, AFTER, notes.append)
    assert report == {
        "cpu_usage": 20.0,
        "cpu_iowait": 5.0,
        "memory_usage": 75.0,
        "memory_total_mb": 4,
        "disk_usage": [],
        "os": "Linux",
        "hostname": report["hostname"],
        "kernel": platform.release(),
    }
    assert [note.partition(":")[0] for note in notes] == ["all disks are left out"]
