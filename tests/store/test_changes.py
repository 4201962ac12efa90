"""Creating, renaming, rotating, pausing, setting and deleting: all or nothing, and refused in one clear line."""

import re
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from store import changes
from store.errors import ChangeRefusedError, UnknownKeyError
from store.live import Live
from store.models import Status
from store.reader import Reader
from store.tags import Edit
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report


async def test_a_new_key_is_a_prefix_and_40_base62_characters(create: Create) -> None:
    first, second = await create("a", "b")
    assert re.fullmatch(r"amk_[0-9A-Za-z]{40}", first)
    assert first != second


async def test_several_names_are_one_transaction(writer: Writer, create: Create) -> None:
    await create("a")
    with pytest.raises(ChangeRefusedError, match="already a monitor called a"):
        await create("b", "a")
    assert [live.monitor.name for live in writer.lives.values()] == ["a"]


async def test_if_missing_leaves_what_exists_as_it_is(writer: Writer, create: Create) -> None:
    (key,) = await create("a")
    make = partial(changes.create_monitors, names=["a", "b"], now=0, if_missing=True)
    made = await writer.change(make)
    assert made[0] == (1, "a", key)
    assert made[1][1] == "b"


async def test_an_existing_key_can_be_taken_over_once(writer: Writer) -> None:
    make = partial(changes.create_monitors, now=0, agent_key="old-key_from:elsewhere")
    await writer.change(partial(make, names=["a"]))
    assert writer.find("old-key_from:elsewhere") == 1
    with pytest.raises(ChangeRefusedError, match="belongs to another monitor"):
        await writer.change(partial(make, names=["b"]))
    with pytest.raises(ChangeRefusedError, match="one monitor"):
        await writer.change(partial(make, names=["c", "d"]))


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 129, "ключ", "a\n"])
async def test_a_malformed_key_is_refused_without_repeating_it(writer: Writer, key: str) -> None:
    with pytest.raises(ChangeRefusedError) as caught:
        await writer.change(partial(changes.create_monitors, names=["a"], now=0, agent_key=key))
    assert len(key) < 4 or key not in str(caught.value)
    assert not writer.lives


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x1b[31m", "a\u202eb", "line\u2028", "\ue000", " "])
async def test_a_name_that_cannot_be_shown_is_refused(create: Create, name: str) -> None:
    with pytest.raises(ChangeRefusedError):
        await create(name)


@pytest.mark.parametrize("name", ["[/]", "x" * 64, "web 1", "büro-ñ", "日本", "--help", "%s{}'\";"])
async def test_a_name_like_any_other_is_taken(writer: Writer, create: Create, name: str) -> None:
    await create(name)
    assert writer.lives[1].monitor.name == name


async def test_renaming_keeps_names_unique(writer: Writer, create: Create) -> None:
    await create("a", "b")
    with pytest.raises(ChangeRefusedError, match="already"):
        await writer.change(partial(changes.edit_monitor, name="a", edit=Edit(new_name="b"), now=START_MS))
    await writer.change(partial(changes.edit_monitor, name="a", edit=Edit(new_name="c"), now=START_MS))
    await writer.change(partial(changes.edit_monitor, name="b", edit=Edit(new_name="b"), now=START_MS))
    assert sorted(live.monitor.name for live in writer.lives.values()) == ["b", "c"]
    with pytest.raises(ChangeRefusedError, match="no monitor called a"):
        await writer.change(partial(changes.edit_monitor, name="a", edit=Edit(new_name="x"), now=START_MS))


async def test_a_rotated_key_takes_over_with_its_first_report(writer: Writer, database: Path, create: Create) -> None:
    (old,) = await create("a")
    await writer.change(partial(changes.rotate_key, name="a", now=START_MS))
    _, _, new = await writer.transact(partial(changes.read_credentials, name="a"))
    assert new != old
    await writer.store(old, make_report(), "::1")
    await writer.store(new, make_report(), "::1")
    with pytest.raises(UnknownKeyError):
        await writer.store(old, make_report(), "::1")
    assert writer.find(old) is None
    await writer.store(new, make_report(), "::1")
    reader = await Reader.open(database)
    assert await reader.agent_key("a") == new
    assert await reader.agent_key("nobody") is None
    await reader.close()


async def test_of_keys_rotated_twice_the_reporting_one_ends_its_elders_only(writer: Writer, create: Create) -> None:
    (first,) = await create("a")
    keys = [first]
    for _ in range(2):
        await writer.change(partial(changes.rotate_key, name="a", now=START_MS))
        keys.append((await writer.transact(partial(changes.read_credentials, name="a")))[2])
    await writer.store(keys[1], make_report(), "::1")
    assert [writer.find(key) for key in keys] == [None, 1, 1]
    await writer.store(keys[2], make_report(), "::1")
    assert [writer.find(key) for key in keys] == [None, None, 1]


def up(_: Live) -> Status:
    return Status.UP


async def test_resuming_begins_with_what_the_judge_says(writer: Writer, create: Create, clock: Clock) -> None:
    await create("a")
    await writer.change(partial(changes.resume_monitor, name="a", now=clock.ms, verdict=up))
    assert writer.lives[1].monitor.status is Status.PENDING
    await writer.change(partial(changes.pause_monitor, name="a", now=clock.ms, until=clock.ms + 5))
    assert writer.lives[1].monitor.paused_until == clock.ms + 5
    clock.advance(3)
    await writer.change(partial(changes.resume_monitor, name="a", now=clock.ms, verdict=up))
    monitor = writer.lives[1].monitor
    assert (monitor.status, monitor.status_since, monitor.paused_until) == (Status.UP, clock.ms, None)


async def test_pausing_again_keeps_since_when(writer: Writer, create: Create, clock: Clock) -> None:
    await create("a")
    await writer.change(partial(changes.pause_monitor, name="a", now=1_000))
    await writer.change(partial(changes.pause_monitor, name="a", now=2_000, until=9_000))
    monitor = writer.lives[1].monitor
    assert (monitor.status_since, monitor.paused_until) == (1_000, 9_000)


async def test_deadlines_are_set_and_unset(writer: Writer, create: Create) -> None:
    await create("a")
    await writer.change(
        partial(changes.set_monitor, name="a", settings={"down_after": 120.0, "late_after": 5.0}, now=START_MS)
    )
    assert writer.lives[1].monitor.settings["down_after"] == 120
    await writer.change(partial(changes.set_monitor, name="a", settings={"down_after": None}, now=START_MS))
    monitor = writer.lives[1].monitor
    assert monitor.settings == {"late_after": 5}


async def test_a_deadline_that_is_none_is_refused(writer: Writer, create: Create) -> None:
    await create("a")
    for settings in ({"down_after": 0.0}, {"down_after": -1.0}, {"late_after": float("nan")}, {"colour": 1.0}):
        with pytest.raises(ChangeRefusedError):
            await writer.change(partial(changes.set_monitor, name="a", settings=settings, now=START_MS))


async def test_every_change_is_seen_by_who_reads_what_changed(writer: Writer, database: Path, create: Create) -> None:
    await create("a", "b")
    reader = await Reader.open(database)
    seen = (await reader.changes()).seq
    for change in (
        partial(changes.edit_monitor, name="a", edit=Edit(new_name="c"), now=START_MS),
        partial(changes.rotate_key, name="c", now=START_MS),
        partial(changes.pause_monitor, name="c", now=1),
        partial(changes.set_monitor, name="c", settings={"down_after": 9.0}, now=START_MS),
        partial(changes.resume_monitor, name="c", now=1, verdict=up),
    ):
        await writer.change(change)
        news = await reader.changes(seen)
        assert [monitor.name for monitor in news.monitors] == ["c"]
        assert news.seq > seen
        seen = news.seq
    await writer.change(partial(changes.delete_monitor, name="c", now=START_MS))
    news = await reader.changes(seen)
    assert (news.monitors, news.ids, news.seq) == ((), frozenset({2}), seen)
    await reader.close()


async def test_a_deleted_monitor_is_gone_at_once_and_its_history_bit_by_bit(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PURGE_ROWS", 3)
    first, second = await create("a", "b")
    for _ in range(5):
        await writer.store(first, make_report(), "::1")
        await writer.store(second, make_report(), "::1")
    await writer.change(partial(changes.delete_monitor, name="a", now=START_MS))
    assert writer.find(first) is None
    with pytest.raises(UnknownKeyError):
        await writer.store(first, make_report(), "::1")
    rounds = 0
    while await writer.transact(changes.purge_deleted):
        rounds += 1
    assert rounds > 4
    other = sqlite3.connect(database)
    for table in ("sample", "sample_mount", "mount", "host"):
        assert other.execute(f"SELECT DISTINCT monitor_id FROM {table}").fetchall() == [(2,)]
    other.close()
    (third,) = await create("a")
    assert writer.find(third) == 3
