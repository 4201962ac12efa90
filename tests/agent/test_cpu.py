"""CPU usage between two readings."""

from collections import namedtuple

from hypothesis import given
from hypothesis import strategies as st

from agent.cpu import CpuReading, cpu_shares, read_cpu, reading_of

LinuxTimes = namedtuple("LinuxTimes", "user nice system idle iowait irq softirq steal guest guest_nice")
MacTimes = namedtuple("MacTimes", "user nice system idle")
seconds = st.floats(0, 1e9)
readings = st.builds(CpuReading, seconds, seconds, st.none() | seconds)


def test_guest_time_is_already_in_user_time() -> None:
    assert reading_of(LinuxTimes(50, 1, 20, 900, 10, 2, 3, 4, 40, 1)) == CpuReading(990, 900, 10)


def test_waiting_for_io_is_no_usage_but_stolen_time_is() -> None:
    before = reading_of(LinuxTimes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    after = reading_of(LinuxTimes(10, 0, 5, 60, 20, 0, 0, 5, 0, 0))
    assert cpu_shares(before, after) == (20.0, 20.0)


def test_a_platform_without_iowait_reports_none() -> None:
    assert cpu_shares(reading_of(MacTimes(0, 0, 0, 0)), reading_of(MacTimes(1, 0, 0, 3))) == (25.0, None)


def test_no_time_between_readings_is_no_usage() -> None:
    reading = CpuReading(100, 50, 1)
    assert cpu_shares(reading, reading) == (0.0, 0.0)


@given(readings, readings)
def test_whatever_the_counters_do_shares_stay_percentages(before: CpuReading, after: CpuReading) -> None:
    usage, iowait = cpu_shares(before, after)
    assert 0 <= usage <= 100
    assert iowait is None or 0 <= iowait <= 100


def test_this_machine_has_counted_some_time() -> None:
    reading = read_cpu()
    assert 0 < reading.idle <= reading.total
