"""Letting a test stand in a zone of its choice."""

import time
from collections.abc import Iterator

import pytest


def stand_in_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> Iterator[None]:
    """Let this machine be in a zone until the generator goes on."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def berlin_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine stand in Berlin, whose rules are written out, since not every machine knows zones by name."""
    yield from stand_in_zone(monkeypatch, "CET-1CEST,M3.5.0,M10.5.0/3")
