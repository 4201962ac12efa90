"""Names of mounts and hosts: as many as are kept, forgotten in the end, and no report pays for what once was."""

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from server.upkeep import Upkeep, UpkeepOptions
from store import names
from store.errors import ReportRefusedError
from store.models import MountUsage, Report
from store.names import forget_names
from store.reader import Reader
from store.schema import migrations, prepare_database
from store.tiers import DAY_MS, HOUR_MS, Retention
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report
from tests.store.history import History

SHORT = Retention(2 * HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS)
FOREVER = 2**62


def naming(*mounts: str, **facts: Any) -> Report:
    return make_report(disk_usage=tuple(MountUsage(mount, 50.0, "50G", "25G", "25G") for mount in mounts), **facts)


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def mounts(path: Path) -> list[str]:
    return [row[0] for row in ask(path, "SELECT path FROM mount ORDER BY id")]


async def test_a_mount_is_gone_while_the_newest_report_lacks_it(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    gone = "SELECT path FROM mount WHERE gone_at IS NOT NULL"
    for reported, expected in ((("/", "/a"), []), (("/",), ["/a"]), (("/", "/a", "/b"), []), ((), ["/", "/a", "/b"])):
        await writer.store(key, naming(*reported), "::1")
        assert [row[0] for row in ask(database, gone)] == expected


async def test_what_went_while_the_receiver_was_off_is_gone(database: Path, create: Create, writer: Writer) -> None:
    (key,) = await create("web-1")
    await writer.store(key, naming("/", "/a", hostname="one"), "::1")
    again = await Writer.open(database)
    await again.store(key, naming("/", hostname="two"), "::1")
    await again.close()
    assert ask(database, "SELECT path FROM mount WHERE gone_at IS NOT NULL") == [("/a",)]
    assert ask(database, "SELECT hostname FROM host WHERE gone_at IS NOT NULL") == [("one",)]


@pytest.mark.parametrize("fact", ["hostname", "os", "kernel"])
async def test_too_many_hosts_are_refused_until_the_oldest_have_made_room(
    writer: Writer, create: Create, monkeypatch: pytest.MonkeyPatch, fact: str
) -> None:
    monkeypatch.setattr(names, "MAX_HOSTS", 4)
    monkeypatch.setitem(names._KEPT, "host", 2)
    (key,) = await create("web-1")
    for number in range(4):
        await writer.store(key, naming("/", **{fact: str(number)}), "::1")
    with pytest.raises(ReportRefusedError, match="too many different host names"):
        await writer.store(key, naming("/new", **{fact: "5"}), "::1")
    await writer.store(key, naming("/", **{fact: "0"}), "::1")
    await Upkeep(writer, UpkeepOptions(), lambda: START_MS).go_round()
    await writer.store(key, naming("/", **{fact: "5"}), "::1")


async def test_too_many_mounts_are_refused_until_the_oldest_have_made_room(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MAX_MOUNTS", 6)
    monkeypatch.setitem(names._KEPT, "mount", 4)
    key, other = await create("web-1", "web-2")
    for number in range(5):
        await writer.store(key, naming("/", f"/{number}"), "::1")
    with pytest.raises(
        ReportRefusedError, match="too many different mounts: at most 6 are kept of one server"
    ) as refused:
        await writer.store(key, naming("/", "/5", "/6", hostname="new"), "::1")
    assert refused.value.field == "disk_usage"
    assert ask(database, "SELECT count(*) FROM host") == [(1,)]
    await writer.store(key, naming("/", "/3", "/4"), "::1")
    await writer.store(other, naming("/", "/5", "/6"), "::1")
    await Upkeep(writer, UpkeepOptions(), lambda: START_MS).go_round()
    assert mounts(database) == ["/", "/2", "/3", "/4", "/", "/5", "/6"]
    await writer.store(key, naming("/", "/5", "/6"), "::1")
    await Upkeep(writer, UpkeepOptions(), lambda: START_MS).go_round()
    reader = await Reader.open(database)
    samples = await reader.samples(1, 0, FOREVER)
    await reader.close()
    assert [[mount.mount for mount in sample.report.disk_usage] for sample in samples] == [
        ["/"], ["/"], ["/"], ["/"], ["/", "/4"], ["/", "/4"], ["/", "/5", "/6"],
    ]  # fmt: skip
    orphans = "SELECT count(*) FROM rollup_mount_1h WHERE mount_id NOT IN (SELECT id FROM mount)"
    assert ask(database, orphans) == [(0,)]


async def test_one_that_is_refused_takes_no_neighbour_of_its_batch_along(
    writer: Writer, database: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MAX_MOUNTS", 2)
    (key,) = await create("web-1")
    reported = [("/",), ("/", "/1"), ("/", "/2"), ("/1",)]
    waiting = [writer.submit(key, naming(*each), "::1") for each in reported]
    for place, done in enumerate(waiting):
        if place == 2:
            with pytest.raises(ReportRefusedError):
                await done
        else:
            await done
    assert ask(database, "SELECT count(*) FROM sample") == [(3,)]
    assert ask(database, "SELECT path FROM mount WHERE gone_at IS NOT NULL") == [("/",)]
    assert writer.problem is None


async def test_names_are_kept_as_long_as_a_report_or_bucket_has_them_and_no_longer(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock(), SHORT) as history:
        await history.report(naming("/", "/usb", hostname="old"))
        for _ in range(27):
            history.clock.advance(3600)
            await history.report(naming("/", hostname="new"))
            await history.go_round()
            for table in ("sample_mount", "rollup_mount_5m", "rollup_mount_1h"):
                assert ask(history.path, f"SELECT 1 FROM {table} WHERE mount_id NOT IN (SELECT id FROM mount)") == []
            assert ask(history.path, "SELECT 1 FROM sample WHERE host_id NOT IN (SELECT id FROM host)") == []
        assert mounts(history.path) == ["/"]
        assert ask(history.path, "SELECT hostname FROM host") == [("new",)]


async def test_what_a_silent_server_reported_last_is_not_forgotten(tmp_path: Path) -> None:
    async with History(tmp_path / "a.db", Clock(), SHORT) as history:
        await history.report(naming("/"))
        history.clock.advance(50 * DAY_MS / 1000)
        await history.go_round()
        await history.report(naming("/"))
        assert [sample.report.disk_usage[0].mount for sample in history.samples][-1] == "/"


async def test_forgetting_goes_in_small_pieces(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    for part in range(3):
        await writer.store(key, naming(*(f"/{part}-{number}" for number in range(400))), "::1")
    await writer.transact(lambda connection, _: connection.execute("DELETE FROM sample"))
    forget = partial(forget_names, monitor_ids=[1], now=FOREVER, retention=SHORT)
    left = []
    while await writer.transact(forget):
        left.append(len(mounts(database)))
    assert left == [800, 400]


async def test_an_id_is_never_used_again(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    await writer.store(key, naming("/", "/a"), "::1")
    await writer.store(key, naming("/"), "::1")
    await writer.transact(lambda connection, _: connection.execute("DELETE FROM mount WHERE path = '/a'"))
    await writer.store(key, naming("/", "/b"), "::1")
    assert ask(database, "SELECT path FROM sample_mount JOIN mount ON mount.id = mount_id ORDER BY at, position") == [
        ("/",), ("/",), ("/",), ("/b",)
    ]  # fmt: skip


@pytest.mark.parametrize("known", [0, 3_000])
async def test_a_report_costs_the_same_whatever_was_ever_named(
    writer: Writer, create: Create, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = await create("web-1")
    for part in range(0, known, 500):
        facts = {"hostname": f"host-{part}"}
        await writer.store(key, naming(*(f"/{part + number}" for number in range(500)), **facts), "::1")
    await writer.store(key, naming("/"), "::1")
    rows: list[int] = []
    fetch = writer._connection.execute_fetchall

    async def counted(*asked: Any) -> Any:
        found = list(await fetch(*asked))
        rows.append(len(found))
        return found

    monkeypatch.setattr(writer._connection, "execute_fetchall", counted)
    await writer.store(key, naming("/", "/new"), "::1")
    assert sum(rows) == 2  # how many there are in all, and the new one's id


def test_a_database_with_many_names_knows_after_the_upgrade_which_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    prepare_database(path, [step for step in migrations() if step.version < 8])
    connection = sqlite3.connect(path)
    report = '[1,2,3,null,null,null,null,null,null,null,"os",null,"k",[["/",50.0,null,null,null]]]'
    connection.executescript(f"""
        INSERT INTO monitor (id, name, created_at) VALUES (1, 'web-1', 1000), (2, 'web-2', 1000);
        INSERT INTO latest (monitor_id, seq, status, status_since, last_report_at, report)
            VALUES (1, 1, 'up', 2000, 9000000, '{report}'), (2, 2, 'pending', 2000, NULL, NULL);
        INSERT INTO mount VALUES (1, 1, '/', 77), (2, 1, '/rolled', 77), (3, 1, '/raw', 77), (4, 2, '/', 77);
        INSERT INTO host VALUES (1, 1, 'os', NULL, 'k'), (2, 1, 'os', 'h', 'k'), (3, 2, 'os', NULL, 'k');
        INSERT INTO rollup_mount_1h VALUES (1, 1, 1, 1, 1, 1, 1, 1), (2, 1, 1, 1, 1, 1, 1, 1);
    """)
    connection.close()
    prepare_database(path)
    assert ask(path, "SELECT id, full_at, gone_at FROM mount ORDER BY id") == [
        (1, 77, None), (2, None, 2 * HOUR_MS), (3, None, 9_000_000), (4, None, 0)
    ]  # fmt: skip
    assert ask(path, "SELECT id, gone_at FROM host ORDER BY id") == [(1, None), (2, 9_000_000), (3, 0)]
