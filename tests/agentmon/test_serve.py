"""`agentmon serve` as a process: whoever reads its words, and however often it is asked to end."""

import fcntl
import os
import signal
import subprocess
from pathlib import Path

import pytest

from agentmon.serve import warn_of_file_system
from store.mounts import Mount
from tests.e2e.harness import LISTENING, Station, make_report, post, put_down, wait_for
from tests.e2e.terminal import console, opened
from tests.store.damage import hide_mounts

SMALLEST_PIPE = 4096
KINDS = 12
"""Kinds of refusal; ten lines a minute of each are logged."""


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station.at(tmp_path)


def test_a_headless_receiver_whose_words_nobody_reads_goes_on_and_ends_well(station: Station) -> None:
    (key,) = station.create("web")
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    command = station.command("serve", "--port", "0", "--host", "127.0.0.1")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=writer, env=station.environ)
    with put_down(process):
        said = ""
        while not (found := LISTENING.search(said)):
            said += os.read(reader, 1000).decode()
        port = int(found[1])
        os.set_blocking(writer, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 100)
        os.set_blocking(writer, True)
        for _ in range(KINDS):
            assert post(port, {})[0] == 422
        assert post(port, make_report(key))[0] == 200
        process.terminate()
        assert process.wait(10) == 0
    os.close(reader)
    os.close(writer)
    assert len(station.history("web")) == 1


def test_an_impatient_user_gets_the_same_good_end(station: Station) -> None:
    with station.serving() as served:
        while served.process.poll() is None:
            served.process.send_signal(signal.SIGINT)
            served.process.send_signal(signal.SIGTERM)
        assert served.process.returncode == 0, served.said()
        assert "Traceback" not in served.said()


def test_with_keep_serving_every_further_hangup_is_let_pass(station: Station) -> None:
    (key,) = station.create("web")
    with opened(80, 24) as terminal, console(station, terminal, "--keep-serving") as served:
        modes = terminal.modes()
        served.process.send_signal(signal.SIGHUP)
        wait_for("the terminal's modes", lambda: terminal.modes() != modes)
        for _ in range(20):
            served.process.send_signal(signal.SIGHUP)
            served.accept(make_report(key))
        served.stop()


def test_under_nohup_a_hangup_is_let_pass(station: Station) -> None:
    (key,) = station.create("web")
    with station.serving(wrapper=("nohup",)) as served:
        for _ in range(20):
            served.process.send_signal(signal.SIGHUP)
            served.accept(make_report(key))
        served.stop()


@pytest.mark.parametrize(("kind", "warnings"), [("fuse.mergerfs", 1), ("ext4", 0)])
def test_a_file_system_of_which_nothing_is_known_is_warned_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    warnings: int,
) -> None:
    hide_mounts(monkeypatch, Mount("0:9", Path("/"), tmp_path, kind))
    warn_of_file_system(tmp_path / "a.db")
    assert [kind in record.getMessage() for record in caplog.records] == [True] * warnings
