"""Keys, URLs and pins as people hand them to agent.ps1."""

import pytest

from tests.agent.receiver import Receiver, trouble
from tests.agent.windows.machine import Windows

KEY = "amk_" + "k3Y" * 13 + "0"


@pytest.mark.parametrize("text", [KEY + "\r\n", f" {KEY}\t\r\n", "\ufeff" + KEY, KEY + "\u00a0"])
def test_what_an_editor_leaves_around_a_key_or_a_url_is_not_part_of_it(
    windows: Windows, receiver: Receiver, text: str
) -> None:
    path = windows.root / "key.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert windows.run(AGENTMON_URL=f"\t{receiver.url}/ ", AGENTMON_KEY_FILE=str(path)).code == 0
    assert receiver.bodies[-1]["agent_key"] == KEY


@pytest.mark.parametrize("key", ["amk_" + "•" * 40, "•" * 24, "amk_…", "amk_****", "amk_" + "*" * 40])
def test_a_key_that_was_copied_while_hidden_is_told_as_such(windows: Windows, receiver: Receiver, key: str) -> None:
    ended = windows.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=key)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "copied while it was hidden: press v or i in the console" in ended.err
    assert receiver.bodies == []


@pytest.mark.parametrize("key", [KEY[:-1], KEY + "x", KEY[:-1] + "-", KEY[:24], KEY + ";"])
def test_a_key_of_ours_that_is_damaged_is_refused_at_once(windows: Windows, receiver: Receiver, key: str) -> None:
    ended = windows.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=key)
    assert (ended.code, f"it has {len(key)} characters" in ended.err, key in ended.err) == (2, True, False)
    assert receiver.bodies == []


@pytest.mark.parametrize("key", ["hello", "amk_mine", "sk-live/1234"])
def test_a_key_of_other_origin_is_questioned_only_when_unknown(windows: Windows, receiver: Receiver, key: str) -> None:
    assert windows.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=key).code == 0
    receiver.says(404, trouble("Agent key not found"))
    assert "it is none that agentmon made" in windows.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=key).err
    assert "was deleted" in windows.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY).err


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({}, "no receiver"),
        ({"AGENTMON_URL": "ftp://m"}, "starts with http"),
        ({"AGENTMON_URL": "http://u:p@m"}, "do not belong there"),
        ({"AGENTMON_URL": "http://m"}, "no key"),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": "a b"}, "malformed"),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": KEY, "AGENTMON_PIN": "abc"}, "a pin looks like"),
        ({"AGENTMON_URL": "https://m", "AGENTMON_KEY": KEY, "AGENTMON_PIN": "sha256//YQ=="}, "needs curl.exe"),
        ({"AGENTMON_URL": "https://m", "AGENTMON_KEY": KEY, "AGENTMON_CA": "ca.pem"}, "needs curl.exe"),
    ],
)
def test_settings_that_cannot_work_are_one_line(windows: Windows, environ: dict[str, str], word: str) -> None:
    ended = windows.run(**environ)
    assert (ended.code, ended.err.count("\n"), ended.calls) == (2, 1, [])
    assert word in ended.err


@pytest.mark.parametrize("args", [["nonsense"], ["test", "more"], ["install", "-Urk"], ["install", "-Url"]])
def test_wrong_usage_is_exit_2(windows: Windows, args: list[str]) -> None:
    assert windows.run(*args).code == 2


def test_constrained_language_is_one_line_before_anything_else(windows: Windows) -> None:
    mode = "$ExecutionContext.SessionState.LanguageMode"
    words = (
        f"$r = [powershell]::Create(); $null = $r.AddScript({{ {mode} = 'ConstrainedLanguage' }}); $null = $r.Invoke()"
    )
    words += (
        f"; $r.Commands.Clear(); $null = $r.AddCommand('{windows.script}').AddArgument('-Print'); $null = $r.Invoke()"
    )
    words += "; $r.Streams.Information; $r.Streams.Error"
    ended = windows.ask(call=words)
    assert len(ended.out) == 1, ended.out
    assert "Constrained Language Mode" in ended.out[0]
    assert "-ExecutionPolicy Bypass does not help" in ended.out[0]
