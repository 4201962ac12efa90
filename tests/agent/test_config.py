"""Where an agent's settings come from, and which are refused."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.config import AgentSettings, checked_key, read_key_file, resolve_settings, stored_settings
from agent.errors import SettingsError, UsageError

URL = "http://monitor.example:8420"
KEY = "amk_" + "0123456789" * 4
STORED = "amk_" + "stored00" * 5


def key_file(folder: Path, text: str = KEY + "\n", mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in whose home `install` left its settings."""
    conf = tmp_path / ".config" / "agentmon-agent"
    conf.mkdir(parents=True)
    stored = key_file(conf, STORED + "\n")
    (conf / "agent.conf").write_text(f"AGENTMON_URL=http://stored:1\nAGENTMON_KEY_FILE={stored}\nAGENTMON_CA=\n")
    return {"HOME": str(tmp_path)}


def test_the_environment_says_where_and_with_which_key(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "AGENTMON_URL": URL + "/", "AGENTMON_KEY": KEY}
    assert resolve_settings(None, None, None, environ) == AgentSettings(URL, KEY)


def test_arguments_win_over_the_environment_and_that_over_what_install_wrote(
    tmp_path: Path, home: dict[str, str]
) -> None:
    assert resolve_settings(None, None, None, home) == AgentSettings("http://stored:1", STORED)
    environ = home | {"AGENTMON_URL": URL, "AGENTMON_KEY": "environ"}
    assert resolve_settings(None, None, None, environ) == AgentSettings(URL, "environ")
    given_file = key_file(tmp_path)
    assert resolve_settings("http://given", given_file, None, environ) == AgentSettings("http://given", KEY)


def test_a_key_file_of_the_environment_wins_over_its_key(tmp_path: Path) -> None:
    environ = {"AGENTMON_URL": URL, "AGENTMON_KEY": "other", "AGENTMON_KEY_FILE": str(key_file(tmp_path))}
    assert resolve_settings(None, None, None, environ).key == KEY


def test_the_systems_settings_come_before_the_users(tmp_path: Path, home: dict[str, str]) -> None:
    system = tmp_path / "agent.conf"
    system.write_text("AGENTMON_URL=http://system\n")
    assert stored_settings(home, system) == {"AGENTMON_URL": "http://system"}


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604, 0o620, 0o601])
def test_a_key_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match="others may read the key file"):
        read_key_file(key_file(tmp_path, mode=mode))


@pytest.mark.parametrize("text", [KEY, KEY + "\n", KEY + "\r\n", KEY + "\nmore\n", f" \t{KEY}  \n", KEY + " \r\n"])
def test_the_key_is_the_first_line_of_its_file(tmp_path: Path, text: str) -> None:
    assert read_key_file(key_file(tmp_path, text)) == KEY


@pytest.mark.parametrize("text", ["", "\n", "a b\n", "ü\n", "x" * 129, "a\x00b\n", " \n"])
def test_a_malformed_key_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="key") as raised:
        read_key_file(key_file(tmp_path, text))
    assert "\n" not in str(raised.value)
    assert not text.strip() or text.strip() not in str(raised.value)


@pytest.mark.parametrize(
    "key",
    ["amk_" + "\u2022" * 40, "\u2022" * 24, "amk_" + "*" * 40, "****", "amk_\u2026", "amk_...", "\u25cf" * 44],
)
def test_a_key_that_was_copied_while_hidden_is_named_as_such(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match="copied while hidden: press v or i"):
        read_key_file(key_file(tmp_path, key + "\n"))
    with pytest.raises(SettingsError, match="copied while hidden"):
        AgentSettings(URL, key)


@pytest.mark.parametrize("key", ["amk_", "amk_x", KEY[:-1], KEY + "0", KEY[:-1] + "-", KEY[:-1] + "*"])
def test_a_key_that_begins_like_ours_and_is_not_whole_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="not whole") as raised:
        AgentSettings(URL, key)
    assert key == "amk_" or key not in str(raised.value)


@pytest.mark.parametrize("key", ["hello", "AMK_1", "a*b", "x.", "0" * 128, "kuma-push/1"])
def test_keys_of_other_receivers_are_taken(key: str) -> None:
    assert AgentSettings(URL, key).key == key


def test_blanks_around_a_key_are_no_part_of_it() -> None:
    assert AgentSettings(URL, f" {KEY}\r\n").key == KEY


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the key file .*nowhere"):
        read_key_file(tmp_path / "nowhere")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128))
def test_any_printable_key_without_spaces_will_do(key: str) -> None:
    assume(not key.startswith("amk_") and set(key) - set("*."))
    assert checked_key(key) == key


@pytest.mark.parametrize(
    "url",
    ["monitor:8420", "ftp://monitor", "http://", "http://user:pw@monitor", "http://monitor/?a=b", "http://m x",
     "http://monitor:99999", "http://[::1", "http://monitor/#x", "http://mönitor"],
)  # fmt: skip
def test_an_url_that_can_be_no_receiver_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(UsageError, match="URL") as raised:
        AgentSettings(url, KEY)
    assert "\n" not in str(raised.value)
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://monitor", "https://[::1]:8420", "http://10.0.0.1/behind/proxy/"])
def test_urls_lose_their_trailing_slash(url: str) -> None:
    assert AgentSettings(url, KEY).url == url.rstrip("/")


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(AgentSettings(URL, KEY))


def test_a_machine_that_nobody_told_anything_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="AGENTMON_URL"):
        resolve_settings(None, None, None, {"HOME": str(tmp_path)})
    with pytest.raises(UsageError, match="AGENTMON_KEY"):
        resolve_settings(URL, None, None, {"HOME": str(tmp_path)})


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_ca_that_cannot_be_used_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(SettingsError, match=r"cannot use the CA certificate .*ca\.pem"):
        resolve_settings(URL, None, None, {"AGENTMON_KEY": KEY, "AGENTMON_CA": str(path)})
