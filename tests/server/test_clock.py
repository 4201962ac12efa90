"""Which time of day is believed, and which steps of it are noticed."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import EARLIEST_MS, SETTLING_S, TOLERANCE_MS, ReceiverClock, Step, steady_s
from tests.conftest import START_MS

YEAR_MS = 365 * 86_400_000


@dataclass
class Machine:
    """A machine with a time of day (ms) that can be set, up for some seconds."""

    ms: int = START_MS
    up_s: float = 1e5

    def wall(self) -> int:
        """Return the time of day."""
        return self.ms

    def steady_s(self) -> float:
        """Return the seconds since the start."""
        return self.up_s

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.ms += round(seconds * 1000)
        self.up_s += seconds


def begun(machine: Machine, newest: int | None = None) -> ReceiverClock:
    clock = ReceiverClock(machine.wall, machine.steady_s)
    clock.begin(newest)
    return clock


@pytest.mark.parametrize("by_ms", [-YEAR_MS, -8 * 3_600_000, -TOLERANCE_MS - 1, TOLERANCE_MS + 1, 864_000_000, YEAR_MS])
def test_a_step_is_noticed_once_and_measured(by_ms: int) -> None:
    machine = Machine()
    clock = begun(machine, START_MS)
    machine.wait(60)
    machine.ms += by_ms
    assert clock.look(0) == Step(machine.ms, by_ms)
    machine.wait(1)
    assert clock.look(0) is None
    assert clock.now() == machine.ms


@pytest.mark.parametrize("by_ms", [-YEAR_MS, -TOLERANCE_MS - 1, TOLERANCE_MS + 1, YEAR_MS])
def test_time_leaps_only_when_the_step_is_noticed(by_ms: int) -> None:
    machine = Machine()
    clock = begun(machine)
    machine.wait(60)
    machine.ms += by_ms
    assert clock.now() == START_MS + 60_000
    clock.look(0)
    assert clock.now() == machine.ms


@given(st.lists(st.integers(min_value=-2_000, max_value=2_000), max_size=20))
def test_a_clock_that_is_kept_right_is_no_news(steps: list[int]) -> None:
    machine = Machine()
    clock = begun(machine)
    for step in steps:
        machine.wait(1)
        machine.ms += step
        assert clock.look(0) is None


def test_many_small_steps_back_are_noticed_by_what_is_stored() -> None:
    machine = Machine()
    clock = begun(machine)
    for _ in range(3):
        machine.ms -= 2_000
        found = clock.look(START_MS)
    assert found == Step(machine.ms, -6_000, measured=False)


def test_time_that_the_machine_slept_is_no_step() -> None:
    machine = Machine()
    clock = begun(machine)
    machine.wait(86_400)
    assert clock.look(0) is None


def test_a_look_that_was_interrupted_is_left_to_the_next() -> None:
    machine = Machine()

    def interrupted() -> int:
        machine.wait(30)
        return machine.ms

    clock = ReceiverClock(interrupted, machine.steady_s)
    clock.begin(None)
    assert clock.look(0) is None


def test_a_clock_before_2024_is_not_believed_and_time_goes_on_from_what_is_stored() -> None:
    machine = Machine(ms=20_000)
    clock = begun(machine, START_MS)
    machine.wait(30)
    assert clock.now() == START_MS + 30_001
    told = clock.look(START_MS)
    assert told is not None
    assert not told.believed
    assert clock.look(START_MS) is None
    machine.ms = START_MS + 864_000_000
    assert clock.look(START_MS) == Step(machine.ms, 864_000_000 - 30_001, guessed_since=START_MS + 1)
    assert clock.now() == machine.ms


def test_a_clock_that_goes_back_to_1970_while_it_runs_is_not_followed() -> None:
    machine = Machine()
    clock = begun(machine)
    machine.ms = 0
    assert clock.now() == START_MS
    machine.wait(5)
    assert clock.now() == START_MS + 5_000
    told = clock.look(START_MS)
    assert told is not None
    assert (told.believed, told.by_ms) == (False, -START_MS)
    machine.ms = START_MS + 7_000
    machine.up_s += 2
    assert clock.look(START_MS) is None


def test_a_clock_that_is_behind_what_is_stored_is_believed_once_the_machine_had_time_to_set_it() -> None:
    machine = Machine(ms=START_MS - 3_600_000, up_s=30)
    clock = begun(machine, START_MS)
    assert clock.now() == START_MS + 1
    machine.wait(SETTLING_S - 31)
    assert clock.now() == START_MS + 89_001
    machine.wait(1)
    found = clock.look(START_MS)
    assert found is not None
    assert found.by_ms == -3_600_001
    assert clock.now() == machine.ms


def test_a_machine_without_history_goes_by_its_clock_whatever_it_says() -> None:
    machine = Machine(ms=7_000)
    clock = begun(machine, None)
    assert clock.now() == 7_000
    machine.ms = START_MS
    found = clock.look(0)
    assert found is not None
    assert (found.by_ms, found.guessed_since) == (START_MS - 7_000, 7_000)
    assert EARLIEST_MS < START_MS


def test_the_steady_clock_goes_on() -> None:
    assert 0 < steady_s() <= steady_s()
