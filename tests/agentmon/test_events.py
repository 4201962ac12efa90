"""`events`: whose, since when, in words and as JSON."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentmon import events as command
from store.event_log import record
from store.events import Event, EventKind
from store.policy import Level
from store.schema import prepare_database
from store.writer import Writer, wall_clock_ms
from tests.agentmon.conftest import Ran, Run

MINUTE = 60_000
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d"

Tell = Callable[..., None]


@pytest.fixture
def tell(home: Path) -> Tell:
    """Record events in a database that has nothing else."""
    path = home / ".local/share/agentmon/agentmon.db"
    prepare_database(path)

    async def write(happened: tuple[Event, ...]) -> None:
        writer = await Writer.open(path)
        await writer.transact(lambda connection, _: record(connection, happened))
        await writer.close()

    return lambda *happened: asyncio.run(write(happened))


def ago(minutes: float) -> int:
    """Return a time so many minutes ago (ms)."""
    return wall_clock_ms() - round(minutes * MINUTE)


def created(name: str, minutes: float = 5) -> Event:
    """Return the event of a monitor that is known by this name alone."""
    return Event(EventKind.CREATED, ago(minutes), 900, name)


def read(ran: Ran) -> list[dict[str, Any]]:
    """Return what `--json` printed."""
    assert (ran.code, ran.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


def names(ran: Ran) -> list[str]:
    """Return the monitors of the events that `--json` printed."""
    return [event["monitor"] for event in read(ran)]


def test_a_line_has_the_time_the_monitor_the_kind_and_a_sentence(run: Run, tell: Tell) -> None:
    tell(
        Event(EventKind.RECEIVER_STARTED, ago(9), detail={"off_s": 190.0, "killed": False}),
        Event(EventKind.DOWN, ago(5), 1, "web-1", {"silence_s": 301.0}),
    )
    first, second = run("events").out.splitlines()
    assert re.fullmatch(rf"{TIME}  - +  receiver started  receiver started, it was off for 3m 10s", first)
    assert re.fullmatch(rf"{TIME}  web-1 +  down +  down, silent for 5m 1s", second)


def test_json_is_a_list_oldest_first_with_the_detail_in_iso_times(run: Run, tell: Tell) -> None:
    breach = {"metric": "disk", "mount": "/var", "level": Level.WARNING, "value": 82.0, "limit": 80.0, "for_s": 60.0}
    tell(
        Event(EventKind.DEGRADED, ago(3), 1, "ü", {**breach, "since": 1_772_366_400_000}),
        Event(EventKind.DELETED, ago(4), 1, "ü"),
    )
    ran = run("events", "--json")
    first, second = read(ran)
    assert ran.out.isascii()
    assert list(first) == ["id", "at", "kind", "monitor", "monitor_id", "text", "detail"]
    assert (first["monitor"], first["monitor_id"], first["kind"]) == ("ü", 1, "degraded")
    assert first["text"] == "disk /var 82% for 1m, warning from 80%"
    assert first["detail"] == breach | {"since": "2026-03-01T12:00:00.000Z"}
    assert re.fullmatch(ISO, first["at"])
    assert (second["kind"], second["detail"]) == ("deleted", {})
    assert second["id"] > first["id"]


def test_nothing_happened_is_an_empty_list_and_no_line(run: Run, tell: Tell) -> None:
    assert run("events", "--json").out == "[]\n"
    assert run("events").out == ""


def test_since_takes_a_while_ago_or_a_time_and_is_a_day_unless_said(run: Run, tell: Tell) -> None:
    tell(*(created(name, minutes) for name, minutes in (("old", 25 * 60), ("day", 23 * 60), ("now", 5))))
    assert names(run("events", "--json")) == ["day", "now"]
    assert names(run("events", "--json", "--since", "1h")) == ["now"]
    assert names(run("events", "--json", "--since", "2026-01-01")) == ["old", "day", "now"]
    assert run("events", "--since", "yesterday-ish").code == 2


def test_all_pages_are_read(run: Run, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PAGE", 3)
    tell(*(created(str(number)) for number in range(10)))
    assert names(run("events", "--json")) == [str(number) for number in range(10)]


def test_names_choose_monitors_and_a_renamed_one_keeps_its_past(run: Run) -> None:
    run("monitor", "create", "a", "b", "c")
    run("monitor", "rename", "a", "new")
    assert set(names(run("events", "--json", "new", "b"))) == {"a", "new", "b"}
    assert [event["kind"] for event in read(run("events", "--json", "new"))] == ["created", "renamed"]
    assert [event["kind"] for event in read(run("events", "--json", "c"))] == ["created"]


def test_a_deleted_monitor_can_still_be_asked_for(run: Run) -> None:
    run("monitor", "create", "a", "b")
    run("monitor", "delete", "a", "--yes")
    assert [event["kind"] for event in read(run("events", "--json", "a"))] == ["created", "deleted"]


def test_a_name_that_nobody_ever_had_is_a_failure(run: Run) -> None:
    run("monitor", "create", "a")
    for form in ([], ["--json"], ["--follow"]):
        ran = run("events", "a", "nobody", *form)
        assert (ran.code, ran.out, ran.err) == (1, "", "agentmon: there is no monitor called nobody\n")


def test_names_from_outside_cannot_steer_the_terminal(run: Run, tell: Tell) -> None:
    tell(created("\x1b[31mred\u202e\n[/]"))
    ran = run("events")
    assert ran.out.count("\n") == 1
    assert ran.out.strip().isprintable()
    assert "[/]" in ran.out


def test_without_a_database_it_says_so(run: Run) -> None:
    ran = run("events")
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"agentmon: there is no database[^\n]*\n", ran.err)


def test_it_has_help_and_takes_its_options_from_the_environment(
    run: Run, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("events", "--help").out.startswith("Usage: agentmon events")
    tell(created("old", 90), created("now"))
    monkeypatch.setenv("AGENTMON_EVENTS_SINCE", "1h")
    monkeypatch.setenv("AGENTMON_EVENTS_JSON", "1")
    assert names(run("events")) == ["now"]
