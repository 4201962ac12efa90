"""A machine that passes for Windows: a PowerShell that runs agent.ps1 as often as asked, with stand-ins around it."""

import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.scripts import read_script
from tests.agent.shells import lacking

CHECKOUT = Path(__file__).parents[3]
STANDIN = Path(__file__).with_name("standin.ps1")

LONGEST_RUN_S = 60

Machine = dict[str, Any]

COUNTERS_CLASS = "Win32_PerfRawData_Counters_ProcessorInformation"


def counter(at_100ns: int, idle_100ns: int) -> list[dict[str, object]]:
    """Return the row that the performance counters hold of all CPUs."""
    return [{"Name": "_Total", "Timestamp_Sys100NS": at_100ns, "PercentProcessorTime": idle_100ns}]


def a_machine(**classes: object) -> Machine:
    """Return what Windows says of an ordinary machine, but for these classes; None leaves one out."""
    gib = 2**30
    machine: Machine = {
        "Win32_OperatingSystem": [
            {
                "Caption": "Microsoft Windows 11 Pro ",
                "Version": "10.0.26100",
                "TotalVisibleMemorySize": 8388608,
                "FreePhysicalMemory": 2097152,
            }
        ],
        COUNTERS_CLASS: {"turns": [counter(1_000_000_000, 500_000_000), counter(1_010_000_000, 507_500_000)]},
        "Win32_LogicalDisk": [
            {"DeviceID": "C:", "DriveType": 3, "Size": 100 * gib, "FreeSpace": 50 * gib},
            {"DeviceID": "E:", "DriveType": 3, "Size": None, "FreeSpace": None},
            {"DeviceID": "Z:", "DriveType": 4, "Size": gib, "FreeSpace": 0},
        ],
        "Win32_Volume": [
            {"Name": "C:\\", "DriveLetter": "C:", "DriveType": 3, "Capacity": 100 * gib, "FreeSpace": 50 * gib}
        ],
        "Win32_PageFileUsage": [{"AllocatedBaseSize": 1000, "CurrentUsage": 250}],
        "MSFT_NetAdapter": [{"Name": "Ethernet", "HardwareInterface": True, "PermanentAddress": "0A"}],
        "MSFT_NetAdapterStatisticsSettingData": [{"Name": "Ethernet", "ReceivedBytes": 1000, "SentBytes": 500}],
    }
    return {name: value for name, value in (machine | classes).items() if value is not None}


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, what it printed, what it asked of Windows, and the tasks that are there."""

    code: int
    out: list[str]
    err: str
    calls: list[str]
    tasks: dict[str, str]
    protocol: int

    @property
    def report(self) -> dict[str, Any]:
        """The report that it printed."""
        value = json.loads(self.out[0])
        assert isinstance(value, dict)
        return value


@dataclass
class Windows:
    """The machine; its folders lie below `root`."""

    root: Path
    process: subprocess.Popen[str]
    machine: Machine = field(default_factory=a_machine)

    @property
    def data(self) -> Path:
        """Where settings and the last outcome are kept."""
        return self.root / "ProgramData/agentmon-agent"

    @property
    def programs(self) -> Path:
        """Where the script is kept."""
        return self.root / "Program Files/agentmon-agent"

    @property
    def script(self) -> Path:
        """The script as it was downloaded."""
        return self.root / "agent.ps1"

    def clean(self) -> None:
        """Make the machine new again."""
        for folder in ("Program Files", "ProgramData", "Windows"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
            (self.root / folder).mkdir()
        self.machine = a_machine()
        self.ask(call="1", fresh=True)

    def run(self, *args: str, user: str = "administrator", **environ: str) -> Ended:
        """Run the script with these arguments and variables."""
        return self.ask(args=args, user=user, env=environ)

    def call(self, words: str) -> Ended:
        """Run some words of PowerShell that may call the script's functions."""
        return self.ask(call=f". '{self.script}'\n{words}")

    def ask(self, **run: Any) -> Ended:
        """Run something; see standin.ps1 for what it takes."""
        assert self.process.stdin and self.process.stdout
        wanted: Mapping[str, Any] = {"user": "administrator", "env": {}, "args": [], "script": str(self.script)} | run
        self.process.stdin.write(json.dumps({"machine": self.machine} | dict(wanted)) + "\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], LONGEST_RUN_S)
        line = self.process.stdout.readline() if readable else ""
        assert line, "the PowerShell has ended, or does not answer"
        return Ended(**json.loads(line))


def powershell() -> str:
    """Return the path of a PowerShell; without one the test is skipped, or fails where all tools must be."""
    shared = CHECKOUT.parent / "shared/tools/pwsh/pwsh"
    candidates = (os.environ.get("AGENTMON_TEST_PWSH"), str(shared), shutil.which("pwsh"))
    found = next((path for path in candidates if path and os.access(path, os.X_OK)), None)
    return found or lacking("no PowerShell: set AGENTMON_TEST_PWSH to the path of a pwsh")


@contextmanager
def a_windows() -> Iterator[Windows]:
    """Start such a machine; it costs two seconds, so let many tests share it."""
    with tempfile.TemporaryDirectory(prefix="windows-") as folder:
        root = Path(folder)
        command = [powershell(), "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(STANDIN), str(root)]
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "POWERSHELL_TELEMETRY_OPTOUT": "1", "NO_COLOR": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=environ, text=True, **pipes) as process:  # type: ignore[call-overload]
            machine = Windows(root, process)
            machine.script.write_bytes(read_script("agent.ps1"))
            yield machine
            process.stdin.close()
