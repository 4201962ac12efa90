"""Shared by all tests: a database made ready, a writer on it, and reports to store."""

import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from store import changes
from store.live import Live, with_status
from store.models import MountUsage, Report, Status
from store.schema import prepare_database
from store.verdicts import Ruling
from store.writer import Writer
from tests.zones import berlin_machine as berlin_machine

Create = Callable[..., Awaitable[list[str]]]

settings.register_profile("explore", deadline=None)
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
"""The same cases each time, so that the suite cannot fail by luck; `--hypothesis-profile=explore` looks further."""

gc.set_threshold(50_000, 20, 20)
"""Seldom: a quarter of the suite's CPU would else be spent on looking for garbage among the modules."""

START_MS = 1_772_366_400_000
"""Sunday, 2026-03-01, noon UTC."""


@dataclass
class Clock:
    """A time of day (ms) and a listening clock (s) that move only when told."""

    ms: int = START_MS
    listening: float = 0.0

    def wall(self) -> int:
        """Return UTC milliseconds."""
        return self.ms

    def listening_s(self) -> float:
        """Return listening seconds."""
        return self.listening

    def advance(self, seconds: float) -> None:
        """Let time pass on both."""
        self.ms += round(seconds * 1000)
        self.listening += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at `START_MS`."""
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A new database, empty and ready."""
    path = tmp_path / "home" / "agentmon.db"
    prepare_database(path)
    return path


@pytest.fixture
async def writer(database: Path, clock: Clock) -> AsyncIterator[Writer]:
    """A writer on the database."""
    opened = await Writer.open(database, clock.wall, clock.listening_s)
    yield opened
    await opened.close()


@pytest.fixture
def create(writer: Writer, clock: Clock) -> Create:
    """Create monitors and return their keys in order."""

    async def make(*names: str) -> list[str]:
        made = await writer.change(partial(changes.create_monitors, names=list(names), now=clock.wall()))
        return [key for _, _, key in made]

    return make


def make_report(**values: object) -> Report:
    """Return a report with every field; `values` replace its fields."""
    fields: dict[str, object] = {
        "cpu_usage": 23.5,
        "cpu_iowait": 1.2,
        "memory_usage": 67.4,
        "memory_total_mb": 8192,
        "swap_usage": 5.0,
        "disk_usage": (
            MountUsage("/", 45.0, "50G", "22G", "28G"),
            MountUsage("/var", 71.25),
        ),
        "network_rx_bytes": 1_234_567_890,
        "network_tx_bytes": 987_654_321,
        "load_1m": 0.5,
        "load_5m": 0.3,
        "load_15m": 0.2,
        "os": "Debian 12",
        "hostname": "web-1",
        "kernel": "6.1.0-13-amd64",
    }
    return Report(**(fields | values))  # type: ignore[arg-type]


def ruled(status: Status, now: int, *ids: int) -> Callable[[Mapping[int, Live]], Ruling]:
    """Return a judge for `Writer.rejudge` that gives monitors (all without `ids`) a status as of `now`."""

    def decide(lives: Mapping[int, Live]) -> Ruling:
        chosen = [live for i, live in lives.items() if i in ids or not ids]
        return Ruling(tuple(with_status(live, status, now) for live in chosen if live.monitor.status is not status))

    return decide


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's agentmon settings and proxies out of the tests."""
    for name in list(os.environ):
        if name.startswith("AGENTMON_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
