"""The command line's forms: where the database is named, how errors and exit codes leave, what is printed."""

import io
import json
import os
import re
import sqlite3
import stat
from pathlib import Path

import pytest

from agentmon.serve import MAX_CONNECTIONS
from server.reach import Reach
from server.receiver import ReceiverOptions
from tests.agentmon.conftest import Run

COMMANDS = [
    [],
    ["serve"],
    ["tui"],
    ["monitor"],
    *(["monitor", name] for name in ("create", "list", "show", "key", "rotate", "rename", "pause", "resume", "delete")),
    ["monitor", "edit"],
    ["monitor", "set"],
    ["status"],
    ["history"],
    ["backup"],
    ["agent"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_version(run: Run, command: list[str]) -> None:
    helped = run(*command, "--help")
    assert (helped.code, helped.err) == (0, "")
    assert helped.out.startswith("Usage: agentmon")
    version = run(*command, "--version")
    assert (version.code, version.err) == (0, "")
    assert re.fullmatch(r"agentmon \d+\.\d+\.\d+\n", version.out)


def test_the_database_is_named_before_or_after_the_subcommand_or_by_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--db", str(tmp_path / "1.db"), "monitor", "create", "one").code == 0
    assert run("monitor", "--db", str(tmp_path / "2.db"), "create", "two").code == 0
    assert run("monitor", "create", "--db", str(tmp_path / "3.db"), "three").code == 0
    monkeypatch.setenv("AGENTMON_DB", str(tmp_path / "3.db"))
    assert "three" in run("monitor", "list").out
    assert "two" in run("--db", str(tmp_path / "2.db"), "monitor", "list").out
    assert "one" in run("--db", str(tmp_path / "2.db"), "monitor", "list", "--db", str(tmp_path / "1.db")).out


def test_the_default_database_is_in_the_users_data_directory(run: Run, home: Path) -> None:
    assert run("monitor", "create", "a").code == 0
    assert (home / ".local/share/agentmon/agentmon.db").is_file()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["explode"], 2),
        (["monitor", "create"], 2),
        (["serve", "--port", "99999"], 2),
        (["serve", "--port", "x"], 2),
        (["serve", "--keep-serving"], 2),
        (["serve", "--public-url", "x; rm -rf /"], 2),
        (["monitor", "set", "a", "down_after"], 2),
        (["monitor", "set", "a", "colour=5"], 2),
        (["monitor", "set", "a", "down_after=soon"], 2),
        (["monitor", "set", "a", "down_after=-5"], 2),
        (["monitor", "pause", "a", "--for", "0"], 2),
        (["monitor", "delete", "a"], 2),
        (["history", "a", "--since", "yesterday-ish"], 2),
        (["history", "a", "--step", "weekly"], 2),
        (["history", "a", "--json", "--csv"], 2),
        (["agent", "--interval", "0"], 2),
        (["monitor", "show", "nobody"], 1),
        (["monitor", "key", "nobody"], 1),
        (["monitor", "rotate", "nobody"], 1),
        (["monitor", "rename", "nobody", "x"], 1),
        (["monitor", "rename", "a", "b\n"], 1),
        (["monitor", "delete", "nobody", "--yes"], 1),
        (["monitor", "create", "a"], 1),
        (["monitor", "create", "x", "y", "--key", "k"], 1),
        (["monitor", "create", "x", "--key", "a b"], 1),
        (["history", "nobody"], 1),
        (["agent", "--once"], 2),
        (["agent", "--once", "--url", "http://x"], 2),
        (["agent", "--once", "--url", "http://x", "--key-file", "/nonexistent"], 1),
        (["status", "nobody"], 3),
        (["status"], 3),
        (["--db", "/proc/no/such/place.db", "monitor", "create", "a"], 1),
        (["--db", "/nonexistent/a.db", "monitor", "list"], 1),
        (["serve", "--tui"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_errors_are_one_line_on_stderr_with_their_exit_code(run: Run, arguments: list[str], code: int) -> None:
    run("monitor", "create", "a")
    ran = run(*arguments)
    assert ran.code == code
    assert re.fullmatch(r"agentmon: [^\n]+\n", ran.err), ran.err
    assert "Traceback" not in ran.err


def test_a_bad_key_is_not_repeated(run: Run) -> None:
    assert "s3cret" not in run("monitor", "create", "x", "--key", "s3cret s3cret").err


def test_creating_prints_the_key_and_a_line_for_each_platform(run: Run) -> None:
    ran = run("monitor", "create", "web-1")
    (key,) = re.findall(r"web-1: (amk_[0-9A-Za-z]{40})\n", ran.out)
    assert f"(echo AGENTMON_KEY={key}; curl -fsSL http://" in ran.out
    assert f"$env:AGENTMON_KEY = '{key}'; " in ran.out
    assert run("monitor", "key", "web-1").out == key + "\n"


@pytest.mark.parametrize(
    ("platform", "begins"), [("linux", "(echo AGENTMON_KEY=amk_"), ("windows", "$env:AGENTMON_KEY")]
)
def test_one_line_can_be_had_alone(run: Run, platform: str, begins: str) -> None:
    created = run("monitor", "create", "web-1").out
    ran = run("monitor", "key", "web-1", "--line", platform)
    assert ran.out.startswith(begins)
    assert ran.out in created


def test_lines_that_lead_nowhere_from_elsewhere_say_so(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[serve]\nhost = "127.0.0.1"\n')
    assert (
        "Only this machine can reach http://127.0.0.1:8420"
        in run("--config", str(config), "monitor", "create", "a").out
    )
    assert "Only this machine" in run("--config", str(config), "monitor", "rotate", "a").err
    config.write_text('[serve]\nhost = "127.0.0.1"\npublic_url = "https://monitor.example.org/"\n')
    made = run("--config", str(config), "monitor", "create", "b").out
    assert "Only this machine" not in made
    assert "curl -fsSL https://monitor.example.org/agent.sh)" in made


def test_lines_for_an_address_among_several_say_so_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = Reach("http://10.8.0.2:8420", ("192.168.1.5", "100.64.0.3"), in_container=True)
    monkeypatch.setattr("server.reach.find_reach", lambda *_, **__: reach)
    made = run("monitor", "create", "a", "b").out
    assert made.count("Agents are sent to 10.8.0.2; this machine is also 192.168.1.5, 100.64.0.3.") == 1
    assert made.count("This receiver seems to run in a container: agents elsewhere may not reach 10.8.0.2.") == 1
    lines = run("monitor", "key", "a", "--line", "linux")
    assert (lines.out.count("\n"), lines.err.count("\n")) == (1, 2)
    assert run("monitor", "create", "c", "--json").out.count("\n") == 1


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_line_is_worded_for_another_address(run: Run, platform: str) -> None:
    run("monitor", "create", "a")
    ran = run("monitor", "key", "a", "--line", platform, "--url", "https://mon.example.org:8443/")
    assert "https://mon.example.org:8443/agent." in ran.out
    assert ran.err == ""
    assert run("monitor", "key", "a", "--line", platform, "--url", "mon.example.org").code == 2
    assert run("monitor", "key", "a", "--url", "http://mon.example.org").code == 2


def test_creating_as_json_prints_one_object_a_line(run: Run) -> None:
    lines = run("monitor", "create", "ä", "[/]", "--json").out.splitlines()
    made = [json.loads(line) for line in lines]
    assert [sorted(each) for each in made] == [["agent_key", "id", "name"]] * 2
    assert [each["name"] for each in made] == ["ä", "[/]"]
    assert all(line.isascii() for line in lines)


def test_a_key_is_taken_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("an-old-key\n"))
    assert run("monitor", "create", "a", "--key", "-").code == 0
    assert run("monitor", "key", "a").out == "an-old-key\n"


def test_a_key_is_not_taken_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTMON_MONITOR_CREATE_KEY", "from-outside")
    monkeypatch.setenv("AGENTMON_MONITOR_DELETE_YES", "1")
    run("monitor", "create", "a")
    assert run("monitor", "key", "a").out.startswith("amk_")
    assert run("monitor", "delete", "a").code == 2


def test_options_are_taken_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("monitor", "create", "a")
    monkeypatch.setenv("AGENTMON_MONITOR_CREATE_IF_MISSING", "1")
    monkeypatch.setenv("AGENTMON_MONITOR_LIST_JSON", "1")
    assert run("monitor", "create", "a", "b").code == 0
    assert [each["name"] for each in json.loads(run("monitor", "list").out)] == ["a", "b"]
    monkeypatch.setenv("AGENTMON_SERVE_PORT", "nonsense")
    assert run("serve").code == 2


def test_several_names_are_all_or_none(run: Run) -> None:
    run("monitor", "create", "b")
    assert run("monitor", "create", "a", "b").code == 1
    assert run("monitor", "show", "a").code == 1


def test_changes_without_a_receiver_are_made_on_the_database(run: Run) -> None:
    run("monitor", "create", "a")
    old = run("monitor", "key", "a").out
    assert run("monitor", "rotate", "a").out == run("monitor", "key", "a").out != old
    assert run("monitor", "rename", "a", "b").code == 0
    assert run("monitor", "pause", "b", "--for", "2h").code == 0
    shown = json.loads(run("monitor", "show", "b", "--json").out)
    assert shown["status"] == "paused"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["paused_until"])
    assert run("monitor", "resume", "b").code == 0
    assert run("monitor", "set", "b", "down_after=15m", "late_after=2").code == 0
    shown = json.loads(run("monitor", "show", "b", "--json").out)
    assert (shown["status"], shown["down_after"], shown["late_after"]) == ("pending", 900, 2)
    assert run("monitor", "set", "b", "down_after=default").code == 0
    assert json.loads(run("monitor", "show", "b", "--json").out)["down_after"] is None
    assert run("monitor", "delete", "b", "--yes").code == 0
    assert run("monitor", "list").out == ""


def test_lists_show_no_keys(run: Run) -> None:
    run("monitor", "create", "a")
    key = run("monitor", "key", "a").out.strip()
    for arguments in (["monitor", "list"], ["monitor", "show", "a"], ["status"], ["history", "a"]):
        for form in ([], ["--json"]):
            ran = run(*arguments, *form)
            assert key not in ran.out + ran.err


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize(
    ("command", "code"), [("status", 3), ("events", 1), ("monitor list", 1), ("backup copy.db", 1)]
)
def test_a_database_that_may_not_be_read_is_no_wrong_usage(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, suffix: str
) -> None:
    run("--db", str(home / "a.db"), "monitor", "create", "a")
    unreadable = home / f"a.db{suffix}"
    unreadable.touch()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != unreadable and real(path, mode))
    ran = run("--db", str(home / "a.db"), *command.split())
    assert (ran.code, ran.err) == (code, f"agentmon: cannot open {unreadable}: Permission denied\n")


@pytest.mark.parametrize(
    ("error", "says"), [(PermissionError(13, "Permission denied"), "Permission denied"), (TimeoutError(), "not answer")]
)
def test_status_does_not_say_that_no_receiver_runs_where_it_cannot_be_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: OSError, says: str
) -> None:
    def connect(_: object) -> None:
        raise error

    run("monitor", "create", "a")
    monkeypatch.setattr("server.client._UnixConnection.connect", connect)
    ran = run("status")
    assert ran.code == 3
    assert ran.out.startswith("pending   a ")
    assert says in ran.err
    assert "no receiver is running" not in ran.err
    assert "Errno" not in ran.err


def test_status_without_a_receiver_shows_what_is_stored_and_says_so(run: Run) -> None:
    run("monitor", "create", "a")
    ran = run("status", "--json")
    shown = json.loads(ran.out)
    assert ran.code == 3
    assert "no receiver is running" in ran.err
    assert shown["receiver"] == {"running": False, "since": None}
    (monitor,) = shown["monitors"]
    assert (monitor["name"], monitor["status"], monitor["cpu_usage"]) == ("a", "pending", None)


def test_history_of_nothing_is_an_empty_list(run: Run) -> None:
    run("monitor", "create", "a")
    assert json.loads(run("history", "a", "--step", "raw", "--json").out) == []
    assert run("history", "a", "--csv").out == ""


@pytest.mark.parametrize("since", ["24h", "90s", "2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01T10:00:00+02:00"])
def test_times_are_a_while_ago_or_iso_8601(run: Run, since: str) -> None:
    run("monitor", "create", "a")
    assert run("history", "a", "--since", since, "--until", "1s").code == 0


def test_a_name_from_outside_cannot_steer_the_terminal(run: Run, home: Path) -> None:
    run("monitor", "create", "[/]", "a")
    database = home / ".local/share/agentmon/agentmon.db"
    connection = sqlite3.connect(database)
    connection.execute("UPDATE monitor SET name = ? WHERE name = 'a'", ("\x1b[31mred\u202e",))
    connection.commit()
    connection.close()
    for arguments in (["monitor", "list"], ["status"], ["monitor", "show", "\x1b[31mred\u202e"]):
        ran = run(*arguments)
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err
    assert "[/]" in run("monitor", "list").out


def test_a_database_that_is_none_is_refused_and_untouched(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    path.write_text("Dear diary")
    for arguments in (["serve"], ["monitor", "create", "a"], ["monitor", "list"], ["history", "a"]):
        assert run("--db", str(path), *arguments).code == 1
    assert path.read_text() == "Dear diary"


@pytest.mark.parametrize("place", ["", ".", "/", "..", "folder"])
def test_a_database_that_is_no_file_is_refused(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    named = str(tmp_path / place) if place == "folder" else place
    assert run("--db", named, "status").code == 3
    for command in (["serve", "--port", "0"], ["monitor", "create", "a"], ["monitor", "list"]):
        ran = run("--db", named, *command)
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert "is not a file" in ran.err


def test_a_device_is_refused_and_keeps_its_mode(run: Run, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    fifo.chmod(0o666)
    ran = run("--db", str(fifo), "monitor", "create", "a")
    assert (ran.code, ran.err) == (1, f"agentmon: {fifo} is not a file\n")
    assert stat.S_IMODE(fifo.stat().st_mode) == 0o666
    assert list(tmp_path.iterdir()) == [fifo]


@pytest.mark.parametrize("number", ["0", "1001", "-1", "1.5", "many"])
def test_limits_of_an_address_that_would_do_nothing_are_wrong_usage(run: Run, number: str) -> None:
    assert run("serve", "--max-per-address", number).code == 2


def test_all_connections_may_be_of_one_address() -> None:
    assert ReceiverOptions().max_connections == MAX_CONNECTIONS


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "-1"])
def test_numbers_that_are_none_to_go_by_are_wrong_usage(run: Run, number: str) -> None:
    assert run("serve", "--max-report-rate", number).code == 2
    assert run("agent", "--url", "http://x", "--interval", number).code == 2
