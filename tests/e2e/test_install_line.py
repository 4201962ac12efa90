"""The line that agentmon prints, pasted into a shell: the server turns up, over http and with a pin over https."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.shells import Box, make_box, need
from tests.certificates import make_pair
from tests.e2e.harness import PATIENCE_S, Served, Station, put_down
from tests.e2e.terminal import Pty, opened

FLAVOURS = ("dash", "bash", "busybox")


def person(flavour: str, folder: Path) -> Box:
    """Make a machine whose user is not root and has curl and a crontab, but no sudo."""
    box = make_box(flavour, folder)
    box.stub("id", "echo 1000")
    box.stub("crontab", f"case $1 in -l) cat {box.root}/crontab 2>/dev/null ;; -) cat >{box.root}/crontab ;; esac")
    (box.bin / "curl").unlink(missing_ok=True)
    (box.bin / "curl").symlink_to(need("curl"))
    if run(box, "id -u").stdout != "1000\n":  # it would find itself to be root, and install itself on this machine
        pytest.skip("this shell prefers applets of its own to the programs on PATH")
    return box


def run(box: Box, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line as one types it."""
    environ = {"PATH": str(box.bin), "HOME": str(box.home), "TMPDIR": str(box.root / "tmp")}
    return subprocess.run(
        [*box.shell, "-c", line], capture_output=True, text=True, env=environ, timeout=PATIENCE_S, check=False,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def asked(box: Box, served: Served, terminal: Pty) -> "subprocess.Popen[bytes]":
    """Run the line without a key at a terminal, and wait until it asks."""
    words = ["env", "-i", f"PATH={box.bin}", f"HOME={box.home}", f"TMPDIR={box.root}/tmp", *box.shell, str(box.script)]
    url = f"http://127.0.0.1:{served.port}"
    process = terminal.start(served.station, [need(words[0]), *words[1:], "install", "--url", url])
    terminal.expect(r"Agent key \(not shown[^)]*\): ")
    return process


def printed_line(station: Station, name: str, *options: str) -> str:
    """Create a monitor and return the line for Linux that agentmon prints."""
    lines = station.ok("monitor", "create", *options, "--", name).splitlines()
    return lines[lines.index("On Linux, in a shell:") + 1]


def installed(box: Box, name: str) -> Path:
    """Return where a file went in the user's home."""
    (found,) = box.home.rglob(name)
    return found


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A receiver with a certificate that nobody vouches for and that names another host."""
    folder = tmp_path_factory.mktemp("secured")
    files = make_pair("monitor.example.org").write(folder)
    with Station.at(folder).serving("--tls-cert", str(files.cert), "--tls-key", str(files.key)) as served:
        yield served


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_over_http(shared: Served, flavour: str, tmp_path: Path) -> None:
    box, name = person(flavour, tmp_path), f"line-{flavour}"
    done = run(box, printed_line(shared.station, name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert shared.station.monitor(name)["status"] in ("up", "degraded")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_over_https_the_pin_is_all_that_the_agent_needs(secured: Served, flavour: str, tmp_path: Path) -> None:
    box, name = person(flavour, tmp_path), f"line-{flavour}"
    line = printed_line(secured.station, name)
    assert "--pinnedpubkey sha256//" in line
    done = run(box, line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert secured.station.monitor(name)["status"] in ("up", "degraded")
    again = run(box, f"sh {shlex.quote(str(installed(box, 'agent.sh')))}")
    assert (again.returncode, again.stderr) == (0, "")
    assert len(secured.station.history(name)) == 3  # tried first, then by what is installed, then again


def test_a_receiver_with_another_key_gets_neither_the_agent_nor_the_key(secured: Served, tmp_path: Path) -> None:
    box = person("dash", tmp_path)
    line = printed_line(secured.station, "betrayed")
    assert run(box, line).returncode == 0
    pin = line.rpartition(" ")[2]
    wrong = "sha256//" + "A" * 43 + "="
    other = person("dash", tmp_path / "other")
    assert "does not match pinned" in run(other, line.replace(pin, wrong)).stderr
    assert list(other.home.iterdir()) == []
    conf = installed(box, "agent.conf")
    conf.write_text(conf.read_text(encoding="utf-8").replace(pin, wrong), encoding="utf-8")
    refused = run(box, f"sh {shlex.quote(str(installed(box, 'agent.sh')))} test")
    assert refused.returncode == 1
    assert "public key" in refused.stderr
    assert len(secured.station.history("betrayed")) == 2  # of the install


def test_a_key_that_needs_quotes(shared: Served, tmp_path: Path) -> None:
    key = r"""it's\t"$HOME"`id`;#"""
    box = person("dash", tmp_path)
    line = printed_line(shared.station, "quoted", "--key", key)
    done = run(box, line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shared.station.monitor("quoted")["status"] in ("up", "degraded")


def test_a_download_that_fails_installs_nothing(shared: Served, tmp_path: Path) -> None:
    box = person("dash", tmp_path)
    line = printed_line(shared.station, "nothing").replace(f":{shared.port}/agent.sh", f":{shared.port}/nothing.sh")
    assert "404" in run(box, line).stderr
    assert list(box.home.iterdir()) == []


def test_a_line_without_a_key_asks_for_it_each_time_so_a_wrong_one_can_be_mended(
    shared: Served, tmp_path: Path
) -> None:
    box, (key,) = person("dash", tmp_path), shared.station.create("asked")
    for typed, said in (("wrong", "does not know this key"), (key, "took the report"), ("", "took the report")):
        with opened(80, 24) as terminal, put_down(asked(box, shared, terminal)):
            terminal.type(f"{typed}\n")
            terminal.expect(said)
            assert not typed or typed.encode() not in terminal.written
    assert len(shared.station.history("asked")) == 4  # each install tries the key, then what it installed
