"""`status --line`, and what `status` and `monitor show` say of limits and keys."""

import json
import re
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agentmon.output import monitor_fields, settings_fields
from agentmon.tables import STATUS_LINE_CELLS, breach_words, monitor_lines, monitor_table, status_line
from store.models import AgentInfo, Monitor, Status
from store.policy import Breach, Level, make_policy
from tests.agentmon.conftest import Run
from tests.conftest import START_MS, make_report

CPU = Breach("cpu", None, Level.CRITICAL, 93.4, 90.0, START_MS - 60_000)
VAR = Breach("disk", "/var", Level.CRITICAL, 97.0, 90.0, START_MS)
SWAP = Breach("swap", None, Level.WARNING, 61.0, 60.0, START_MS)
LOAD = Breach("load", None, Level.WARNING, 4.25, 4.0, START_MS)


def monitor(name: str, status: Status = Status.UP, **changes: Any) -> Monitor:
    return replace(Monitor(1, name, START_MS, status, START_MS, 1), **changes)


def fleet(**counts: int) -> list[Monitor]:
    """Return so many monitors of each status, named after it."""
    return [monitor(f"{status}-{n}", Status(status)) for status, count in counts.items() for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("monitors", "line"),
    [
        (fleet(up=48), "48 up"),
        (fleet(up=48, late=1, down=2), "48 up, 1 late, 2 down: down-1, down-2"),
        (fleet(up=1, degraded=1, pending=2, paused=3), "1 up, 2 pending, 3 paused, 1 degraded: degraded-1"),
        (fleet(degraded=3, late=1), "3 degraded, 1 late: late-1"),
        (fleet(paused=1), "1 paused"),
        ([], "no monitors"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_counts_all_and_names_the_worst(monitors: list[Monitor], line: str) -> None:
    assert status_line(monitors) == line


@pytest.mark.parametrize(
    ("monitors", "line"),
    [
        (fleet(up=48), "no receiver (48 up when last stored)"),
        (fleet(up=1, down=1), "no receiver (1 up, 1 down when last stored)"),
        ([], "no receiver (no monitors)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_without_a_receiver_says_that_first(monitors: list[Monitor], line: str) -> None:
    assert status_line(monitors, trouble="no receiver") == line


def test_names_beyond_the_line_are_counted() -> None:
    line = status_line(fleet(up=1, down=40))
    assert line == "1 up, 40 down: down-1, down-2, down-3, down-4, down-5, down-6 and 34 more"
    assert len(line) <= STATUS_LINE_CELLS


def test_a_name_beyond_the_line_is_cut_by_its_cells() -> None:
    wide = monitor("机" * 64, Status.DOWN)
    line = status_line([wide, *fleet(down=9)])
    assert re.fullmatch("10 down: 机+… and 9 more", line)
    assert STATUS_LINE_CELLS - 1 <= cell_len(line) <= STATUS_LINE_CELLS


def test_a_name_steers_neither_a_terminal_nor_tmux() -> None:
    line = status_line([monitor("\x1b[31m\n#[bg=red]#(reboot)#H", Status.DOWN)])
    assert line.isprintable()
    assert "#" not in line
    assert "[bg=red]" in line


@given(
    st.lists(st.tuples(st.text(max_size=64), st.sampled_from(Status)), max_size=60),
    st.sampled_from([1, 10, 100]),
    st.sampled_from([None, "no receiver", "nothing is stored"]),
)
def test_a_line_is_one_safe_line_that_fits(named: list[tuple[str, Status]], times: int, trouble: str | None) -> None:
    line = status_line([monitor(name, status) for name, status in named] * times, trouble=trouble)
    assert line
    assert cell_len(line) <= STATUS_LINE_CELLS
    assert not set("\n\r\x1b#") & set(line)


def test_the_line_goes_to_stdout_with_the_usual_exit_code(run: Run) -> None:
    run("monitor", "create", "a", "b")
    run("monitor", "pause", "b")
    ran = run("status", "--line")
    assert (ran.code, ran.out) == (3, "no receiver (1 pending, 1 paused when last stored)\n")
    assert "no receiver is running" in ran.err
    assert run("status", "--line", "b").out == "no receiver (1 paused when last stored)\n"


def test_a_line_that_cannot_tell_says_so_where_it_is_seen(run: Run) -> None:
    ran = run("status", "--line")
    assert (ran.code, ran.out) == (3, "status unknown\n")
    assert "there is no database" in ran.err
    run("monitor", "create", "a")
    assert run("status", "--line", "nobody").out == "status unknown\n"


def test_a_line_is_no_json(run: Run) -> None:
    ran = run("status", "--line", "--json")
    assert (ran.code, ran.out) == (2, "")


def test_what_is_too_high_is_told_by_level() -> None:
    assert breach_words([CPU, VAR, SWAP, LOAD]) == "critical: CPU 93%, disk /var 97%; warning: swap 61%, load 4.2"
    assert breach_words([CPU] * 8) == "critical: CPU 93%, CPU 93%, CPU 93%, CPU 93%, CPU 93% and 3 more"


def test_status_says_why_a_server_is_degraded_and_only_then() -> None:
    degraded = monitor("web-1", Status.DEGRADED, report=make_report(), breaches=(CPU, SWAP))
    assert monitor_table([degraded], START_MS)[0].endswith("/var 71%  critical: CPU 93%; warning: swap 61%")
    assert "critical" not in monitor_table([replace(degraded, status=Status.DOWN)], START_MS)[0]


def test_an_ignored_mount_is_not_named_as_the_fullest() -> None:
    one = monitor("web-1", Status.UP, report=make_report(), policy=make_policy({}, {"disk./var.ignore": 1.0}))
    assert monitor_table([one], START_MS)[0].endswith("/ 45%")


def test_breaches_stand_in_json_with_iso_times() -> None:
    fields = monitor_fields(monitor("web-1", breaches=(CPU, VAR)), START_MS)
    assert json.loads(json.dumps(fields))["breaches"] == [
        {
            "metric": "cpu",
            "mount": None,
            "level": "critical",
            "value": 93.4,
            "limit": 90.0,
            "since": "2026-03-01T11:59:00.000Z",
        },
        {
            "metric": "disk",
            "mount": "/var",
            "level": "critical",
            "value": 97.0,
            "limit": 90.0,
            "since": "2026-03-01T12:00:00.000Z",
        },
    ]
    assert monitor_fields(monitor("web-1"), START_MS)["breaches"] == []


def test_show_lists_own_limits_what_is_too_high_and_a_rotation_that_is_pending() -> None:
    settings = {"cpu.warn": 70.0, "disk./var.crit": "off", "down_after": 900.0}
    lines = monitor_lines(
        monitor("web-1", settings=settings, breaches=(CPU,), rotated_at=START_MS, old_key_used=True), START_MS, UTC
    )
    rows = dict(line.split("  ", 1) for line in lines)
    assert {name: rows[name].strip() for name in ("cpu.warn", "disk./var.crit", "rotated_at", "old_key_used")} == {
        "cpu.warn": "70",
        "disk./var.crit": "off",
        "rotated_at": "2026-03-01 12:00:00Z",
        "old_key_used": "yes",
    }
    assert rows["critical"].strip() == "CPU 93%, limit 90%, since 2026-03-01 11:59:00Z"
    assert sum("down_after" in line for line in lines) == 1
    assert not {"settings", "breaches"} & rows.keys()


def test_a_rotation_that_is_pending_stands_in_json() -> None:
    fields = settings_fields(monitor("web-1", rotated_at=START_MS))
    assert (fields["rotated_at"], fields["old_key_used"]) == ("2026-03-01T12:00:00.000Z", False)


def test_limits_set_on_the_command_line_are_shown(run: Run, home: Path) -> None:
    run("monitor", "create", "a")
    run("monitor", "set", "a", "cpu.warn=70", "disk./var=ignore")
    shown = run("monitor", "show", "a").out
    assert re.search(r"^cpu\.warn +70$", shown, re.MULTILINE)
    assert re.search(r"^disk\./var\.ignore +yes$", shown, re.MULTILINE)


AGENTS = {
    "web-1": AgentInfo("0.2.0", "sh", "linux"),
    "nas": AgentInfo("0.1.0", "psutil", "freebsd"),
    "win": AgentInfo("0.1.10", "powershell", "windows"),
    "next": AgentInfo("99.0", "sh", "linux"),
    "other": None,
}


def test_list_has_a_column_for_agents_and_marks_old_ones() -> None:
    lines = monitor_table([monitor(name, agent=agent) for name, agent in AGENTS.items()], START_MS, agents=True)
    shown = ["0.2.0 sh", "0.1.0 psutil old", "0.1.10 powershell old", "99.0 sh", "-"]
    assert [line.split("no report yet")[1].strip() for line in lines] == shown
    assert len({line.index(agent) for line, agent in zip(lines, shown, strict=True)}) == 1


def test_what_follows_the_agents_aligns_and_status_leaves_them_out() -> None:
    fleet = [monitor(name, agent=agent, report=make_report()) for name, agent in AGENTS.items()]
    assert len({line.index("cpu ") for line in monitor_table(fleet, START_MS, agents=True)}) == 1
    assert not [line for line in monitor_table(fleet, START_MS) if "0.1" in line]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("web-1", "0.2.0 (sh, linux)"),
        ("nas", "0.1.0 (psutil, freebsd), old: upgrade agentmon on it"),
        ("win", "0.1.10 (powershell, windows), old: paste the install line again"),
        ("other", "-"),
    ],
)
def test_show_names_the_agent_and_what_to_do_about_an_old_one(name: str, shown: str) -> None:
    lines = monitor_lines(monitor("web-1", agent=AGENTS[name]), START_MS, UTC)
    assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("agent ")] == [shown]


def test_agents_stand_in_json() -> None:
    assert settings_fields(monitor("nas", agent=AGENTS["nas"]))["agent"] == {
        "version": "0.1.0",
        "kind": "psutil",
        "system": "freebsd",
        "old": True,
    }
    assert settings_fields(monitor("next", agent=AGENTS["next"]))["agent"]["old"] is False
    assert settings_fields(monitor("other"))["agent"] is None


def test_monitors_without_an_agent_are_listed_and_shown(run: Run) -> None:
    run("monitor", "create", "a")
    assert run("monitor", "list").out.rstrip().endswith("no report yet       -")
    assert [json.loads(run("monitor", "list", "--json").out)[0]["agent"]] == [None]
    assert json.loads(run("monitor", "show", "a", "--json").out)["agent"] is None
