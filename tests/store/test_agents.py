"""The agent that a User-Agent names: exactly ours, short and safe, which of them are old, and how one is stored."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.agents import MAX_USER_AGENT, is_old, parse_user_agent, user_agent_of
from store.models import AgentInfo, Monitor
from store.reader import Reader
from store.schema import migrations, prepare_database
from store.text import safe_text
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report

KINDS = ("sh", "psutil", "powershell")
SYSTEMS = ("linux", "freebsd", "macos", "windows")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_each_of_our_agents_is_known_and_written_as_it_came(kind: str, system: str) -> None:
    user_agent = f"agentmon-agent/0.2.0 ({kind}; {system})"
    agent = parse_user_agent(user_agent)
    assert agent == AgentInfo("0.2.0", kind, system)
    assert agent is parse_user_agent(str(user_agent.encode(), "ascii"))
    assert user_agent_of(agent) == user_agent


@pytest.mark.parametrize("version", ["0.3.0rc1", "1", "0.2.0.dev1+g1a2b3c4", "0.2.0-beta", "9" * 32])
def test_a_version_of_any_form_is_kept(version: str) -> None:
    agent = parse_user_agent(f"agentmon-agent/{version} (sh; linux)")
    assert agent is not None
    assert agent.version == version


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "curl/8.5.0",
        "Wget/1.21.4",
        "agentmon-agent",
        "agentmon-agent/",
        "agentmon-agent/0.2.0",
        "agentmon-agent/ (sh; linux)",
        "agentmon-agent/0.2.0 (sh)",
        "agentmon-agent/0.2.0 (sh; linux",
        "agentmon-agent/0.2.0 (sh;linux)",
        "agentmon-agent/0.2.0 (sh; linux) ",
        "agentmon-agent/0.2.0 (sh; linux)\n",
        " agentmon-agent/0.2.0 (sh; linux)",
        "agentmon-agent/0.2.0 (sh; linux) curl/8.5.0",
        "Agentmon-Agent/0.2.0 (sh; linux)",
        "agentmon-agent/0.2.0 (perl; linux)",
        "agentmon-agent/0.2.0 (sh; openbsd)",
        "agentmon-agent/.2 (sh; linux)",
        "agentmon-agent/0.2.0\x1b[31m (sh; linux)",
        "agentmon-agent/\u0660.\u0662 (sh; linux)",
        "agentmon-agent/0.2.0\udcff (sh; linux)",
        f"agentmon-agent/{'9' * 33} (sh; linux)",
        "agentmon-agent/0.2.0 (sh; linux)" * 9_000,
    ],
    ids=lambda text: repr(text[:40]),
)
def test_of_any_other_nothing_is_kept(user_agent: str) -> None:
    assert parse_user_agent(user_agent) is None


def test_the_longest_of_ours_is_within_the_bound() -> None:
    longest = f"agentmon-agent/{'9' * 32} ({max(KINDS, key=len)}; {max(SYSTEMS, key=len)})"
    assert len(longest) <= MAX_USER_AGENT
    assert parse_user_agent(longest) is not None


@given(st.from_regex(r"agentmon-agent/[^ ]* \((sh|psutil|powershell); (linux|windows)\)", fullmatch=True) | st.text())
def test_whatever_comes_what_is_kept_is_safe_to_show(user_agent: str) -> None:
    agent = parse_user_agent(user_agent)
    if agent is not None:
        assert user_agent_of(agent) == user_agent == safe_text(user_agent)
        is_old(agent)


@pytest.mark.parametrize(
    ("version", "shipped", "old"),
    [
        ("0.1.0", "0.2.0", True),
        ("0.1.99", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.1", "0.2.0", True),
        ("0", "0.2.0", True),
        ("0.2.0", "0.2.1", True),
        ("0.2.0", "0.2.0", False),
        ("0.2", "0.2.0", False),
        ("0.2.0.0", "0.2.0", False),
        ("00.02.0", "0.2.0", False),
        ("0.2.1", "0.2.0", False),
        ("0.10.0", "0.9.0", False),
        ("1", "0.2.0", False),
        ("9" * 32, "0.2.0", False),
        ("0.1.0rc1", "0.2.0", False),
        ("0.1.0-beta", "0.2.0", False),
        ("0.1.", "0.2.0", False),
        ("latest", "0.2.0", False),
        ("0.1.0", "0.3.0.dev1", False),
    ],
)
def test_only_a_lower_number_is_old(version: str, shipped: str, old: bool) -> None:
    assert is_old(AgentInfo(version, "sh", "linux"), shipped) is old


SHELL, PYTHON = AgentInfo("0.1.0", "sh", "linux"), AgentInfo("0.2.0", "psutil", "freebsd")


async def read(database: Path, at: int | None = None) -> dict[str, Monitor]:
    """Return the fleet by name, as it is or as it was."""
    reader = await Reader.open(database)
    try:
        fleet = (await reader.changes()).monitors if at is None else await reader.fleet_at(at)
        return {monitor.name: monitor for monitor in fleet}
    finally:
        await reader.close()


async def test_the_agent_of_the_last_report_is_kept_over_a_restart(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    a, b = await create("a", "b")
    await writer.store(a, make_report(), "::1", SHELL)
    await writer.store(b, make_report(), "::1", SHELL)
    await writer.store(b, make_report(), "::1", PYTHON)
    again = await Writer.open(database, clock.wall, clock.listening_s)
    assert [live.monitor.agent for live in again.lives.values()] == [SHELL, PYTHON]
    await again.close()
    assert {name: monitor.agent for name, monitor in (await read(database)).items()} == {"a": SHELL, "b": PYTHON}


async def test_what_another_program_reports_is_not_shown_as_ours(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("a")
    assert (await read(database))["a"].agent is None
    await writer.store(key, make_report(), "::1", SHELL)
    await writer.store(key, make_report(), "::1")
    assert (await read(database))["a"].agent is None
    await writer.store(key, make_report(), "::1", SHELL)
    assert (await read(database))["a"].agent == SHELL


async def test_a_reader_that_asks_for_changes_sees_another_agent(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("a")
    await writer.store(key, make_report(), "::1", SHELL)
    reader = await Reader.open(database)
    seen = await reader.changes()
    await writer.store(key, make_report(), "::1", PYTHON)
    (changed,) = (await reader.changes(seen.seq)).monitors
    await reader.close()
    assert changed.agent == PYTHON


async def test_an_agent_is_written_only_when_it_changed(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("a")
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE written (user_agent TEXT)")
    connection.execute(
        "CREATE TRIGGER writing AFTER UPDATE OF user_agent ON latest"
        " BEGIN INSERT INTO written VALUES (new.user_agent); END"
    )
    for agent in (SHELL, SHELL, SHELL, PYTHON, None, None):
        await writer.store(key, make_report(), "::1", agent)
    written = [row[0] for row in connection.execute("SELECT user_agent FROM written ORDER BY rowid")]
    connection.close()
    assert written == [user_agent_of(SHELL), user_agent_of(PYTHON), None]


async def test_in_the_past_nothing_is_said_of_todays_agent(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("a")
    await writer.store(key, make_report(), "::1", SHELL)
    clock.advance(3600)
    await writer.store(key, make_report(), "::1", PYTHON)
    assert (await read(database, START_MS + 60_000))["a"].agent is None


async def test_a_database_from_before_knows_no_agents_until_they_report(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "a.db"
    prepare_database(path, migrations()[:9])
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO monitor (id, name, created_at) VALUES (1, 'a', 1000)")
    connection.execute("INSERT INTO agent_key (agent_key, monitor_id) VALUES ('amk_a', 1)")
    connection.execute("INSERT INTO latest (monitor_id, seq, status, status_since) VALUES (1, 1, 'up', 2000)")
    connection.commit()
    connection.close()
    prepare_database(path)
    assert (await read(path))["a"].agent is None
    writer = await Writer.open(path, clock.wall, clock.listening_s)
    await writer.store("amk_a", make_report(), "::1", SHELL)
    await writer.close()
    assert (await read(path))["a"].agent == SHELL
