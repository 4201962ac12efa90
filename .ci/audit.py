"""Ask for known holes in what agentmon is installed with: the versions here, and the oldest that it allows.

`audit.py [PIP-AUDIT]` exits 1 if there are any. Where no vulnerability service can be reached nothing is checked:
that is said in so many words, and is no failure, since it says nothing about agentmon.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
LIMIT_S = 300

Pins = Mapping[str, str]
"""Versions by the names of packages."""


def needed() -> list[Requirement]:
    """Return what `pyproject.toml` says that agentmon needs to run on this machine."""
    lines = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    found = map(Requirement, lines)
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def oldest(requirements: Iterable[Requirement]) -> Pins:
    """Return the lower bounds."""
    return {
        canonicalize_name(each.name): bound.version
        for each in requirements
        for bound in each.specifier
        if bound.operator == ">="
    }


def installed(requirements: Iterable[Requirement]) -> Pins:
    """Return what is installed here of these and of all that they need in turn."""
    found: dict[str, str] = {}
    waiting = list(requirements)
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name not in found:
            found[name] = distribution(name).version
            waiting += _required_by(name)
    return found


def _required_by(name: str) -> Iterator[Requirement]:
    for each in map(Requirement, distribution(name).requires or []):
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            yield each


def ask(tool: str, pins: Pins) -> list[Any]:
    """Return what pip-audit says of each package; nothing if it could not ask."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name}=={version}\n" for name, version in sorted(pins.items()))
        file.flush()
        command = [tool, "--progress-spinner=off", "--disable-pip", "--no-deps", "--format=json", "-r", file.name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            print(f"  no answer within {LIMIT_S} s")
            return []
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        print(f"  {' '.join(done.stderr.split()[-20:])}")
        return []
    return list(answer["dependencies"])


def holes(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the findings in words."""
    return [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no release'}"
        for each in answers
        for hole in each.get("vulns", [])
    ]


def audit(tool: str, what: str, pins: Pins) -> bool:
    """Check some versions and tell; returns whether there is a known hole."""
    answers = ask(tool, pins)
    checked = {each["name"] for each in answers if "vulns" in each}
    found = holes(answers)
    for hole in found:
        print(f"  {hole}")
    if not checked:
        print(f"{what}: NOT CHECKED, no vulnerability service could be asked")
    else:
        missed = sorted(pins.keys() - {canonicalize_name(name) for name in checked})
        left_out = f"; not checked: {', '.join(missed)}" if missed else ""
        print(f"{what}: {len(checked)} packages checked, {len(found)} known holes{left_out}")
    return bool(found)


def main() -> int:
    """Check both sets of versions."""
    tool = sys.argv[1] if len(sys.argv) > 1 else str(Path(sys.executable).with_name("pip-audit"))
    requirements = needed()
    sets = {"installed": installed(requirements), "oldest allowed": oldest(requirements)}
    found = [audit(tool, what, pins) for what, pins in sets.items()]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
