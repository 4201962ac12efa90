"""The report of agent.ps1 on machines of Windows that lack, refuse or repeat something."""

from typing import Any

import pytest

from tests.agent.windows.machine import COUNTERS_CLASS, Windows, a_machine, counter

COUNTERS = COUNTERS_CLASS
SOCKETS = [{"LoadPercentage": 30}, {"LoadPercentage": 41}, {"LoadPercentage": None}]
GIB = 2**30


def report(windows: Windows, **classes: object) -> dict[str, Any]:
    windows.machine = a_machine(**classes)
    ended = windows.run("-Print")
    assert ended.code == 0, ended.err
    return ended.report


def test_an_ordinary_machine_gives_a_known_report(windows: Windows) -> None:
    value = report(windows)
    assert value.pop("hostname")
    assert value == {
        "cpu_usage": 25.0,
        "memory_usage": 75.0,
        "memory_total_mb": 8192,
        "swap_usage": 25.0,
        "disk_usage": [{"mount": "C:", "usage": 50.0, "size": "100G", "used": "50G", "avail": "50G"}],
        "network_rx_bytes": 1000,
        "network_tx_bytes": 500,
        "os": "Microsoft Windows 11 Pro",
        "kernel": "10.0.26100",
    }


@pytest.mark.parametrize(
    "held",
    [None, "Access denied ", {"hang": 60}, counter(5, 5), [], {"turns": [counter(9, 9), counter(5, 5)]}],
    ids=["missing", "denied", "hangs", "stands still", "empty", "steps back"],
)
def test_without_counters_the_sockets_tell_the_cpu(windows: Windows, held: object) -> None:
    assert report(windows, **{COUNTERS: held}, Win32_Processor=SOCKETS)["cpu_usage"] == 35.5


@pytest.mark.parametrize("held", [None, "Generic failure ", {"hang": 60}], ids=["missing", "fails", "hangs"])
@pytest.mark.parametrize(
    ("class_name", "fields"),
    [
        ("Win32_PageFileUsage", {"swap_usage"}),
        ("MSFT_NetAdapter", {"network_rx_bytes", "network_tx_bytes"}),
        ("MSFT_NetAdapterStatisticsSettingData", {"network_rx_bytes", "network_tx_bytes"}),
        ("Win32_Volume", set()),
    ],
)
def test_a_reading_that_fails_costs_only_itself(
    windows: Windows, class_name: str, fields: set[str], held: object
) -> None:
    whole = set(report(windows))
    windows.machine = a_machine(**{class_name: held})
    ended = windows.run("-Print")
    assert set(ended.report) == whole - fields
    assert ended.err.startswith(f"agentmon-agent: left out: {class_name} does not answer: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("held", ["Access denied ", "Generic failure ", {"hang": 60}], ids=["denied", "fails", "hangs"])
def test_disks_that_fail_are_named_and_the_report_goes_out(windows: Windows, held: object) -> None:
    windows.machine = a_machine(Win32_LogicalDisk=held, Win32_Volume=held)
    ended = windows.run("-Print")
    assert (ended.code, ended.report["disk_usage"]) == (0, [])
    assert "left out: Win32_LogicalDisk does not answer" in ended.err


def test_letters_come_from_the_volumes_where_drives_do_not_answer(windows: Windows) -> None:
    disks = report(windows, Win32_LogicalDisk={"hang": 60})["disk_usage"]
    assert [disk["mount"] for disk in disks] == ["C:"]


def test_every_question_has_an_end(windows: Windows) -> None:
    calls = windows.run("-Print").calls
    assert [call for call in calls if call.startswith("Win32") and not call.endswith((" for 5 s", " for 4 s"))] == []


def test_all_that_hang_together_stay_within_the_time(windows: Windows) -> None:
    script = "$Clock.Started = [Environment]::TickCount - 14000; $null = Read-Class Win32_Volume"
    assert windows.call(script).calls == ["Win32_Volume for 1 s"]


def test_memory_is_known_without_the_class_of_the_system(windows: Windows) -> None:
    value = report(
        windows,
        Win32_OperatingSystem="Generic failure ",
        Win32_ComputerSystem=[{"TotalPhysicalMemory": 8 * GIB}],
        Win32_PerfFormattedData_PerfOS_Memory=[{"AvailableBytes": 2 * GIB}],
    )
    assert (value["memory_usage"], value["memory_total_mb"], "os" in value) == (75.0, 8192, False)


def test_volumes_in_a_folder_are_disks_and_those_nowhere_are_not(windows: Windows) -> None:
    volumes = [
        {"Name": "C:\\", "DriveLetter": "C:", "DriveType": 3, "Capacity": 100 * GIB, "FreeSpace": 50 * GIB},
        {"Name": "C:\\Data\\", "DriveLetter": None, "DriveType": 3, "Capacity": 8 * GIB, "FreeSpace": 2 * GIB},
        {"Name": "D:\\Mounts\\SQL Logs\\", "DriveLetter": None, "DriveType": 3, "Capacity": GIB, "FreeSpace": 0},
        {"Name": "\\\\?\\Volume{1}\\", "DriveLetter": None, "DriveType": 3, "Capacity": GIB, "FreeSpace": 0},
        {"Name": "C:\\cd\\", "DriveLetter": None, "DriveType": 5, "Capacity": GIB, "FreeSpace": 0},
        {"Name": "C:\\locked\\", "DriveLetter": None, "DriveType": 3, "Capacity": None, "FreeSpace": None},
    ]
    disks = report(windows, Win32_Volume=volumes)["disk_usage"]
    wanted = [("C:", 50.0), ("C:\\Data", 75.0), ("D:\\Mounts\\SQL Logs", 100.0)]
    assert [(disk["mount"], disk["usage"]) for disk in disks] == wanted


def cards(*rows: tuple[str, bool, str | None, int, int]) -> dict[str, object]:
    return {
        "MSFT_NetAdapter": [
            {"Name": name, "HardwareInterface": hardware, "PermanentAddress": address}
            for name, hardware, address, _, _ in rows
        ],
        "MSFT_NetAdapterStatisticsSettingData": [
            {"Name": name, "ReceivedBytes": rx, "SentBytes": tx} for name, _, _, rx, tx in rows
        ],
    }


def test_of_two_cards_with_one_address_the_larger_counts(windows: Windows) -> None:
    value = report(
        windows,
        **cards(
            ("Virtual function", True, "0A", 900, 400),
            ("Synthetic", True, "0A", 1000, 500),
            ("Other", True, "0B", 10, 20),
            ("No address 1", True, None, 1, 1),
            ("No address 2", True, None, 1, 1),
            ("vEthernet (Default Switch)", False, "0C", 7, 7),
        ),
    )
    assert (value["network_rx_bytes"], value["network_tx_bytes"]) == (1012, 522)


def test_more_volumes_than_a_report_holds_leave_the_fullest(windows: Windows) -> None:
    volumes = [
        {"Name": f"C:\\m{n}\\", "DriveType": 3, "Capacity": 1000 * GIB, "FreeSpace": (n + 1) * GIB} for n in range(600)
    ]
    windows.machine = a_machine(Win32_LogicalDisk=[], Win32_Volume=volumes)
    ended = windows.run("-Print")
    disks = ended.report["disk_usage"]
    assert [disk["mount"] for disk in disks] == [f"C:\\m{n}" for n in range(512)]
    assert "88 mounts are left out" in ended.err


def test_names_too_long_for_256_kib_leave_the_fullest(windows: Windows) -> None:
    volumes = [
        {"Name": f"C:\\{n:03}{'я' * 900}\\", "DriveType": 3, "Capacity": 1000 * GIB, "FreeSpace": (n + 1) * GIB}
        for n in range(100)
    ]
    volumes.append({"Name": f"C:\\{'x' * 2000}\\", "DriveType": 3, "Capacity": GIB, "FreeSpace": 0})
    windows.machine = a_machine(Win32_LogicalDisk=[], Win32_Volume=volumes)
    ended = windows.run("-Print")
    assert len(ended.out[0]) < 250_000
    kept = len(ended.report["disk_usage"])
    assert kept > 30
    assert f"{101 - kept} mounts are left out" in ended.err
    assert ended.report["disk_usage"][0]["mount"].startswith("C:\\000")
