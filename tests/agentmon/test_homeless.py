"""A user without a home or an entry in passwd: with `--db` all works, and without it one line says what to do."""

import json
import pwd
from pathlib import Path
from typing import Any

import pytest

from store.mounts import Mount
from tests.agentmon.conftest import Run
from tests.store.damage import hide_mounts

HOMES = ("", None, "relative", "/dev/null", "/dev/null/home")


@pytest.fixture(params=HOMES)
def homeless(run: Run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands as a user whose HOME is one of `HOMES`, and whom passwd does not know."""

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    if request.param is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", request.param)
    return run


def test_with_a_database_every_command_works(homeless: Run, tmp_path: Path) -> None:
    db = ("--db", str(tmp_path / "a.db"))
    for words in (
        ["monitor", "create", "a", "--json"],
        ["monitor", "list"],
        ["monitor", "show", "a"],
        ["monitor", "key", "a"],
        ["monitor", "pause", "a"],
        ["monitor", "defaults"],
        ["history", "a"],
        ["events"],
        ["notify", "list"],
        ["config", "show"],
        ["backup", str(tmp_path / "copy.db")],
        ["agent", "--checksum"],
    ):
        ran = homeless(*db, *words)
        assert (ran.code, ran.err) == (0, ""), words
    shown = json.loads(homeless(*db, "config", "show", "--json").out)
    assert shown["settings"][0]["value"] == str(tmp_path / "a.db")


def test_without_one_a_line_says_what_to_do(homeless: Run) -> None:
    for words, code in (
        (["status"], 3),
        (["monitor", "create", "a"], 1),
        (["config", "init"], 1),
        (["service", "install"], 1),
        (["serve", "--port", "0"], 1),
    ):
        ran = homeless(*words)
        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), words
    assert homeless("config", "show").code == 0


def test_a_home_that_may_not_be_entered_holds_no_configuration(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def guarded(self: Path, *arguments: Any, **named: Any) -> Any:
        if self.name == "config.toml":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", guarded)
    assert run("--db", str(tmp_path / "a.db"), "monitor", "create", "a").code == 0
    config = tmp_path / ".config" / "agentmon" / "config.toml"
    config.parent.mkdir(parents=True)
    config.touch()
    ran = run("--db", str(tmp_path / "a.db"), "config", "show")
    assert (ran.code, ran.err) == (1, f"agentmon: cannot read {config}: Permission denied\n")


def test_a_change_on_a_network_file_system_is_refused_unless_allowed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_mounts(monkeypatch, Mount("0:9", Path("/"), tmp_path / "nas", "nfs"))
    (tmp_path / "nas").mkdir()
    words = ("--db", str(tmp_path / "nas" / "a.db"), "monitor", "create", "a")
    ran = run(*words)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "network file system (nfs)" in ran.err
    assert list((tmp_path / "nas").iterdir()) == []
    config = tmp_path / "config.toml"
    config.write_text("[serve]\nallow_network_filesystem = true\n")
    assert run("--config", str(config), *words).code == 0
