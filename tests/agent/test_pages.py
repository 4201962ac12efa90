"""What the pages tell to paste is what agentmon words."""

from pathlib import Path

import pytest

from server.install_lines import install_lines

ROOT = Path(__file__).parent.parent.parent
STAND_IN = "amk_KEY"


def worded(url: str) -> list[str]:
    """The lines as pages write them, with the key cut short."""
    return [line.command.replace(STAND_IN, "amk_…") for line in install_lines(url, STAND_IN)]


@pytest.mark.parametrize(
    ("page", "url", "lines"),
    [
        ("README.md", "http://RECEIVER:8420", slice(0, 1)),
        ("docs/agents.md", "http://monitor.example:8420", slice(0, 2)),
    ],
)
def test_the_lines_of_the_pages_are_those_that_agentmon_words(page: str, url: str, lines: slice) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    told = [line.strip() for line in text.splitlines() if line.strip().startswith(("(echo AGENTMON_KEY", "$env:AGENT"))]
    assert told == worded(url)[lines]


def test_the_line_that_asks_for_the_key_is_the_same_without_it() -> None:
    line = worded("http://RECEIVER:8420")[0]
    for told, less in (("(echo AGENTMON_KEY=amk_…; ", ""), ("agent.sh)", "agent.sh"), ("`command -v sudo`", "sudo")):
        assert told in line
        line = line.replace(told, less)
    assert f"\n{line}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
