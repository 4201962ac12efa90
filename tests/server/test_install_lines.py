"""The lines to paste: sh reads them as they are meant, whatever the key, and nothing of the key is an argument."""

import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.install_lines import install_lines
from tests.agent.shells import need

URL = "http://192.0.2.7:8420"
KEY = "amk_" + "k" * 40
PIN = "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE="

SHELLS = ("dash", "bash", "busybox", "tcsh")
"""tcsh is what FreeBSD calls csh, which its firewalls give to root."""


def linux(key: str = KEY, url: str = URL, pin: str | None = None) -> str:
    return install_lines(url, key, pin)[0].command


def windows(key: str = KEY, url: str = URL) -> str:
    return install_lines(url, key)[1].command


def test_the_line_for_linux_is_short_and_has_all_in_place() -> None:
    assert linux() == (
        f"(echo AGENTMON_KEY={KEY}; curl -fsSL {URL}/agent.sh) | `command -v sudo` sh -s -- install --url {URL}"
    )


def test_a_pin_holds_for_the_script_and_for_the_reports() -> None:
    assert linux(url="https://192.0.2.7:8420", pin=PIN) == (
        f"(echo AGENTMON_KEY={KEY}; curl -fsSLk --pinnedpubkey {PIN} https://192.0.2.7:8420/agent.sh)"
        f" | `command -v sudo` sh -s -- install --url https://192.0.2.7:8420 --pin {PIN}"
    )


def test_the_line_for_windows_has_all_in_place() -> None:
    assert windows() == (
        f"$env:AGENTMON_KEY = '{KEY}'; $f = \"$env:TEMP\\agent.ps1\"; "
        f"iwr '{URL}/agent.ps1' -UseBasicParsing -OutFile $f; "
        f"if ($?) {{ powershell -ExecutionPolicy Bypass -File $f install -Url '{URL}' }}; $env:AGENTMON_KEY = ''"
    )
    assert "'it''s'; " in windows("it's")
    assert "Tls12" in windows(url="https://192.0.2.7:8420")


def test_the_brackets_of_an_ipv6_address_are_no_pattern_for_a_shell() -> None:
    assert "curl -fsSL 'http://[2001:db8::7]:8420/agent.sh')" in linux(url="http://[2001:db8::7]:8420")


def ran(shell: str, key: str, folder: Path) -> tuple[str, list[str]]:
    """Return which key the script at the end of the pipe has, and its arguments; curl is a stand-in that prints one."""
    wrapper = [need("busybox"), "sh"] if shell == "busybox" else [need(shell)]
    printing = """#!/bin/sh
echo 'printf "%s\\n" "$AGENTMON_KEY" "$@"; env | grep AGENTMON_KEY'"""
    programs = {"curl": printing, "sudo": '#!/bin/sh\nexec "$@"'}
    programs["command"] = '#!/bin/sh\ncommand "$@"'  # csh knows none by itself, so FreeBSD has a program of that name
    if shell != "tcsh":
        programs["sh"] = f'#!{need("dash")}\nexec {shlex.join(wrapper)} "$@"'
    for name, text in programs.items():
        folder.joinpath(name).write_text(text + "\n", encoding="utf-8")
        folder.joinpath(name).chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    done = subprocess.run(
        [*wrapper, "-c", linux(key)], capture_output=True, text=True, timeout=20, env=environ, check=False
    )
    assert done.stderr == ""
    got, *arguments = done.stdout.splitlines()
    return got, arguments


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("key", [KEY, "it's", r"a\tb\\n\c", '"$HOME`id`', "-n", "a;b|c&d", "~#*?[x]{1,2}!!", "'\\''"])
def test_the_script_gets_the_key_as_it_is_and_hands_it_to_nobody(shell: str, key: str, tmp_path: Path) -> None:
    if shell == "tcsh":
        key = key.replace("!", "")  # it is the history's there, within quotes, too; agentmon makes no such key
    assert ran(shell, key, tmp_path) == (key, ["install", "--url", URL])


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128))
def test_any_key_that_may_be_reaches_the_script(key: str) -> None:
    with TemporaryDirectory() as folder:
        assert ran("dash", key, Path(folder))[0] == key
