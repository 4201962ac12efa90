"""Both agents, on this machine, at the same moment."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import agent
from agent.figures import UNITS
from agent.run import measure
from tests.agent.shells import need

SCRIPT = Path(agent.__path__[0]) / "agent.sh"
TOLERANCE = {
    "cpu_usage": 25.0,  # the windows differ by what starting costs, on a machine that runs tests
    "cpu_iowait": 25.0,
    "memory_usage": 3.0,
    "swap_usage": 1.0,
    "load_1m": 1.0,
    "load_5m": 0.5,
    "load_15m": 0.5,
    "network_rx_bytes": 50e6,
    "network_tx_bytes": 50e6,
}


def size(text: str) -> float:
    number = text.rstrip(UNITS)
    return float(number) * 1024.0 ** (UNITS.find(text[len(number) :]) + 1 if number != text else 0)


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash"])
def test_both_agents_say_the_same(shell: str) -> None:
    name, *applet = shell.split()
    command = [need(name), *applet, str(SCRIPT), "--print"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        ours: dict[str, Any] = measure(1.0)
        out, _ = process.communicate(timeout=30)
    theirs = json.loads(out)
    assert list(theirs) == list(ours)
    for field, value in ours.items():
        if field in TOLERANCE:
            assert theirs[field] == pytest.approx(value, abs=TOLERANCE[field]), field
        elif field != "disk_usage":
            assert theirs[field] == value, field
    assert [disk["mount"] for disk in theirs["disk_usage"]] == [disk["mount"] for disk in ours["disk_usage"]]
    for mine, other in zip(ours["disk_usage"], theirs["disk_usage"], strict=True):
        assert other["usage"] == pytest.approx(mine["usage"], abs=1)
        for field in ("size", "used", "avail"):
            assert size(other[field]) == pytest.approx(size(mine[field]), rel=0.12), field
