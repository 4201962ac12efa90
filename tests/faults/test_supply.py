"""What agentmon is made of: no version with a known hole is allowed, and the build looks for new ones."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

LAST_WITH_A_HOLE = {
    "aiohttp": "3.14.4",
    "apprise": "0.9.5",  # CVE-2021-39229
    "click": "8.3.2",  # CVE-2026-7246
    "cryptography": "49.0.0",  # CVE-2026-69247; before it CVE-2026-39892, CVE-2026-34073, CVE-2026-26007
    "psutil": "5.6.5",  # CVE-2019-18874
    "pydantic": "2.3.0",  # CVE-2024-3772
    "setuptools": "78.1.0",  # CVE-2025-47273; it builds the wheel
}


def bounds() -> dict[str, Requirement]:
    """Return what agentmon is built and runs with, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = project["project"]["dependencies"] + project["build-system"]["requires"]
    return {each.name: each for each in map(Requirement, lines)}


@pytest.mark.parametrize(("name", "version"), LAST_WITH_A_HOLE.items())
def test_no_version_with_a_known_hole_is_allowed(name: str, version: str) -> None:
    assert not bounds()[name].specifier.contains(version)


def test_what_is_installed_is_what_is_allowed() -> None:
    from importlib.metadata import version

    allowed = {name: each for name, each in bounds().items() if name != "setuptools"}
    assert [name for name, each in allowed.items() if not each.specifier.contains(version(name))] == []


def audit(tmp_path: Path, *answers: dict[str, object], said: str = "") -> subprocess.CompletedProcess[str]:
    """Run the build's audit with a tool in pip-audit's place that answers so for each package."""
    tool = tmp_path / "pip-audit"
    words = said or json.dumps({"dependencies": answers, "fixes": []})
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{words}\nEND\n")
    tool.chmod(0o700)
    command = [sys.executable, str(ROOT / ".ci" / "audit.py"), str(tool)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_known_hole_fails_the_build(tmp_path: Path) -> None:
    hole = {"id": "CVE-2026-0001", "fix_versions": ["3.14.6"], "aliases": [], "description": ""}
    done = audit(tmp_path, {"name": "aiohttp", "version": "3.14.5", "vulns": [hole]})
    assert done.returncode == 1
    assert "aiohttp 3.14.5: CVE-2026-0001, mended in 3.14.6" in done.stdout


def test_without_holes_the_build_goes_on_and_says_what_was_not_checked(tmp_path: Path) -> None:
    done = audit(tmp_path, {"name": "aiohttp", "version": "3.14.5", "vulns": []})
    assert (done.returncode, done.stderr) == (0, "")
    assert "oldest allowed: 1 packages checked, 0 known holes; not checked: aiosqlite, " in done.stdout


@pytest.mark.parametrize("said", ["", "no route to host"])
def test_where_nothing_can_be_asked_the_build_goes_on_and_says_so(tmp_path: Path, said: str) -> None:
    done = audit(tmp_path, {"name": "aiohttp", "skip_reason": "not found"}, said=said)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("NOT CHECKED") == 2


def test_the_build_runs_the_audit() -> None:
    assert "\n.venv/bin/python .ci/audit.py\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
