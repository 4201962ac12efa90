"""What the agents may cost the machine that they are on."""

import os
from pathlib import Path

import pytest

from bench.agents import PsutilCost, psutil_cost, shell_cpu_ms, taking
from tests.agent.shells import need

KEY = "amk_" + "0" * 40


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment that names a key file; the receiver is to be added."""
    key = tmp_path / "key"
    key.write_text(KEY + "\n")
    key.chmod(0o600)
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AGENTMON_KEY_FILE": str(key)}


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash"])
def test_a_report_of_agent_sh_takes_less_than_60_ms_of_cpu(environ: dict[str, str], shell: str) -> None:
    need(shell.split()[0])
    with taking() as taker:
        assert shell_cpu_ms(shell, environ | {"AGENTMON_URL": taker.url}) < 60
        assert taker.taken == 1


def test_the_psutil_agent_stays_below_32_mb_and_a_thousandth_of_a_core(environ: dict[str, str]) -> None:
    with taking() as taker:
        cost: PsutilCost = psutil_cost(taker, 2, environ | {"AGENTMON_URL": taker.url})
    assert cost.resident_mb <= cost.peak_mb < 32
    assert 0 < cost.share_at_60_s < 0.001
