"""No key shows in a process list, an environment or a log, while agents install and report and monitors are made."""

import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent.shells import Box, make_box, need
from tests.e2e.harness import PATIENCE_S, Served, Station, put_down, wait_for
from tests.e2e.tracing import traceable

FLAVOURS = ["dash", "bash", "busybox"]
OWN = os.getpid()


@dataclass
class Watch:
    """What the argument lists and environments of all processes ever held, looked at again and again."""

    arguments: set[bytes] = field(default_factory=set)
    environments: set[bytes] = field(default_factory=set)
    listed: set[bytes] = field(default_factory=set)
    rounds: int = 0

    def look(self) -> None:
        """Read what everyone on the machine can read, and what the same user can."""
        for name in os.listdir("/proc"):  # noqa: PTH208 - the quickest way, and speed is what this is about
            if name.isdecimal() and int(name) != OWN:
                self.arguments.add(read(f"/proc/{name}/cmdline"))
                self.environments.add(read(f"/proc/{name}/environ"))
        self.rounds += 1

    def list_processes(self, ps: str) -> None:
        """Let ps look as well."""
        done = subprocess.run([ps, "-eww", "-o", "args"], stdout=subprocess.PIPE, check=False)
        self.listed.update(done.stdout.splitlines())

    def held(self, command: str) -> bool:
        """Tell whether a command of that name was among the processes."""
        return any(Path(words.split(b"\0")[0].decode(errors="replace")).name == command for words in self.arguments)


def read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return file.read()
    except OSError:  # gone, or not ours to see
        return b""


@contextmanager
def watching() -> Iterator[Watch]:
    """Look as often as can be while the block lasts, and at least once after it has begun."""
    watch, ended, ps = Watch(), threading.Event(), need("ps")

    def again() -> None:
        while not ended.wait(0.005):  # without a pause the machine would do little else
            watch.look()

    def list_again() -> None:
        while not ended.wait(0.05):
            watch.list_processes(ps)

    threads = [threading.Thread(target=again), threading.Thread(target=list_again)]
    for thread in threads:
        thread.start()
    try:
        wait_for("a first look", lambda: watch.rounds and watch.listed)
        yield watch
    finally:
        ended.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def shown(watch: Watch, *keys: str) -> list[tuple[str, str]]:
    """Return which of the keys stood where; other tests on this machine may show keys of their own."""
    places = {"arguments": watch.arguments, "environments": watch.environments, "ps": watch.listed}
    return [
        (place, key) for place, seen in places.items() for key in keys if any(key.encode() in text for text in seen)
    ]


def test_the_watch_sees_a_key_where_there_is_one() -> None:
    argument, exported = "amk_" + "S" * 40, "amk_" + "E" * 40
    with watching() as watch:
        command = [need("dash"), "-c", "read -r _", "sh", argument]
        with subprocess.Popen(command, stdin=subprocess.PIPE, env={"AGENTMON_KEY": exported}) as process:
            wait_for("both keys in all places", lambda: len(shown(watch, argument, exported)) >= 3)
            process.communicate(b"\n")
    assert shown(watch, argument, exported) == [("arguments", argument), ("environments", exported), ("ps", argument)]


def furnish(flavour: str, folder: Path) -> Box:
    """Make a machine for a person with a crontab, where a measurement takes long enough to be seen.

    Some builds of busybox run their own applets whatever PATH says. There the script would find itself to be root, and
    install itself on the machine that runs the tests: so look first.
    """
    box = make_box(flavour, folder)
    box.stub("id", "echo 1000")
    box.stub("crontab", f"case $1 in -) cat >{box.root}/crontab ;; *) echo stub ;; esac")
    box.stub("sleep", f"exec {need('sleep')} 0.2")
    command = [*box.shell, "-c", "id -u; crontab -l"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ_of(box), check=False)
    if done.stdout != "1000\nstub\n":
        pytest.skip("this shell prefers applets of its own to the programs on PATH")
    return box


def environ_of(box: Box) -> dict[str, str]:
    return {"PATH": str(box.bin), "HOME": str(box.home), "TMPDIR": str(box.root / "tmp")}


@dataclass(frozen=True)
class Execution:
    """What strace notes of every program that is started: its arguments and its environment, whole."""

    log: Path

    def wrap(self, command: list[str]) -> list[str]:
        return [traceable(), "-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve", "-o", str(self.log), *command]

    def programs(self) -> set[str]:
        return set(re.findall(r'execve\("[^"]*?([^/"]+)", \[', self.log.read_text(errors="replace")))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_one_line_shows_the_key_to_nobody(shared: Served, flavour: str, tmp_path: Path) -> None:
    (key,) = shared.station.create(f"secret-{flavour}")
    url = f"http://127.0.0.1:{shared.port}"
    box, execution = furnish(flavour, tmp_path), Execution(tmp_path / "strace")
    fetch = f"curl -fsSL {url}/agent.sh" if flavour == "dash" else f"wget -q -O - {url}/agent.sh"
    line = f"(echo AGENTMON_KEY={key}; {fetch}) | sh -s -- install --url {url}\n"
    with watching() as watch:
        done = subprocess.run(
            execution.wrap([*box.shell, "-s"]),
            input=line,
            capture_output=True,
            text=True,
            env=environ_of(box),
            cwd=box.root,
            timeout=PATIENCE_S,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert shared.station.monitor(f"secret-{flavour}")["status"] == "up"
    assert {"awk", "df", "curl" if flavour == "dash" else "wget"} & execution.programs()
    assert shown(watch, key) == []
    assert key not in execution.log.read_text(errors="replace")
    assert key not in done.stdout + done.stderr
    kept = [path for path in box.root.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert [(path.name, path.stat().st_mode & 0o777) for path in kept] == [("key", 0o600)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_report_of_an_installed_agent_shows_the_key_to_nobody(shared: Served, flavour: str, tmp_path: Path) -> None:
    (key,) = shared.station.create(f"minute-{flavour}")
    box, execution = make_box(flavour, tmp_path), Execution(tmp_path / "strace")
    box.write("key", key + "\n").chmod(0o600)
    environ = {"AGENTMON_URL": f"http://127.0.0.1:{shared.port}", "AGENTMON_KEY_FILE": str(box.root / "key")}
    with watching() as watch:
        command = execution.wrap([*box.shell, str(box.script), "test"])
        done = subprocess.run(
            command, capture_output=True, text=True, env=environ_of(box) | environ, timeout=PATIENCE_S, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert shared.station.monitor(f"minute-{flavour}")["status"] == "up"
    assert shown(watch, key) == []
    assert key not in execution.log.read_text(errors="replace") + done.stdout


def test_the_receiver_the_psutil_agent_and_the_commands_show_no_key(station: Station, tmp_path: Path) -> None:
    known, host = "amk_" + "K" * 40, socket.gethostname()
    with watching() as watch, station.serving("--self") as served:
        station.ok("monitor", "create", "known", "--key", "-", stdin=known + "\n")
        station.ok("monitor", "create", "rotated")
        old = station.ok("monitor", "key", "rotated").strip()
        station.ok("monitor", "rotate", "rotated")
        log = report_by_psutil(station, served, tmp_path, known)
        wait_for("the receiver's own report", lambda: station.monitor(host)["status"] == "up")
        keys = [known, old, *(station.ok("monitor", "key", name).strip() for name in ("rotated", host))]
        assert [served.post({"agent_key": key})[0] for key in keys] == [422] * 4
    assert len(set(keys)) == 4
    assert all(any(word in words for words in watch.arguments) for word in (b"--key-file", b"--self", b"rotate"))
    assert shown(watch, *keys) == []
    assert not [key for key in keys if key in log + served.said()]


def report_by_psutil(station: Station, served: Served, folder: Path, key: str) -> str:
    """Let the psutil agent report until the first report is there, and return what it wrote to stderr."""
    key_file, log = folder / "key", folder / "agent.log"
    key_file.write_text(key + "\n")
    key_file.chmod(0o600)
    command = station.command("agent", "--url", f"http://127.0.0.1:{served.port}", "--key-file", str(key_file))
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, env=station.environ, stderr=stderr)
    with put_down(process):
        wait_for("a report", lambda: "took the report" in log.read_text())
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    return log.read_text()
