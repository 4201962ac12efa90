"""`agentmon notify`: added, listed without secrets, tried out, removed; here without a receiver."""

import io
import json
import re
from pathlib import Path

import pytest

from tests.agentmon.conftest import Run
from tests.e2e.alert_sink import alert_sink

SECRET = "tk_hunter2"
URL = f"json://me:{SECRET}@127.0.0.1:1/{SECRET}?-X-Token={SECRET}"


@pytest.fixture(autouse=True)
def _database(run: Run) -> None:
    assert run("monitor", "create", "web-1").code == 0


@pytest.mark.parametrize("command", [[], ["add"], ["list"], ["remove"], ["test"]], ids=" ".join)
def test_every_command_has_help(run: Run, command: list[str]) -> None:
    helped = run("notify", *command, "--help")
    assert (helped.code, helped.err) == (0, "")
    assert helped.out.startswith("Usage: agentmon notify")


def test_help_recommends_standard_input(run: Run) -> None:
    words = " ".join(run("notify", "add", "--help").out.split())
    assert "Write - to have it read from standard input" in words


def test_a_channel_is_added_listed_and_removed_and_shows_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(URL + "\n"))
    added = run("notify", "add", "-", "--name", "hook", "--level", "critical")
    assert (added.code, added.out) == (0, "hook: json://me:****@127.0.0.1:1/****\n")
    listed, detailed = run("notify", "list"), run("notify", "list", "--json")
    assert re.fullmatch(r"hook +critical +json://me:\*{4}@127\.0\.0\.1:1/\*{4} +nothing sent yet\n", listed.out)
    (channel,) = json.loads(detailed.out)
    assert (channel["name"], channel["kind"], channel["level"]) == ("hook", "apprise", "critical")
    assert (channel["waiting"], channel["sent_at"], channel["problem"]) == (0, None, None)
    tried = run("notify", "test")
    assert (tried.code, tried.out) == (1, "hook: connection refused\n")
    assert "failed 20" in run("notify", "list").out
    assert SECRET not in "".join(each.out + each.err for each in (added, listed, detailed, tried))
    assert run("notify", "remove", "hook").code == 0
    assert run("notify", "list", "--json").out == "[]\n"


@pytest.mark.parametrize("piped", ["\ufeffjson://h\r\n\r\n", "'json://h'\n", "\n json://h"])
def test_one_url_is_read_however_it_was_saved(run: Run, monkeypatch: pytest.MonkeyPatch, piped: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(piped))
    assert run("notify", "add", "-").out == "JSON: json://h\n"


def test_of_two_piped_lines_none_is_dropped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"json://h\njson://{SECRET}\n"))
    ran = run("notify", "add", "-")
    assert (ran.code, ran.out, ran.err) == (1, "", "agentmon: add one URL at a time: these are 2 lines\n")
    assert run("notify", "list", "--json").out == "[]\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("key-1\nkey-2\n"))
    assert run("monitor", "create", "web-2", "--key", "-").code == 1


def test_a_test_that_arrives(run: Run, tmp_path: Path) -> None:
    run("notify", "add", "--exec", f"cat > {tmp_path}/got")
    with alert_sink() as sink:
        run("notify", "add", sink.url)
        tried = run("notify", "test")
        named = run("notify", "test", "JSON")
    assert (tried.code, tried.out.splitlines()) == (0, ["JSON: delivered", "cat: delivered"])
    assert (named.code, len(sink.received)) == (0, 2)
    assert json.loads((tmp_path / "got").read_text())["title"] == "agentmon: test"
    assert "last sent 20" in run("notify", "list").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add"], 2, "either a URL or --exec"),
        (["add", "json://h", "--exec", "true"], 2, "either a URL or --exec"),
        (["add", "json://h", "--level", "loud"], 2, "loud"),
        (["add", f"nosuch://{SECRET}"], 1, "agentmon: Apprise knows no service nosuch://"),
        (["add", f"{SECRET}"], 1, "agentmon: that is no URL of a service"),
        (["remove", "nobody"], 1, "agentmon: there is no channel called nobody"),
        (["test", "nobody"], 1, "agentmon: there is no channel called nobody"),
        (["test"], 1, "agentmon: there are no channels yet"),
    ],
)
def test_what_will_not_do_is_said_in_a_line(run: Run, arguments: list[str], code: int, words: str) -> None:
    ran = run("notify", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert SECRET not in ran.err
