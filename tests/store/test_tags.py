"""Tags and notes: what will do as one, kept in order, changed all or nothing, and told."""

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from store import changes
from store.errors import ChangeRefusedError
from store.reader import Reader
from store.schema import migrations, prepare_database
from store.tags import MAX_TAGS, Edit, edited_tags, has_tags, note_problem, split_tags, tag_problem, tags_problem
from store.wording import sentence
from store.writer import Writer
from tests.conftest import START_MS, Create, make_report


@pytest.mark.parametrize("tag", ["a", "x" * 32, "env:prod", "eu-west_1.b", "büro", "日本", "2024", " Web "])
def test_letters_digits_and_four_signs_make_a_tag(tag: str) -> None:
    assert tag_problem(tag) is None


@pytest.mark.parametrize("tag", ["", " ", "x" * 33, "a b", "a,b", "[/]", "a\x1b", "a\u202eb", "#web", "a/b", "\ud800"])
def test_anything_else_is_no_tag_and_what_is_said_of_it_can_be_shown(tag: str) -> None:
    problem = tag_problem(tag)
    assert problem
    assert problem.isprintable()


def test_a_line_of_tags_is_split_at_spaces_and_commas_each_once_in_small_letters() -> None:
    assert split_tags("  Web, prod,,web\tDB ") == ["web", "prod", "db"]
    assert split_tags("U\u0308ber") == split_tags("über")
    assert split_tags(" , ") == []


def test_a_monitor_has_at_most_16_tags_counted_once_each() -> None:
    tags = [f"t{number}" for number in range(MAX_TAGS)]
    assert tags_problem([*tags, "T1"]) is None
    assert tags_problem([*tags, "one-more"]) == "a monitor has at most 16 tags, these are 17"
    assert tags_problem(["fine", "not fine"]) == tag_problem("not fine")


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (Edit(), ("web", "prod")),
        (Edit(tags=["db"]), ("db",)),
        (Edit(tags=[]), ()),
        (Edit(add_tags=["eu", "WEB"]), ("web", "prod", "eu")),
        (Edit(drop_tags=["Web", "absent"]), ("prod",)),
        (Edit(add_tags=["web"], drop_tags=["web"]), ("prod", "web")),
        (Edit(tags=["a", "b"], add_tags=["c"], drop_tags=["a"]), ("b", "c")),
    ],
)
def test_an_edit_sets_adds_and_drops_tags_and_keeps_their_order(edit: Edit, after: tuple[str, ...]) -> None:
    assert edited_tags(("web", "prod"), edit) == after


def test_all_wanted_tags_must_be_there_in_any_case() -> None:
    assert has_tags(("web", "prod"), ["PROD", "web"])
    assert has_tags((), [])
    assert not has_tags(("web",), ["web", "prod"])


@pytest.mark.parametrize("note", ["two\nlines", "\x1b[2J", "a\u2028b", "x" * 1001])
def test_a_note_is_one_line_of_at_most_1000_characters(note: str) -> None:
    assert note_problem(note)
    assert note_problem("rack 4, call [/] first: 日本") is None
    assert note_problem("x" * 1000) is None


async def change(writer: Writer, name: str, **edit: object) -> None:
    await writer.change(partial(changes.edit_monitor, name=name, edit=Edit(**edit), now=START_MS))  # type: ignore[arg-type]


async def test_tags_and_note_are_kept_through_reports_and_seen_by_who_reads(
    writer: Writer, database: Path, create: Create
) -> None:
    (key,) = await create("a")
    await change(writer, "a", tags=["Web", "prod"], note="  rack 4 ")
    await writer.store(key, make_report(), "::1")
    reader = await Reader.open(database)
    found = await reader.monitor("a")
    assert found is not None
    assert (found.tags, found.note) == (("web", "prod"), "rack 4")
    (then,) = await reader.fleet_at(START_MS)
    assert then.tags == ("web", "prod")
    await reader.close()
    assert writer.lives[1].monitor.tags == ("web", "prod")


async def test_new_monitors_get_their_tags_and_those_that_exist_keep_theirs(writer: Writer) -> None:
    make = partial(changes.create_monitors, now=START_MS)
    await writer.change(partial(make, names=["a"], tags=["web"]))
    await writer.change(partial(make, names=["a", "b"], tags=["DB"], if_missing=True))
    assert [live.monitor.tags for live in writer.lives.values()] == [("web",), ("db",)]
    with pytest.raises(ChangeRefusedError, match="is no tag"):
        await writer.change(partial(make, names=["c"], tags=["not so"]))
    assert len(writer.lives) == 2


async def test_an_edit_is_all_or_nothing(writer: Writer, create: Create) -> None:
    await create("a", "b")
    for edit in ({"new_name": "b"}, {"new_name": "c", "tags": ["a b"]}, {"tags": ["x"], "note": "\n\x07"}):
        with pytest.raises(ChangeRefusedError):
            await change(writer, "a", **edit)
    monitor = writer.lives[1].monitor
    assert (monitor.name, monitor.tags, monitor.note) == ("a", (), "")


async def test_an_edit_is_told_once_and_only_what_it_changed(writer: Writer, database: Path, create: Create) -> None:
    await create("a")
    await change(writer, "a", new_name="b", tags=["web", "prod"], note="x")
    await change(writer, "b", new_name="b", tags=["web", "prod"], note="x")
    await change(writer, "b", tags=[], note="")
    reader = await Reader.open(database)
    told = [(event.monitor, sentence(event)) for event in await reader.events(oldest_first=True)]
    await reader.close()
    assert told == [
        ("a", "created"),
        ("b", "renamed, was a"),
        ("b", "tags now web, prod; note changed"),
        ("b", "tags removed; note removed"),
    ]


def test_a_database_from_before_tags_gains_them_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path, migrations()[:3])
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO monitor (name, created_at) VALUES ('web-1', 1000)")
    connection.commit()
    connection.close()
    prepare_database(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name, tags, note FROM monitor").fetchall() == [("web-1", "[]", "")]
    connection.close()
    assert (tmp_path / "a.db.schema-3.backup").exists()
