"""Fixtures of the agents' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.receiver import Receiver, running
from tests.agent.shells import FLAVOURS, Box, make_box


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes every report."""
    with running() as server:
        yield server


@pytest.fixture(params=FLAVOURS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    """A machine for agent.sh, once with each of the shells and tools that it shall work with."""
    return make_box(request.param, tmp_path)


@pytest.fixture
def dash(tmp_path: Path) -> Box:
    """A machine for agent.sh with dash, where the shell makes no difference."""
    return make_box("dash", tmp_path)


@pytest.fixture
def bash(tmp_path: Path) -> Box:
    """A machine for agent.sh with bash and GNU wget."""
    return make_box("bash", tmp_path)
