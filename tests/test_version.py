"""One version: that of the package, of each agent that it ships, and the one that agents are compared with."""

import re
from importlib.metadata import version

import pytest

from agent.scripts import SCRIPTS, read_script
from agent.send import VERSION
from agentmon.options import DISTRIBUTION
from store.agents import SHIPPED_VERSION


def test_the_package_and_its_agents_have_one_version() -> None:
    assert version(DISTRIBUTION) == VERSION == SHIPPED_VERSION


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_a_script_has_the_version_of_the_package(script: str) -> None:
    found = re.findall(r"^\$?version ?= ?'?([^'\s]+)'?$", read_script(script).decode(), re.MULTILINE | re.IGNORECASE)
    assert found == [VERSION]
