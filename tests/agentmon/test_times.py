"""Times on the command line: typed as in the console's dialog, shown with their zone."""

import asyncio
import re
from datetime import datetime
from pathlib import Path

import click
import pytest

from agentmon.times import PointInTime, require_order
from store.event_log import record
from store.events import Event, EventKind
from store.schema import prepare_database
from store.writer import Writer
from tests.agentmon.conftest import Run

pytestmark = pytest.mark.usefixtures("berlin_machine")

NOON = "2026-03-01T12:00:00+01:00"
AT = round(datetime.fromisoformat(NOON).timestamp() * 1000)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let it be the Sunday after the clocks went back, at 11:00."""
    stopped = round(datetime.fromisoformat("2026-10-25T11:00:00+01:00").timestamp() * 1000)
    monkeypatch.setattr("store.writer.wall_clock_ms", lambda: stopped)
    return stopped


@pytest.fixture
def told(home: Path) -> None:
    """One event, on the first of March at noon in Berlin."""
    path = home / ".local/share/agentmon/agentmon.db"
    prepare_database(path)

    async def write() -> None:
        writer = await Writer.open(path)
        await writer.transact(lambda connection, _: record(connection, [Event(EventKind.CREATED, AT, 9, "a")]))
        await writer.close()

    asyncio.run(write())


def read(text: str) -> str:
    """Return what an option's value means, as an ISO time of UTC."""
    return datetime.fromtimestamp(PointInTime().convert(text, None, None) / 1000).astimezone().isoformat()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("24h", "2026-10-24T12:00:00+02:00"),
        ("-6h", "2026-10-25T05:00:00+01:00"),
        ("yesterday", "2026-10-24T00:00:00+02:00"),
        ("mon 09:00", "2026-10-19T09:00:00+02:00"),
        ("03:12", "2026-10-25T03:12:00+01:00"),
        ("2026-10-20", "2026-10-20T00:00:00+02:00"),
        ("2026-10-20T10:00:00.000Z", "2026-10-20T12:00:00+02:00"),
        ("2099-01-01", "2099-01-01T00:00:00+01:00"),
    ],
)
def test_a_time_means_what_it_means_in_the_console(text: str, meant: str) -> None:
    assert read(text) == meant


def test_of_two_times_of_one_name_the_command_says_which_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert read("02:30") == "2026-10-25T02:30:00+01:00"
    assert capsys.readouterr().err == "02:30: the second of two that night: the clocks went back\n"


@pytest.mark.parametrize("text", ["yesterday-ish", "", "25:99", "2026-03-29 02:30", "90"])
def test_what_is_not_a_time_is_wrong_usage_in_one_line(run: Run, text: str) -> None:
    ran = run("events", "--since", text)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert repr(text) in ran.err


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("since", ["2026-03-01", "-300d", "2026-03-01 11:59:59+01:00", "1970-01-01"])
def test_an_event_is_shown_in_the_zone_of_the_machine_or_in_utc(run: Run, since: str) -> None:
    assert run("events", "--since", since).out.startswith("2026-03-01 12:00:00+01:00  a ")
    assert run("events", "--since", since, "--utc").out.startswith("2026-03-01 11:00:00Z  a ")
    assert '"at": "2026-03-01T11:00:00.000Z"' in run("events", "--since", since, "--json").out


@pytest.mark.usefixtures("told")
def test_a_time_that_was_shown_can_be_typed_again(run: Run) -> None:
    shown = re.split(r"  +", run("events", "--since", "2026-01-01").out)[0]
    assert run("events", "--since", shown).out.startswith(shown)


@pytest.mark.usefixtures("told")
def test_a_beginning_in_the_future_is_wrong_usage(run: Run) -> None:
    run("monitor", "create", "a")
    for command in (("events",), ("history", "a"), ("history", "a", "--json")):
        ran = run(*command, "--since", "2099-01-01")
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert "--since 2099-01-01 00:00:00+01:00 is still to come" in ran.err


@pytest.mark.usefixtures("told")
def test_an_end_before_the_beginning_is_wrong_usage_and_one_in_the_future_is_not(run: Run) -> None:
    run("monitor", "create", "a")
    ran = run("history", "a", "--since", "-1h", "--until", "-6h")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "--until 2026-10-25 05:00:00+01:00 is before --since 2026-10-25 10:00:00+01:00" in ran.err
    assert run("history", "a", "--until", "2099-01-01").code == 0
    require_order(1, 1)
    with pytest.raises(click.UsageError):
        require_order(2, 1)


def test_a_paused_monitor_shows_when_in_the_zone_of_the_machine(run: Run, now: int) -> None:
    run("monitor", "create", "a")
    run("monitor", "pause", "a", "--for", "1h")
    assert "paused_until        2026-10-25 12:00:00+01:00\n" in run("monitor", "show", "a").out
    assert "paused_until        2026-10-25 11:00:00Z\n" in run("monitor", "show", "a", "--utc").out
