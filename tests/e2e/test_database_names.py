"""One receiver for one database, whatever it is called, wherever it is mounted, and whatever is done to its files."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.agent.shells import lacking, need
from tests.e2e.harness import PATIENCE_S, Station, make_report, wait_for


def named(station: Station, name: Path) -> Station:
    """Return the same station whose commands call the database by another name."""
    return Station(station.folder, name)


def refusal(station: Station, *arguments: str) -> str:
    """Run a command that must fail with one line; return that."""
    done = station.run(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    return done.stderr


def test_a_second_receiver_is_refused_by_every_name_and_the_first_is_found_by_links(station: Station) -> None:
    folder = station.folder / "linked"
    folder.symlink_to(station.database.parent)
    link, hard = station.folder / "l.db", station.folder / "h.db"
    link.symlink_to(folder / station.database.name)
    with station.serving() as served:
        for name in (link, folder / station.database.name):
            assert f"is in use by process {served.process.pid}" in refusal(named(station, name), "serve", "--port", "0")
        (key,) = named(station, link).create("web")
        served.accept(make_report(key))
        assert named(station, link).status()["receiver"]["running"] is True
        os.link(station.database, hard)
        for command in (("serve", "--port", "0"), ("monitor", "list"), ("monitor", "create", "lost")):
            assert "hard links" in refusal(named(station, hard), *command)
        served.accept(make_report(key))
    assert sorted(path.name for path in station.folder.iterdir() if path.suffix == ".lock") == []
    assert "hard links" in refusal(station, "serve", "--port", "0")


def test_a_receiver_whose_lock_file_is_deleted_keeps_the_database(station: Station) -> None:
    lock = station.database.with_name(station.database.name + ".lock")
    with station.serving() as served:
        lock.unlink()
        wait_for("the lock file to be made anew", lambda: (lock.exists() and lock.read_text().strip()) or None)
        assert f"is in use by process {served.process.pid}" in refusal(station, "serve", "--port", "0")


@pytest.fixture
def crashed(station: Station) -> Station:
    """A database whose receiver was killed with reports in its log."""
    (key,) = station.create("web")
    station.ok("backup", str(station.folder / "backup.db"))
    with station.serving() as served:
        served.accept(make_report(key))
        served.kill()
    return station


def test_a_killed_receivers_reports_are_there_after_a_restart_and_not_in_a_backup_put_over_it(
    crashed: Station,
) -> None:
    log = crashed.database.with_name(crashed.database.name + "-wal")
    kept = crashed.folder / "kept"
    shutil.copytree(crashed.database.parent, kept, ignore=shutil.ignore_patterns("*.sock"))
    shutil.copyfile(crashed.folder / "backup.db", crashed.database)
    assert f"remove {log}" in refusal(crashed, "serve", "--port", "0")
    assert f"remove {log}" in refusal(crashed, "monitor", "list")
    log.unlink()
    assert crashed.history("web") == []
    moved = named(crashed, kept / crashed.database.name)
    with moved.serving():
        assert len(moved.history("web")) == 1


LOOK = """set -e
mount --bind "$1" "$1"
mount -o remount,ro,bind "$1"
for command in status "monitor list" "monitor show web" "history web" events "monitor key web"; do
  code=0
  agentmon --db "$1/$2" $command >/dev/null || code=$?
  echo "$command $code"
done
"""


def in_namespace(station: Station, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of shell where what it mounts is seen by nobody else."""
    command = [need("unshare"), "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
    if subprocess.run([*command, "mount -t tmpfs x /mnt"], capture_output=True, check=False).returncode:
        lacking("this machine lets nobody mount in a namespace of their own")
    words = [*command, script, "sh", *arguments]
    return subprocess.run(
        words, capture_output=True, text=True, env=station.environ, timeout=3 * PATIENCE_S, check=False
    )


def test_all_that_only_reads_works_on_a_read_only_medium(crashed: Station) -> None:
    snapshot = crashed.folder / "snapshot"
    snapshot.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{crashed.database}{suffix}", snapshot)
    done = in_namespace(crashed, LOOK, str(snapshot), crashed.database.name)
    codes = [line.rpartition(" ")[2] for line in done.stdout.splitlines()]
    assert codes == ["3", "0", "0", "0", "0", "0"], done.stdout + done.stderr
    assert done.stderr == "agentmon: what is shown is what was last stored: no receiver is running on this database\n"
    assert sorted(path.name for path in snapshot.iterdir()) == [f"{crashed.database.name}{s}" for s in ("", "-wal")]


MOUNT_AGAIN = """mkdir "$1/again"
touch "$1/file.db"
mount --bind "$(dirname "$2")" "$1/again"
mount --bind "$2" "$1/file.db"
for name in "$1/again/$(basename "$2")" "$1/file.db"; do
  agentmon --db "$name" serve --port 0
  agentmon --db "$name" status
done
"""


def test_another_mount_of_the_same_file_or_folder_is_the_same_database(station: Station) -> None:
    station.create("web")
    with station.serving() as served:
        done = in_namespace(station, MOUNT_AGAIN, str(station.folder), str(station.database))
        said = done.stderr.splitlines()
        assert [f"is in use by process {served.process.pid}" in line for line in said] == [True, True], done.stderr
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [["pending", "web"]] * 2
