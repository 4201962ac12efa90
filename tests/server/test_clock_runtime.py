"""A whole receiver whose machine's clock is set: while it runs, and while it is off."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.tiers import DAY_MS, HOUR_MS
from store.writer import wall_clock_ms
from tests.server.test_runtime import PATIENCE_S, Served, until

SECOND_MS = 1_000


class Machine:
    """The machine's clock, and the receiver on it."""

    def __init__(self, folder: Path) -> None:
        """Begin with the right time."""
        self.skew_ms = 0
        self.path = folder / "a.db"
        self._served: list[Served] = []

    def wall(self) -> int:
        """Return the time of day."""
        return wall_clock_ms() + self.skew_ms

    def start(self) -> Served:
        """Start a receiver."""
        self._served.append(Served(self.path))
        return self._served[-1]

    def stop(self) -> None:
        """Stop it."""
        for served in self._served:
            served.thread.stop()
            assert served.thread.wait(PATIENCE_S)
            assert served.thread.failure is None
        self._served.clear()

    def ages_ms(self, query: str = "SELECT at FROM sample ORDER BY network_rx_bytes, at") -> list[int]:
        """Return how long ago stored times are."""
        now, connection = self.wall(), sqlite3.connect(self.path)
        try:
            return [now - row[0] for row in connection.execute(query)]
        finally:
            connection.close()

    def steps(self) -> int:
        """Return how often it was told that the clock was set."""
        return len(self.ages_ms("SELECT at FROM event WHERE kind = 'clock_set'"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine whose receiver looks at its clock all the time."""
    made = Machine(tmp_path)
    monkeypatch.setattr("server.intake.wall_clock_ms", made.wall)
    monkeypatch.setattr("server.clock_steps.LOOK_EVERY_S", 0.01)
    yield made
    made.stop()


@pytest.mark.parametrize("skew_ms", [8 * HOUR_MS, 365 * DAY_MS])
@pytest.mark.parametrize("restart", [False, True])
def test_history_goes_on_once_a_clock_that_was_ahead_is_right(machine: Machine, skew_ms: int, restart: bool) -> None:
    machine.skew_ms = skew_ms
    served = machine.start()
    (made,) = served.call("create", names=["web-1"])
    for _ in range(3):
        assert served.report(made["agent_key"]) == 200
    if restart:
        machine.stop()
    machine.skew_ms = 0
    if restart:
        served = machine.start()
    until(lambda: machine.steps() == 1 and min(machine.ages_ms()) >= 0)
    assert served.report(made["agent_key"]) == 200
    ages = machine.ages_ms()
    assert len(ages) == 4
    assert 0 <= ages[-1] < ages[0] < PATIENCE_S * SECOND_MS
    assert 0 <= machine.ages_ms("SELECT status_since FROM latest")[0] < PATIENCE_S * SECOND_MS
    assert machine.wall() - served.call("receiver")["since"] < PATIENCE_S * SECOND_MS
    assert served.verdicts() == ["pending", "up"]


def test_a_receiver_that_starts_in_1970_gets_its_times_right_once_the_clock_is(machine: Machine) -> None:
    machine.skew_ms = 7_000 - wall_clock_ms()
    served = machine.start()
    (made,) = served.call("create", names=["web-1"])
    assert served.report(made["agent_key"]) == 200
    until(lambda: machine.steps() == 1)
    machine.skew_ms = 0
    until(lambda: machine.steps() == 2 and min(machine.ages_ms()) < PATIENCE_S * SECOND_MS)
    assert served.report(made["agent_key"]) == 200
    assert len(machine.ages_ms()) == 2
    assert machine.wall() - served.call("receiver")["since"] < PATIENCE_S * SECOND_MS


def test_a_pause_does_not_end_by_a_leap_of_the_clock(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.clock_steps.LOOK_EVERY_S", 0.3)  # others look at the clock many times before
    served = machine.start()
    served.call("create", names=["web-1"])
    served.call("pause", name="web-1", for_s=7_200.0)
    machine.skew_ms = 10 * DAY_MS
    until(lambda: machine.steps() == 1 and -machine.ages_ms("SELECT paused_until FROM monitor")[0] > HOUR_MS)
    assert served.status("web-1") == "paused"
    assert served.verdicts() == ["pending", "paused"]
