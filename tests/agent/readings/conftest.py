"""Fixtures of the readings' tests."""

from pathlib import Path

import pytest

from tests.agent.readings.machines import Linux, linux_in


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Linux:
    """A Linux of files."""
    return linux_in(tmp_path, monkeypatch)
