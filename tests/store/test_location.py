"""One database has one name, however it is called."""

import os
from pathlib import Path

import pytest

from store.errors import DatabaseRefusedError
from store.location import beside, other_fuse, real_path, require_local, require_one_name
from store.mounts import Mount
from store.schema import prepare_database
from tests.store.damage import hide_mounts


@pytest.fixture
def names(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Names of the database: through a link, a chain, a linked folder, a relative path, and with dots."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link, chain, folder = elsewhere / "l.db", elsewhere / "c.db", elsewhere / "home"
    link.symlink_to(database)
    chain.symlink_to("l.db")
    folder.symlink_to(database.parent)
    monkeypatch.chdir(elsewhere)
    return [link, chain, folder / database.name, Path("c.db"), elsewhere / ".." / "home" / database.name]


def test_every_name_leads_to_the_one_file_and_to_what_lies_beside_it(names: list[Path], database: Path) -> None:
    assert {real_path(name) for name in names} == {database}
    assert {beside(name, ".lock") for name in names} == {database.with_name("agentmon.db.lock")}


def test_a_link_that_leads_nowhere_yet_names_what_will_be_there(tmp_path: Path) -> None:
    (tmp_path / "l.db").symlink_to(tmp_path / "new" / "a.db")
    prepare_database(tmp_path / "l.db")
    assert (tmp_path / "new" / "a.db").is_file()
    assert (tmp_path / "l.db").is_symlink()


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    with pytest.raises(DatabaseRefusedError, match="symbolic link that leads to itself"):
        real_path(tmp_path / "a.db")


def test_a_file_with_a_hard_link_is_refused_by_each_name(database: Path) -> None:
    require_one_name(database)
    other = database.with_name("other.db")
    os.link(database, other)
    for name in (database, other):
        with pytest.raises(DatabaseRefusedError, match="hard links"):
            require_one_name(name)
    other.unlink()
    require_one_name(database)


def mounted(database: Path, tmp_path: Path) -> tuple[Path, list[Mount]]:
    """Return a second path of the database, and the mounts that would make it one.

    A link stands in for the mount of a single file: to stat both are the same file.
    """
    point = tmp_path / "point.db"
    os.link(database, point)
    root = Mount("8:1", Path("/"), Path("/"), "ext4")
    return point, [root, Mount("8:1", database, point, "ext4")]


def test_a_mount_of_the_one_file_is_known_by_the_name_in_its_folder(database: Path, tmp_path: Path) -> None:
    point, mounts = mounted(database, tmp_path)
    assert real_path(point, mounts) == database
    assert real_path(database, mounts) == database


def test_a_mount_of_a_file_whose_folder_is_out_of_sight_is_refused(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point, (_, mount) = mounted(database, tmp_path)
    database.unlink()
    hide_mounts(monkeypatch, mount)
    assert real_path(point) == point
    with pytest.raises(DatabaseRefusedError, match="mounted as a single file"):
        require_one_name(point)


def test_a_network_file_system_is_refused_by_name_and_way_out(tmp_path: Path) -> None:
    mounts = [Mount("8:1", Path("/"), Path("/"), "ext4"), Mount("0:9", Path("/"), tmp_path, "nfs4")]
    with pytest.raises(DatabaseRefusedError, match=r"a\.db is on a network file system \(nfs4\).*--allow-network"):
        require_local(tmp_path / "not" / "there" / "a.db", mounts)
    require_local(tmp_path.parent / "a.db", mounts)


def test_another_fuse_file_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_mounts(monkeypatch, Mount("0:9", Path("/"), tmp_path, "fuse.shfs"))
    assert other_fuse(tmp_path / "a.db") == "fuse.shfs"
    assert other_fuse(tmp_path.parent / "a.db") is None
