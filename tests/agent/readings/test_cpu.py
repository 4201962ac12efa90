"""CPU usage between two readings."""

from collections import namedtuple

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import MeasureError
from agent.readings.cpu import FIELDS, CpuReading, cpu_shares, read_cpu, reading_of

LinuxTimes = namedtuple("LinuxTimes", "user nice system idle iowait irq softirq steal guest guest_nice")
MacTimes = namedtuple("MacTimes", "user nice system idle")
FreeBsdTimes = namedtuple("FreeBsdTimes", "user nice system idle irq")
WindowsTimes = namedtuple("WindowsTimes", "user system idle interrupt dpc")
seconds = st.floats(0, 1e9)
readings = st.dictionaries(st.sampled_from(FIELDS), seconds)


def linux(*ticks: int) -> CpuReading:
    return reading_of(LinuxTimes(*ticks))


def test_guest_time_is_already_in_user_time() -> None:
    before, after = linux(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), linux(50, 0, 0, 50, 0, 0, 0, 0, 50, 0)
    assert cpu_shares(before, after) == (50.0, 0.0)


def test_waiting_for_io_is_no_usage_but_stolen_time_is() -> None:
    before, after = linux(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), linux(10, 0, 5, 60, 20, 0, 0, 5, 0, 0)
    assert cpu_shares(before, after) == (20.0, 20.0)


@pytest.mark.parametrize(
    ("before", "after", "shares"),
    [
        ((1000, 0, 500, 8000, 400, 0, 0, 0), (1100, 0, 500, 8100, 320, 0, 0, 0), (50.0, 0.0)),
        ((1000, 0, 500, 8000, 400, 0, 0, 0), (1100, 0, 600, 7500, 400, 0, 0, 0), (100.0, 0.0)),
        ((1000, 0, 500, 8000, 400, 0, 0, 800_000_000), (1050, 0, 550, 8100, 400, 0, 0, 0), (50.0, 0.0)),
        ((1000, 0, 500, 8000, 400, 0, 0, 300), (1100, 0, 500, 8050, 450, 0, 0, 200), (50.0, 25.0)),
        ((1000, 50, 500, 8000, 400, 90, 80, 0), (900, 40, 400, 7900, 300, 80, 70, 0), (0.0, 0.0)),
    ],
    ids=["iowait", "idle, hotplug", "steal, old guests", "steal, migration", "all, restart"],
)
def test_a_counter_that_steps_back_counts_as_none_and_spoils_no_other(
    before: tuple[int, ...], after: tuple[int, ...], shares: tuple[float, float]
) -> None:
    assert cpu_shares(linux(*before, 0, 0), linux(*after, 0, 0)) == shares


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MacTimes(0, 0, 0, 0), MacTimes(1, 0, 0, 3)),
        (FreeBsdTimes(1000, 0, 500, 8490, 10), FreeBsdTimes(1030, 0, 515, 8640, 15)),
        (WindowsTimes(10, 10, 100, 5, 5), WindowsTimes(11, 11, 106, 6, 6)),
    ],
    ids=["macos", "freebsd", "windows: interrupts are within system"],
)
def test_a_platform_without_iowait_reports_none(before: object, after: object) -> None:
    assert cpu_shares(reading_of(before), reading_of(after)) == (25.0, None)


def test_no_time_between_readings_is_no_usage() -> None:
    reading = linux(100, 0, 0, 50, 1, 0, 0, 0, 0, 0)
    assert cpu_shares(reading, reading) == (0.0, 0.0)


@given(readings, readings)
def test_whatever_the_counters_do_shares_stay_percentages(before: CpuReading, after: CpuReading) -> None:
    usage, iowait = cpu_shares(before, after)
    assert 0 <= usage <= 100
    assert iowait is None or 0 <= iowait <= 100


def test_this_machine_has_counted_some_time() -> None:
    reading = read_cpu()
    assert 0 < reading["idle"] <= sum(reading.values())


def test_counters_that_cannot_be_read_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", "/nonexistent", raising=False)
    with pytest.raises(MeasureError, match="cannot measure this machine"):
        read_cpu()
