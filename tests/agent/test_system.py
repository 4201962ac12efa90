"""Tools of the system: what they print, and what becomes of those that fail or hang."""

import os
import time
from pathlib import Path

import psutil
import pytest

from agent import hanging, system
from agent.errors import ToolError
from agent.system import output_of, this_system


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(system, "_left_behind", {})
    return tmp_path


def stub(tools: Path, name: str, body: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{body}\n")
    (tools / name).chmod(0o755)


def test_a_tool_tells_in_no_language_but_its_own(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    stub(tools, "zfs", 'echo "$LC_ALL $*"; echo warning >&2')
    assert output_of("zfs", "list", "-H") == "C list -H\n"


def test_tools_are_found_where_cron_does_not_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    stub(tmp_path, "vm_stat", "echo found")
    monkeypatch.setattr(system, "TOOL_PATH", str(tmp_path))
    assert output_of("vm_stat") == "found\n"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo \"cannot open '/dev/zfs': Permission denied\" >&2; exit 1", r"zfs: cannot open '/dev/zfs': Perm"),
        ("exit 3", "zfs: failed"),
        ("kill -9 $$", "zfs: failed"),
    ],
)
def test_a_tool_that_fails_says_why(tools: Path, body: str, why: str) -> None:
    stub(tools, "zfs", body)
    with pytest.raises(ToolError, match=why):
        output_of("zfs")


def test_a_tool_that_is_missing_or_no_program_is_named(tools: Path) -> None:
    with pytest.raises(ToolError, match="no-such-tool is not installed"):
        output_of("no-such-tool")
    (tools / "odd").write_text("#!/nonexistent\n")
    (tools / "odd").chmod(0o755)
    with pytest.raises(ToolError, match="odd cannot be run"):
        output_of("odd")


def test_a_tool_that_hangs_is_ended_with_all_that_it_started(tools: Path) -> None:
    stub(tools, "zfs", f"sleep 61 & echo $! >{tools}/child; wait")
    began = time.monotonic()
    with pytest.raises(ToolError, match=r"zfs did not answer in 0\.3 s"):
        output_of("zfs", limit_s=0.3)
    assert time.monotonic() - began < 5
    assert not system._left_behind
    child = int((tools / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_tool_that_cannot_be_ended_is_not_started_again(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub(tools, "zfs", f"echo $$ >>{tools}/started; exec sleep 61")
    with monkeypatch.context() as patch:
        patch.setattr(os, "killpg", lambda pid, number: None)  # as in uninterruptible sleep
        with hanging.noted(), pytest.raises(ToolError, match="did not answer"):
            output_of("zfs", limit_s=0.3)
    with pytest.raises(ToolError, match="zfs still hangs"):
        output_of("zfs")
    left = system._left_behind.pop("zfs")
    with hanging.noted(), pytest.raises(ToolError, match="zfs still hangs"):  # the next run of --once
        output_of("zfs")
    assert len((tools / "started").read_text().split()) == 1
    left.kill()
    left.wait(10)
    stub(tools, "zfs", "echo well")
    with hanging.noted():
        assert output_of("zfs") == "well\n"


@pytest.mark.parametrize(
    ("name", "called"),
    [("Linux", "linux"), ("Darwin", "macos"), ("FreeBSD", "freebsd"), ("Windows", "windows"), ("OpenBSD", "openbsd")],
)
def test_systems_have_the_names_that_all_agents_send(monkeypatch: pytest.MonkeyPatch, name: str, called: str) -> None:
    monkeypatch.setattr("platform.system", lambda: name)
    assert this_system() == called
