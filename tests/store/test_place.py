"""Whether a database's files are still those that are open."""

import os
from pathlib import Path

import pytest

from store.place import Place
from store.schema import companions


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    """A database, its log and the log's index."""
    path = tmp_path / "a.db"
    for file in (path, *companions(path)):
        file.touch()
    return path, *companions(path)


@pytest.mark.parametrize("which", range(3))
def test_each_file_is_missed_when_it_goes_and_known_when_it_is_back(files: tuple[Path, ...], which: int) -> None:
    place = Place(files[0])
    assert place.is_same()
    elsewhere = files[which].rename(files[0].with_name("elsewhere"))
    assert not place.is_same()
    assert not place.is_replaced(), "what is gone is not replaced"
    files[which].touch()
    assert not place.is_same()
    assert place.is_replaced()
    elsewhere.replace(files[which])
    assert place.is_same()
    assert not place.is_replaced()


def test_a_log_that_is_made_later_is_no_other_one(files: tuple[Path, ...]) -> None:
    files[1].unlink()
    place = Place(files[0])
    files[1].touch()
    assert not place.is_replaced()


def test_a_linked_database_has_its_log_where_it_really_lies(files: tuple[Path, ...]) -> None:
    link = files[0].parent / "deeper" / "link.db"
    link.parent.mkdir()
    link.symlink_to(files[0])
    place = Place(link)
    files[1].unlink()
    assert not place.is_same()


def test_an_index_that_becomes_read_only_is_not_safe(files: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(files[0])
    assert place.is_safe()
    monkeypatch.setattr(os, "access", lambda path, mode: path != files[2])
    assert not place.is_safe()
    assert Place(files[0]).is_safe(), "whoever opens it now maps it only to read"
    files[2].unlink()
    assert place.is_safe(), "what is mapped of a deleted file can be written"
