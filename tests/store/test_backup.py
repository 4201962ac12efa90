"""A backup is one moment of the database, private, and never put where it would harm."""

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from store.backup import back_up
from store.errors import AgentmonError, DatabaseRefusedError
from store.reader import Reader
from store.schema import prepare_database
from store.writer import Writer
from tests.conftest import Create, make_report


async def test_a_backup_taken_while_reports_come_holds_all_that_came_before(
    writer: Writer, database: Path, create: Create, tmp_path: Path
) -> None:
    (key,) = await create("a")
    for n in range(20):
        await writer.store(key, make_report(cpu_usage=float(n)), "::1")
    coming = [asyncio.ensure_future(writer.store(key, make_report(), "::1")) for _ in range(50)]
    size = await asyncio.to_thread(back_up, database, tmp_path / "copy.db")
    await asyncio.gather(*coming)
    copy = tmp_path / "copy.db"
    assert copy.stat().st_size == size
    prepare_database(copy)
    reader = await Reader.open(copy)
    samples = await reader.samples(1, 0, 2**60)
    await reader.close()
    assert [sample.report.cpu_usage for sample in samples[:20]] == [float(n) for n in range(20)]
    check = sqlite3.connect(copy)
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()


def test_a_backup_is_private_whatever_the_umask(database: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        back_up(database, tmp_path / "copy.db")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert not (tmp_path / "copy.db.partial").exists()


def test_what_exists_is_overwritten_only_when_asked(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    with pytest.raises(AgentmonError, match="--force"):
        back_up(database, copy)
    assert copy.read_text() == "precious"
    back_up(database, copy, overwrite=True)
    prepare_database(copy)


async def test_a_database_in_use_is_never_overwritten(writer: Writer, database: Path, create: Create) -> None:
    await create("a")
    with pytest.raises(AgentmonError, match="in use"):
        back_up(database, database, overwrite=True)


def test_what_cannot_be_read_or_written_is_said_in_one_line(database: Path, tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefusedError, match="there is no database"):
        back_up(tmp_path / "nothing.db", tmp_path / "copy.db")
    for place in (tmp_path / "no" / "such" / "folder", tmp_path):
        with pytest.raises(AgentmonError) as caught:
            back_up(database, place, overwrite=True)
        assert "\n" not in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]
