"""What the lines of the server screen promise: columns that stay in place whatever stands in them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment

from store.models import AgentInfo, Monitor, MountUsage, Status
from store.policy import DEFAULT_POLICY, Breach, Level, Policy, make_policy
from tests.tui.standins import NOW, REPORT, hour, monitor
from tui import look
from tui.widgets.course import Course
from tui.widgets.facts import breach_lines, facts, notes, received_line, report_line, settings
from tui.widgets.mounts import by_fullness, heading, mount_columns, mount_line
from tui.widgets.readings import readings

sizes = st.one_of(st.none(), st.text(max_size=32))
mounts = st.builds(MountUsage, st.text(min_size=1), st.floats(0, 100), sizes, sizes, sizes)


def cells(line: list[Segment]) -> int:
    return sum(cell_len(segment.text) for segment in line)


@given(mounts, st.integers(40, 200), st.integers(0, 300))
def test_every_mount_is_as_wide_as_the_heading(mount: MountUsage, width: int, longest: int) -> None:
    columns = mount_columns(width, longest)
    assert cells(mount_line(mount, columns)) == cells(heading(512, columns)) <= width


def test_mounts_are_counted_and_stand_with_the_fullest_first() -> None:
    columns = mount_columns(80, 10)
    assert heading(1, columns)[0].text.startswith("1 mount ")
    assert heading(0, columns)[0].text.startswith("0 mounts ")
    few = (MountUsage("/b", 50.4), MountUsage("/a", 49.6), MountUsage("/c", 99.0))
    assert [mount.mount for mount in by_fullness(few)] == ["/c", "/a", "/b"]


def reading_lines(one: Monitor, width: int) -> list[str]:
    course = Course()
    course.add(hour())
    return readings(one, course, NOW, width).plain.splitlines()


@given(st.integers(40, 200))
def test_readings_are_six_lines_of_one_width_that_fit(width: int) -> None:
    lines = reading_lines(monitor(), width)
    assert len(lines) == 6
    assert len({cell_len(line) for line in lines}) == 1
    assert cell_len(lines[0]) <= width


def test_a_reading_is_coloured_by_its_own_thresholds_and_not_when_it_is_old() -> None:
    course = Course()
    hot = monitor(report=replace(REPORT, cpu_usage=95.0, cpu_iowait=25.0, swap_usage=30.0))
    styles = [str(span.style) for span in readings(hot, course, NOW, 76).spans]
    assert styles.count(look.current.level["critical"]) == 1
    assert styles.count(look.current.level["warn"]) == 1
    old = [str(span.style) for span in readings(replace(hot, status=Status.DOWN), course, NOW, 76).spans]
    assert look.current.level["critical"] not in old
    assert look.current.level["warn"] not in old


@given(st.text(), st.text(), st.text(), st.integers(40, 200))
def test_facts_are_five_lines_that_fit(host: str, system: str, kernel: str, width: int) -> None:
    one = monitor(report=replace(REPORT, hostname=host, os=system, kernel=kernel))
    lines = facts(one, "•" * 24, "v shows it", width).plain.splitlines()
    assert [cell_len(line) for line in lines] == [width] * 5


def test_what_is_unknown_of_a_monitor_is_left_out_of_its_sentences() -> None:
    bare = replace(monitor(), address=None, interval_s=None)
    assert report_line(bare, NOW).plain == "last report 3s ago"
    assert received_line(bare, NOW).plain == "● received 3 s ago"
    assert report_line(monitor(report=None), NOW).plain == "no report yet"
    assert received_line(None, NOW).plain == "○ waiting for the first report…"
    assert settings(replace(bare, settings={"late_after": 7200.0})) == "late after 2h"


def test_an_ignored_mount_has_no_colour() -> None:
    columns = mount_columns(80, 10, forecasts=True)
    mount, ignoring = MountUsage("/cd", 100.0), make_policy({}, {"disk./cd.ignore": 1.0})
    loud = {look.current.level[level] for level in ("warn", "critical")}

    def styles(policy: Policy) -> set[str]:
        return {str(segment.style) for segment in mount_line(mount, columns, policy, ("1h", "critical"))}

    assert styles(DEFAULT_POLICY) & loud
    assert not styles(ignoring) & loud


HOT = Breach("cpu", None, Level.CRITICAL, 93.2, 90.0, NOW - 12 * 60_000)
FULL = Breach("disk", "/[/]\x1b", Level.WARNING, 84.0, 80.0, NOW - 90_000)


def test_a_degraded_server_says_why() -> None:
    degraded = replace(monitor(), status=Status.DEGRADED, breaches=(HOT, FULL))
    cpu, disk = breach_lines(degraded, NOW, 78, 4)
    assert cpu.plain == "▲ CPU 93%, critical from 90%, for 12m"
    assert disk.plain == "▲ disk /[/]\ufffd 84%, warning from 80%, for 1m"
    assert str(cpu.style) == look.current.level["critical"]
    assert [line.plain for line in breach_lines(degraded, NOW, 78, 1)] == [f"{cpu.plain}; also disk /[/]\ufffd"]


def test_what_was_too_high_when_a_server_fell_silent_is_not_said_as_if_it_were_now() -> None:
    assert breach_lines(replace(monitor(), status=Status.DOWN, breaches=(HOT,)), NOW, 78, 4) == []


@given(st.integers(20, 120), st.integers(1, 6))
def test_the_reasons_keep_to_their_lines(width: int, most: int) -> None:
    many = tuple(replace(FULL, mount=f"/srv/volume-{number}") for number in range(40))
    lines = breach_lines(replace(monitor(), status=Status.DEGRADED, breaches=many), NOW, width, most)
    assert len(lines) == most
    assert lines[-1].cell_len <= width


def test_a_rotation_and_a_shared_key_are_said_while_they_last() -> None:
    rotated = replace(monitor(), rotated_at=NOW - 7_200_000)
    assert notes(rotated, NOW, 99, 1).plain == "new key not used yet, rotated 2h ago; the old one still works"
    used = replace(rotated, old_key_used=True)
    assert notes(used, NOW, 99, 1).plain.endswith("; the old one still works and is used")
    shared = replace(monitor(), shared_at=NOW - 300_000)
    assert notes(shared, NOW, 99, 1).plain.startswith("two machines use this key, seen 5m ago")
    assert notes(shared, NOW + 3_600_000, 99, 1).plain == ""
    all_of_it = replace(used, shared_at=NOW, status=Status.DEGRADED, breaches=(HOT, FULL))
    assert [line[:5] for line in notes(all_of_it, NOW, 99, 2).plain.splitlines()] == ["▲ CPU", "two m"]
    assert len(notes(all_of_it, NOW, 99, 6).plain.splitlines()) == 4


def test_an_agent_is_named_behind_the_kernel_and_an_old_one_has_a_note() -> None:
    def kernel(one: Monitor, width: int = 78) -> str:
        return facts(one, "•" * 24, "v shows it", width).plain.splitlines()[2].rstrip()

    assert kernel(replace(monitor(), agent=None)) == "kernel    6.1.0-28-amd64"
    assert kernel(monitor()) == "kernel    6.1.0-28-amd64  agent 0.2.0 (sh, linux)"
    assert notes(monitor(), NOW, 78, 2).plain == ""
    old = replace(monitor(), agent=AgentInfo("0.1.0", "sh", "linux"))
    assert kernel(old) == "kernel    6.1.0-28-amd64  agent 0.1.0 (sh, linux), old"
    assert kernel(old, 40) == "kernel    6.1.0-28-amd64  agent 0.1.0 (…"
    assert notes(old, NOW, 78, 2).plain == "agent 0.1.0 is old: paste the install line again"
    python = replace(monitor(), agent=AgentInfo("0.1.0", "psutil", "linux"))
    assert notes(python, NOW, 78, 2).plain == "agent 0.1.0 is old: upgrade agentmon on it"
    worse = replace(old, shared_at=NOW, rotated_at=NOW)
    assert "is old" not in notes(worse, NOW, 78, 2).plain
    assert notes(worse, NOW, 78, 3).plain.splitlines()[2].startswith("agent 0.1.0 is old")
