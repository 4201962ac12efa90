"""No file is left for another connection: no spin, few log lines, and service again once there is one."""

import resource
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.harness import wait_for
from tests.faults.abuse import MEGABYTE, Siege, Spent, Witness, besieged, held

ALL_TAKEN = 3
"""A limit at which stdin, stdout and stderr leave no number for another file."""

FEW = 160
"""A hard limit under which a thousand connections do not fit."""


@pytest.fixture(params=[False, True], ids=["http", "https"])
def siege(request: pytest.FixtureRequest) -> Iterator[Siege]:
    with besieged(tls=request.param) as siege:
        yield siege


@pytest.fixture(params=[False, True], ids=["http", "https"])
def poor_siege(request: pytest.FixtureRequest) -> Iterator[Siege]:
    with besieged(tls=request.param, wrapper=("sh", "-c", f'ulimit -n {FEW}; exec "$@"', "sh")) as siege:
        yield siege


def test_where_few_files_may_be_open_the_silent_make_room_before_none_is_left(poor_siege: Siege) -> None:
    with poor_siege.watched(memory=40 * MEGABYTE), held([]) as idle:
        for number in range(3 * FEW):
            idle.append(poor_siege.connect(number))
            time.sleep(0.005)
    assert "made room" in poor_siege.served.said()
    assert "no connection accepted" not in poor_siege.served.said()


def test_without_a_single_file_it_neither_spins_nor_floods_the_log_and_comes_back(siege: Siege) -> None:
    process = psutil.Process(siege.served.process.pid)
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    witness = Witness(siege.served.port, siege.key, siege.tls)
    assert witness.report() == ""
    spent = Spent(siege.served)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (ALL_TAKEN, hard))
    with held([siege.connect(number) for number in range(100)]):
        assert spent.cpu(1.0) < 0.2
        assert spent.log < 10_000
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        wait_for("an answer again", lambda: witness.report() == "")
    assert "Traceback" not in siege.served.said()
