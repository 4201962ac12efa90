"""What tui/widgets/secret.py promises: masks tell nothing, broken commands mean the same to a shell."""

import shlex
import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.models import InstallLine
from tui.widgets.secret import DOT, mask, shell_lines, shown_line

KEY = "amk_" + "Ab3" * 13 + "z"
INSTALL = f"curl -fsS http://monitor.example.org:8420/agent.sh | sudo AGENTMON_KEY={KEY} sh -s install"

POWERSHELL = (
    "$env:AGENTMON_KEY = 'amk_1'; $f = \"$env:TEMP\\agent.ps1\"; iwr http://192.0.2.7/a.ps1 -N 'a  b' -OutFile $f"
)


def test_a_mask_keeps_the_place_of_a_key_and_nothing_of_it() -> None:
    assert mask(KEY) == "amk_" + DOT * 40
    assert mask("hunter2") == mask("some-much-longer-foreign-key") == DOT * 24


@pytest.mark.parametrize("key", [KEY, "hunter2", "it's$quoted", "a b"])
def test_a_masked_line_holds_no_key_however_it_was_quoted(key: str) -> None:
    line = InstallLine("Linux", "a shell", "(echo KEY=", shlex.quote(key), "; curl URL) | sh")
    assert shown_line(line, key, revealed=False) == f"(echo KEY={mask(key)}; curl URL) | sh"
    assert shown_line(line, key, revealed=True) == f"(echo KEY={shlex.quote(key)}; curl URL) | sh"


@pytest.mark.parametrize("width", [20, 40, 60, 80, len(POWERSHELL), len(POWERSHELL) + 1])
def test_a_line_for_powershell_is_broken_between_words_alone(width: int) -> None:
    lines = shell_lines(POWERSHELL, width, powershell=True)
    assert all(line.endswith(" `") and len(line) >= width for line in lines[:-1])
    words = [word for line in lines for word in line.removesuffix("`").split()]
    assert words == POWERSHELL.split()
    assert " ".join(lines).count("'a  b'") == 1


@pytest.mark.parametrize("width", [2, 3, 20, 40, 60, 80, len(INSTALL) - 1, len(INSTALL), len(INSTALL) + 1])
def test_a_command_is_broken_in_the_last_column_and_nothing_is_added_to_it(width: int) -> None:
    lines = shell_lines(INSTALL, width)
    assert all(len(line) == width and line.endswith("\\") for line in lines[:-1])
    assert "".join(line.removesuffix("\\") for line in lines) == INSTALL
    assert len(lines[-1]) <= width


def test_a_command_that_fits_is_left_alone() -> None:
    assert shell_lines("sh -c 'a  b'", 12) == ["sh -c 'a  b'"]


def test_a_quoted_word_longer_than_a_line_stays_whole() -> None:
    quoted = "'" + "x" * 30 + "'"
    assert shell_lines(f"echo {quoted} end", 10) == ["echo     \\", f"{quoted}\\", " end"]


words = st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30), min_size=1, max_size=8)


def _double_quote(word: str) -> str:
    """Quote a word as "..." for a shell."""
    return '"' + "".join("\\" + char if char in '\\"$`' else char for char in word) + '"'


@settings(max_examples=60, deadline=None)
@given(words, st.integers(min_value=12, max_value=60), st.sampled_from([shlex.quote, _double_quote]))
def test_a_broken_command_means_the_same_to_a_shell(
    arguments: list[str], width: int, quote: Callable[[str], str]
) -> None:
    command = "printf '%s|' " + " ".join(quote(word) for word in arguments)
    shell = shutil.which("sh")
    assert shell, "a POSIX shell is needed"
    answer = subprocess.run(
        [shell, "-c", "\n".join(shell_lines(command, width))], capture_output=True, check=True, text=True
    )
    assert answer.stdout == "".join(word + "|" for word in arguments)
