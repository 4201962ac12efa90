"""Tables for people: columns stand below each other in the cells of a terminal, whatever the names are made of."""

from collections.abc import Sequence
from datetime import UTC

import pytest
from rich.cells import cell_len

from agentmon.events import Table
from agentmon.notify import channel_table
from agentmon.tables import monitor_table
from store.channels import Channel, ChannelKind
from store.events import Event, EventKind
from store.models import Monitor, Status
from store.policy import Level
from tests.conftest import START_MS

NAMES = ("日本語サーバー", "db-🐘-1", "cafe\u0301", "x" * 40, "❤️-1", "web\u202e1", "a", "한" * 30)


def columns(lines: Sequence[str], word: str) -> set[int]:
    """Return the cells at which a word begins in each line."""
    return {cell_len(line[: line.index(word)]) for line in lines}


def monitor(name: str) -> Monitor:
    """Return a monitor that has not reported."""
    return Monitor(id=1, name=name, status=Status.PENDING, status_since=START_MS, created_at=START_MS, seq=1)


def test_monitors_of_any_names_align() -> None:
    lines = monitor_table([monitor(name) for name in NAMES], START_MS)
    assert len(columns(lines, "no report yet")) == 1


def test_events_of_any_names_align_and_those_that_follow_too(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(UTC)
    table.show([Event(EventKind.DELETED, START_MS, 1, name) for name in NAMES])
    table.show([Event(EventKind.DELETED, START_MS, 1, "late"), Event(EventKind.DELETED, START_MS)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(NAMES) + 2
    assert len(columns(lines, "deleted")) == 1


def test_channels_of_any_names_and_targets_align() -> None:
    channels = [
        Channel(i, name, ChannelKind.APPRISE, f"ntfy://{name}/****", Level.WARNING, START_MS)
        for i, name in enumerate(NAMES)
    ]
    lines = channel_table(channels, UTC)
    assert len(columns(lines, "warning")) == 1
    assert len(columns(lines, "nothing sent yet")) == 1
