"""Names that read the same are one name, wherever one is given or looked up; a migration tells apart what was not."""

import json
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from store import changes
from store.channels import ChannelKind, add_channel, read_target, remove_channel
from store.errors import ChangeRefusedError
from store.event_log import is_told_of
from store.events import Event, EventKind
from store.policy import Level
from store.reader import Reader
from store.schema import migrations, prepare_database
from store.tags import Edit
from store.wording import sentence
from store.writer import Writer
from tests.conftest import Create

ALIKE = ("café 1", "cafe\u0301 1", " café\u00a01", "café  1 ", "café\u30001")


async def test_a_monitor_is_made_once_whatever_way_its_name_is_written(writer: Writer, create: Create) -> None:
    (key,) = await create(ALIKE[1])
    assert [live.monitor.name for live in writer.lives.values()] == ["café 1"]
    for name in ALIKE:
        with pytest.raises(ChangeRefusedError, match="already a monitor called café 1"):
            await create(name)
        again = partial(changes.create_monitors, names=[name], now=0, if_missing=True)
        assert await writer.change(again) == [(1, "café 1", key)]
        assert await writer.transact(partial(changes.read_credentials, name=name)) == (1, "café 1", key)


async def test_two_names_that_read_the_same_in_one_request_are_refused(create: Create) -> None:
    with pytest.raises(ChangeRefusedError, match="already a monitor called web-1"):
        await create("web-1", "web-1 ")


async def test_every_change_finds_it_and_tells_of_it_by_its_name(
    writer: Writer, create: Create, database: Path
) -> None:
    await create("café 1")
    operations = (
        partial(changes.rotate_key, now=1),
        partial(changes.pause_monitor, now=2),
        partial(changes.set_monitor, now=3, settings={"down_after": 600.0}),
        partial(changes.edit_monitor, now=4, edit=Edit(new_name=" cafe\u0301\u00a01")),
        partial(changes.delete_monitor, now=5),
    )
    for operation, name in zip(operations, ALIKE, strict=True):
        await writer.change(partial(operation, name=name))
    reader = await Reader.open(database)
    assert {(event.kind, event.monitor) for event in await reader.events()} == {
        (kind, "café 1")
        for kind in (EventKind.CREATED, EventKind.KEY_ROTATED, EventKind.PAUSED, EventKind.SET, EventKind.DELETED)
    }
    await reader.close()


async def test_a_reader_finds_it_too(writer: Writer, create: Create, database: Path) -> None:
    (key,) = await create("café 1")
    reader = await Reader.open(database)
    for name in ALIKE:
        found = await reader.monitor(name)
        assert found is not None
        assert found.name == "café 1"
        assert await reader.agent_key(name) == key
        assert await reader.is_told_of(name)
    await reader.close()


async def test_a_channel_is_found_like_a_monitor(writer: Writer) -> None:
    add = partial(add_channel, kind=ChannelKind.COMMAND, target="true", shown="true", level=Level.WARNING, now=0)
    assert await writer.transact(partial(add, name="cafe\u0301  1 ")) == "café 1"
    for name in ALIKE:
        with pytest.raises(ChangeRefusedError, match="already a channel"):
            await writer.transact(partial(add, name=name))
        assert (await writer.transact(partial(read_target, name=name))).address == "true"
    await writer.transact(partial(remove_channel, name=ALIKE[2]))


OLD = ("web-1 ", " web-1", "web-1", "cafe\u0301", "fine", 'a"\\🐘\u00a0')


@pytest.fixture
def old_database(tmp_path: Path) -> Path:
    """A database from before, with names that read the same."""
    path = tmp_path / "a.db"
    prepare_database(path, migrations()[:5])
    with sqlite3.connect(path) as connection:
        for name in OLD:
            row = connection.execute("INSERT INTO monitor (name, created_at) VALUES (?, 1000)", (name,))
            connection.execute(
                "INSERT INTO agent_key (agent_key, monitor_id) VALUES (?, ?)", (f"k{row.lastrowid}", row.lastrowid)
            )
        connection.executemany(
            "INSERT INTO channel (name, kind, target, shown, level, created_at)"
            " VALUES (?, 'command', 'true', 'true', 'warning', 0)",
            [("ntfy",), ("ntfy\u00a0",)],
        )
    connection.close()
    return path


def test_a_migration_renames_what_collides_and_says_so(old_database: Path) -> None:
    prepare_database(old_database)
    connection = sqlite3.connect(old_database)
    keys = connection.execute(
        "SELECT name, agent_key FROM monitor JOIN agent_key ON monitor.id = monitor_id ORDER BY monitor.id"
    )
    assert keys.fetchall() == [
        ("web-1 (2)", "k1"),
        ("web-1 (3)", "k2"),
        ("web-1", "k3"),
        ("café", "k4"),
        ("fine", "k5"),
        ('a"\\🐘', "k6"),
    ]
    told = connection.execute("SELECT monitor_id, monitor, kind, detail, at FROM event ORDER BY id").fetchall()
    assert [row[:3] for row in told] == [
        (1, "web-1 (2)", "renamed"),
        (2, "web-1 (3)", "renamed"),
        (4, "café", "renamed"),
        (6, 'a"\\🐘', "renamed"),
    ]
    assert [json.loads(row[3])["before"] for row in told] == [OLD[0], OLD[1], OLD[3], OLD[5]]
    said = sentence(Event(EventKind.RENAMED, told[0][4], detail=json.loads(told[0][3])))
    assert said.startswith("renamed by agentmon, was 'web-1 ':")
    assert connection.execute("SELECT name FROM channel ORDER BY id").fetchall() == [("ntfy",), ("ntfy (2)",)]
    connection.close()


async def test_after_the_migration_an_event_of_before_is_found_by_its_old_name(old_database: Path) -> None:
    prepare_database(old_database)
    with sqlite3.connect(old_database) as connection:
        connection.execute("INSERT INTO event (at, kind, monitor, detail) VALUES (1, 'created', 'gone\u00a01', '{}')")
    connection.close()
    writer = await Writer.open(old_database)
    assert await writer.transact(lambda connection, _: is_told_of(connection, "gone\u00a01"))
    assert not await writer.transact(lambda connection, _: is_told_of(connection, "nobody"))
    await writer.close()
