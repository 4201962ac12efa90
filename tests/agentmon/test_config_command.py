"""`agentmon config` and `--config`: where settings come from, and which of several goes first."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.agentmon.conftest import Run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration somewhere."""
    path = tmp_path / "some.toml"
    path.write_text('[serve]\nport = 9000\n[retention]\nkeep_raw = "60h"\n[console]\nbell = true\n[keys]\nhelp = "H"\n')
    return path


def settings(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return `config show --json` by name, with the command where there is one."""
    shown = run(*arguments, "config", "show", "--json")
    assert (shown.code, shown.err) == (0, "")
    found = json.loads(shown.out)["settings"]
    return {f"{each['name']} {each['command'] or ''}".strip(): each for each in found}


def test_the_file_is_named_before_or_after_the_subcommand_or_by_the_environment(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (
        ["--config", str(file), "config", "show"],
        ["config", "--config", str(file), "show"],
        ["config", "show", "--config", str(file)],
        ["--config", "/nonexistent", "config", "show", "--config", str(file)],
    ):
        assert f"# {file}\n" in run(*arguments).out
    monkeypatch.setenv("AGENTMON_CONFIG", str(file))
    assert f"# {file}\n" in run("config", "show").out


def test_by_default_it_is_in_the_users_configuration_directory(run: Run, home: Path) -> None:
    path = home / ".config/agentmon/config.toml"
    assert f"# {path} (not there)" in run("config", "show").out
    path.parent.mkdir(parents=True)
    path.write_text("[serve]\nport = 9001")
    shown = run("config", "show")
    assert f"# {path}\n" in shown.out
    assert any(line.split() == ["serve.port", "9001", "line", "2"] for line in shown.out.splitlines())


def test_each_value_says_where_it_comes_from(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTMON_SERVE_PORT", "9100")
    monkeypatch.setenv("AGENTMON_TUI_NO_MOUSE", "1")
    found = settings(run, "--config", str(file))

    def of(name: str) -> tuple[Any, ...]:
        return tuple(found[name][key] for key in ("value", "source", "variable", "line"))

    assert of("serve.port") == (9100, "environment", "AGENTMON_SERVE_PORT", None)
    assert of("retention.keep_raw") == ("60h", "file", None, 4)
    assert of("console.bell") == (True, "file", None, 6)
    assert of("console.mouse tui") == (False, "environment", "AGENTMON_TUI_NO_MOUSE", None)
    assert of("console.mouse serve") == (True, "built in", None, None)
    assert of("keys.help") == ("H", "file", None, 8)
    assert of("keys.quit") == ("q", "built in", None, None)
    assert of("thresholds.cpu.warn") == (80, "built in", None, None)


def test_limits_of_single_mounts_are_shown_with_the_rest(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[thresholds.disk."/var"]\nwarn = 60\n')
    assert settings(run, "--config", str(path))['thresholds.disk."/var".warn']["line"] == 2


def test_the_database_comes_from_the_command_line_the_environment_the_file_or_the_data_directory(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings(run)["database"]["value"] == str(home / ".local/share/agentmon/agentmon.db")
    path = tmp_path / "config.toml"
    path.write_text(f'database = "{tmp_path}/mine.db"')
    monkeypatch.setenv("AGENTMON_CONFIG", str(path))
    assert run("monitor", "create", "in-mine").code == 0
    assert (tmp_path / "mine.db").is_file()
    assert settings(run)["database"]["line"] == 1
    monkeypatch.setenv("AGENTMON_DB", str(tmp_path / "other.db"))
    assert settings(run)["database"]["variable"] == "AGENTMON_DB"
    assert settings(run, "--db", str(tmp_path / "third.db"))["database"]["source"] == "command line"


@pytest.mark.parametrize("command", [["serve"], ["tui"], ["config", "show"]], ids=" ".join)
def test_a_mistake_anywhere_in_it_is_told_at_the_start(run: Run, tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[serve]\n[console]\n[keys]\npause = "d"\n')
    ran = run("--config", str(path), *command)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"agentmon: {path} line 4: keys.pause cannot be d, the key of delete (screen Fleet)\n"


@pytest.mark.parametrize("command", [["serve"], ["tui"], ["config", "show"], ["status"]], ids=" ".join)
def test_a_named_file_that_is_not_there_is_an_error(run: Run, command: list[str]) -> None:
    ran = run("--config", "/nonexistent/config.toml", *command)
    assert ran.code == (3 if command == ["status"] else 1)
    assert ran.err == "agentmon: cannot read /nonexistent/config.toml: No such file or directory\n"


def test_help_needs_no_valid_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("nonsense")
    assert run("serve", "--help", "--config", str(tmp_path / "config.toml")).code == 0


def test_the_install_command_names_the_port_that_serve_will_have(run: Run, file: Path) -> None:
    assert ":9000/agent.sh" in run("--config", str(file), "monitor", "create", "web").out


def test_what_is_for_the_console_alone_may_stand_in_a_file_for_both(run: Run, file: Path) -> None:
    for option in ("--bell", "--no-mouse", "--theme=dark", "--keep-serving"):
        ran = run("serve", option)
        assert (ran.code, ran.err) == (2, f"agentmon: {option.partition('=')[0]} goes with --tui\n")
    # The port is taken for certain by nobody of ours: it gets as far as binding an address that is no one's.
    ran = run("--config", str(file), "serve", "--host", "192.0.2.1")
    assert ran.code == 1
    assert "192.0.2.1" in ran.err
    assert "9000" in ran.err


def test_init_writes_a_private_file_and_replaces_none_unasked(run: Run, home: Path) -> None:
    old = os.umask(0)
    try:
        made = run("config", "init")
    finally:
        os.umask(old)
    path = home / ".config/agentmon/config.toml"
    assert (made.code, made.out) == (0, f"{path}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {each["source"] for each in settings(run).values()} == {"built in"}
    path.write_text("mine")
    again = run("config", "init")
    assert (again.code, again.err) == (1, f"agentmon: {path} is there already; --force replaces it\n")
    assert path.read_text() == "mine"
    assert run("config", "init", "--force").code == 0
    assert "[serve]" in path.read_text()


def test_init_writes_where_it_is_told_or_says_why_it_cannot(run: Run, tmp_path: Path) -> None:
    assert run("config", "init", "--config", str(tmp_path / "there" / "a.toml")).code == 0
    assert (tmp_path / "there" / "a.toml").is_file()
    ran = run("config", "init", "--config", "/proc/nowhere/a.toml")
    assert (ran.code, ran.err) == (1, "agentmon: cannot write /proc/nowhere/a.toml: No such file or directory\n")


def test_a_file_is_written_over_no_link_and_no_device(run: Run, tmp_path: Path) -> None:
    precious, link, fifo = tmp_path / "precious", tmp_path / "link", tmp_path / "fifo"
    precious.write_text("precious")
    link.symlink_to(precious)
    os.mkfifo(fifo)
    for path in (link, fifo, Path(os.devnull)):
        ran = run("--config", str(path), "config", "init", "--force")
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert "only a regular file is replaced" in ran.err
    assert precious.read_text() == "precious"
