"""The scripts that the receiver serves."""

import subprocess
from pathlib import Path

import pytest

import agent
from agent.scripts import read_script
from agent.sh.join import joined
from tests.agent.shells import need


def test_the_script_comes_out_as_it_is_in_the_package() -> None:
    script = read_script("agent.sh")
    assert script == (Path(agent.__path__[0]) / "agent.sh").read_bytes()
    assert script.startswith(b"#!/bin/sh\n# agentmon-agent:")
    assert script.endswith(b'main "$@"\n')  # a download that breaks off runs nothing


def test_agent_sh_is_its_parts_joined() -> None:
    assert read_script("agent.sh").decode() == joined(), "run: python -m agent.sh"


@pytest.mark.parametrize("name", ["agent.py", "../pyproject.toml", "", "config.py", "agent.ps1.bak"])
def test_nothing_else_of_the_package_can_be_read(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        read_script(name)


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([need("shellcheck"), "-"], input=read_script("agent.sh"), capture_output=True, check=False)
    assert done.stdout.decode() == ""
