"""Standard streams and arguments in every state that a shell can hand them over in."""

import os
import subprocess

import pytest

from tests.e2e.harness import PATIENCE_S, Station

NO_TEXT = b"\xff\xfe"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """A database that no test changes."""
    station = Station.at(tmp_path_factory.mktemp("streams"))
    station.create("web", "\N{CJK UNIFIED IDEOGRAPH-754C}")
    return station


def shell(station: Station, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `agentmon` works on the station's database."""
    return subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        env=station.environ | {"AGENTMON_DB": str(station.database)} | environ,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("monitor list", 1),
        ("monitor list --json", 1),
        ("--help", 1),
        ("--version", 1),
        ("status", 3),
        ("status --json", 3),
    ],
)
def test_output_that_cannot_be_written_is_said_in_one_line(station: Station, command: str, code: int) -> None:
    done = shell(station, f"agentmon {command} >/dev/full")
    assert (done.returncode, done.stderr) == (code, "agentmon: No space left on device\n")


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["monitor list", "history web --csv", "monitor show web --json"])
def test_closed_streams_are_no_error(station: Station, command: str, closing: str) -> None:
    done = shell(station, f"agentmon {command} {closing}")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_needs_input_says_so_where_there_is_none(station: Station) -> None:
    done = shell(station, "agentmon monitor create moved --key - <&-")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "key" in done.stderr
    done = shell(station, "printf '\\377\\n' | agentmon monitor create moved --key -")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    done = shell(station, "agentmon tui <&-")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_name_that_the_locale_cannot_write_is_escaped(station: Station) -> None:
    done = shell(station, "agentmon monitor list", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert "\\u754c" in done.stdout


def refused(station: Station, *command: str) -> int:
    """Give a command an argument that is no text; it must say one line. Returns its exit code."""
    words = [*map(os.fsencode, station.command(*command)), NO_TEXT]
    done = subprocess.run(words, capture_output=True, env=station.environ, timeout=PATIENCE_S, check=False)
    assert (done.stdout, done.stderr.count(b"\n")) == (b"", 1), done.stderr
    return done.returncode


def test_arguments_that_are_no_text_are_refused_in_one_line(station: Station) -> None:
    changes = (["create"], ["pause"], ["delete", "--yes"], ["rename", "web"])
    assert [refused(station, "monitor", *change) for change in changes] == [1, 1, 1, 1]
    assert [refused(station, "monitor", "show"), refused(station, "history"), refused(station, "status")] == [1, 1, 3]
    with station.serving():
        assert [refused(station, "monitor", *change) for change in changes] == [1, 1, 1, 1]


@pytest.mark.parametrize("command", ["create new --json", "rotate web"])
def test_a_key_that_could_not_be_shown_is_not_lost(station: Station, command: str) -> None:
    before = station.stored()
    done = shell(station, f"agentmon monitor {command} >&-")
    assert (done.returncode, done.stderr) == (1, "agentmon: standard output is closed: nobody would see the key\n")
    assert station.stored() == before
    done = shell(station, f"agentmon monitor {command} >/dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in done.stderr
    assert f"agentmon monitor key NAME ({'new' if 'new' in command else 'web'})" in done.stderr


def test_who_has_read_enough_hears_nothing(station: Station) -> None:
    done = shell(station, "agentmon events --json | head -c 1; agentmon config show >/dev/full")
    assert (done.stdout, done.stderr) == ("[", "agentmon: No space left on device\n")
