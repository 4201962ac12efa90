"""The machine that these tests share."""

from collections.abc import Iterator

import pytest

from tests.agent.windows.machine import Windows, a_windows


@pytest.fixture(scope="session")
def shared_windows() -> Iterator[Windows]:
    """A PowerShell that serves all tests of a worker."""
    with a_windows() as machine:
        yield machine


@pytest.fixture
def windows(shared_windows: Windows) -> Windows:
    """An ordinary machine with nothing installed."""
    shared_windows.clean()
    return shared_windows
