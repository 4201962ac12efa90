"""Fixtures of the end-to-end tests."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Served, Station, put_down


@pytest.fixture
def station() -> Iterator[Station]:
    """A corner of the machine for one test; its path is short, since sockets go there."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder:
        yield Station.at(Path(folder))


@pytest.fixture(scope="session")
def shared() -> Iterator[Served]:
    """A receiver for all tests that only add monitors of their own names to it."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder, Station.at(Path(folder)).serving() as served:
        yield served


@pytest.fixture(scope="session", autouse=True)
def rival(shared: Served) -> Iterator[subprocess.Popen[bytes]]:
    """A second `serve` on the shared database, started early since it is patient: it waits 5 s for the lock."""
    command = shared.station.command("serve", "--port", "0")
    process = subprocess.Popen(command, env=shared.station.environ, stderr=subprocess.PIPE)
    with put_down(process), process:
        yield process
