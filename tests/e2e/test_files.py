"""What lies on the disk is for the user alone, and no key stands where others look."""

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import agent
from tests.agent.shells import need
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report
from tests.e2e.terminal import console, opened

SUFFIXES = ("", "-wal", "-shm", ".lock", ".sock", ".log")


def mode(path: Path) -> int:
    """Return a path's permission bits."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_all_files_are_private_whatever_the_umask(station: Station) -> None:
    with opened(80, 24) as terminal, console(station, terminal, umask=0):
        (key,) = station.create("web")
        del key
        modes = {path.name: mode(path) for path in station.database.parent.iterdir()}
        assert modes == {station.database.name + suffix: 0o600 for suffix in SUFFIXES}
        assert mode(station.database.parent) == 0o700
    assert {mode(path) for path in station.database.parent.iterdir()} == {0o600}
    assert not station.database.with_name(station.database.name + ".sock").exists()


def test_a_headless_receivers_files_are_private_as_well(station: Station) -> None:
    with station.serving(umask=0):
        found = {path.name: mode(path) for path in station.database.parent.iterdir()}
        assert set(found.values()) == {0o600}
        assert station.database.name + ".sock" in found


def test_a_path_too_long_for_a_socket_works_all_the_same(station: Station) -> None:
    deep = Station.at(
        station.folder, station.folder.joinpath(*["a-rather-long-folder-name"] * 5, "d" * 80, "agentmon.db")
    )
    with deep.serving(umask=0) as served:
        (key,) = deep.create("web")  # the receiver holds the lock, so this went through its socket
        served.accept(make_report(key))
        deep.ok("monitor", "pause", "web")
        assert deep.status()["receiver"]["running"] is True
        (folder,) = (station.folder / "run").iterdir()
        (sock,) = folder.iterdir()
        assert (mode(folder), mode(sock)) == (0o700, 0o600)
        assert stat.S_ISSOCK(sock.lstat().st_mode)
    assert list(folder.iterdir()) == []


@contextmanager
def watching_command_lines(secret: str) -> Iterator[set[str]]:
    """Look all the while whether a secret stands in any process's argument list; yields those where it did."""
    found: set[str] = set()
    seen: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.002):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = path.read_bytes().decode("utf-8", "replace")
                except OSError:  # it has just ended
                    continue
                seen.add(words)
                if secret in words:
                    found.add(words)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
    assert any("agent.sh" in words for words in seen), "the watch was too slow to prove anything"


def report_with_all_agents(served: Served, key: str, folder: Path) -> None:
    """Send a report with agent.sh (key from the environment) and one with the psutil agent (key from a file)."""
    url = f"http://127.0.0.1:{served.port}"
    key_file = folder / "key"
    key_file.touch(mode=0o600)
    key_file.write_text(key)
    script = Path(agent.__path__[0]) / "agent.sh"
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "AGENTMON_URL": url, "AGENTMON_KEY": key}
    shell = subprocess.Popen([need("dash"), script], env=environ, stdin=subprocess.DEVNULL)
    done = served.station.run("agent", "--url", url, "--key-file", str(key_file), "--once")
    assert (done.returncode, shell.wait(PATIENCE_S)) == (0, 0)


def test_a_key_stands_in_no_argument_list_and_in_no_log(station: Station, tmp_path: Path) -> None:
    with opened(80, 24) as terminal, console(station, terminal) as served:
        (key,) = station.create("web")
        with watching_command_lines(key) as found:
            report_with_all_agents(served, key, tmp_path)
        assert found == set()
        assert len(station.history("web")) == 2
        assert served.post(make_report(key, cpu_usage=101))[0] == 422
        assert key not in str(served.post(make_report(key, cpu_usage=key)))
        new = station.ok("monitor", "rotate", "web").strip()
        served.accept(make_report(new))
        status, answer = served.post(make_report(key))
        assert (status, key in str(answer)) == (404, False)
    for secret in (key, new):
        assert secret not in served.said()
        assert secret.encode() not in terminal.written
    assert "listening" in served.said()


def test_what_is_served_to_the_network_holds_no_key(shared: Served) -> None:
    (key,) = shared.station.create("quiet")
    listed = shared.station.ok("monitor", "list", "--json") + shared.station.ok("monitor", "show", "quiet")
    assert key not in listed + str(shared.station.status("quiet"))
    assert "amk_" not in shared.said()
