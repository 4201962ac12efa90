"""Files are replaced whole, and only regular ones."""

import os
import stat
from pathlib import Path

import pytest

from store.files import replace_file, require_replaceable


def test_a_file_is_replaced_with_its_mode_and_by_another_one(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("old")
    os.link(path, other)
    replace_file(path, "new", 0o644)
    assert (path.read_text(), other.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", "old", 0o644)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder", "device"])
def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind in ("link", "dangling"):
        path.symlink_to(os.devnull if kind == "link" else tmp_path / "nothing")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path(os.devnull)
    before = stat.S_IFMT(path.lstat().st_mode)
    with pytest.raises(OSError, match="only a regular file is replaced"):
        replace_file(path, "new")
    assert stat.S_IFMT(path.lstat().st_mode) == before


def test_what_fails_leaves_the_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert ([each.name for each in tmp_path.iterdir()], path.read_text()) == (["a"], "old")


def test_what_is_not_there_can_be_made(tmp_path: Path) -> None:
    require_replaceable(tmp_path / "a")
    replace_file(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"
