"""Disks that never answer, that may not be seen, or that are too many for agent.sh."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.shells import DF, Box, need
from tests.e2e.harness import wait_for

ROOT = "/dev/sda1 / ext4 rw 0 0\n"
THREE = ROOT + "/dev/sdb1 @/m/dead ext4 rw 0 0\n/dev/sdc1 @/m/good ext4 rw 0 0"
SLEEP = f"exec {need('sleep')} 60"
HANGING = f'case "$*" in */m/dead*) echo $$ >>{{root}}/hanging; {SLEEP} ;; esac\n{DF}'
"""A df that hangs as soon as it is asked of one disk; it notes its number."""

OLD_TIMEOUT = """[ "$1" = -t ] || { echo "usage: timeout [-t SECS] [-s SIG] PROG ARGS" >&2; exit 1; }
shift; exec TIMEOUT "$@" """
"""As busybox had it until 1.30."""


def hang(box: Box) -> Box:
    """Let the df of this machine hang at one of three disks, and agent.sh wait no longer than two seconds for it."""
    box.stub("df", HANGING.format(root=box.root))
    box.table(THREE)
    box.script.write_text(re.sub(r"(within) [235]", r"\1 1", box.script.read_text()))
    return box


@pytest.fixture(autouse=True)
def all_ended(tmp_path: Path) -> Iterator[None]:
    """Nothing that a test left hanging outlives it."""
    yield
    for file in tmp_path.rglob("hanging"):
        for pid in file.read_text().split():
            if alive(int(pid)):
                os.kill(int(pid), signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
    except (FileNotFoundError, ProcessLookupError):
        return False


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def hanging(box: Box) -> list[int]:
    """Return the processes that wait for the dead disk."""
    return [int(pid) for pid in (box.root / "hanging").read_text().split() if alive(int(pid))]


def assert_the_others_are_there(box: Box) -> None:
    done = box.run("--print")
    assert [disk["mount"] for disk in json.loads(done.stdout)["disk_usage"]] == ["/", f"{box.root}/m/good"]
    assert done.stderr == f"agentmon-agent: {box.root}/m/dead is left out: it does not answer\n"
    assert hanging(box) == []


def test_a_disk_that_hangs_loses_no_other_and_is_named(box: Box) -> None:
    assert_the_others_are_there(hang(box))


def test_where_timeout_is_old(dash: Box) -> None:
    hang(dash).stub("timeout", OLD_TIMEOUT.replace("TIMEOUT", dash.tool("timeout")))
    assert_the_others_are_there(dash)


def test_where_no_timeout_is(dash: Box) -> None:
    hang(dash).stub("sleep", f"exec {dash.tool('sleep')} 1")
    (dash.bin / "timeout").unlink()
    assert_the_others_are_there(dash)


def test_the_report_is_there_within_some_six_seconds(dash: Box) -> None:
    script = dash.script.read_text()
    hang(dash)
    dash.script.write_text(script)
    began = time.monotonic()
    assert_the_others_are_there(dash)
    assert time.monotonic() - began < 9


def test_a_process_that_cannot_be_killed_is_not_waited_for_and_its_disk_not_asked_again(dash: Box) -> None:
    hang(dash)
    script = dash.script.read_text().replace('kill -9 "$1"', ":")  # as if the kernel held it
    dash.script.write_text(script.replace(f'"{dash.root}/proc/$1/stat"', '"/proc/$1/stat"'))
    settings = {"AGENTMON_URL": "http://127.0.0.1:1", "AGENTMON_KEY": "k"}
    assert "is left out: it does not answer" in dash.run(environ=settings).stderr
    left = hanging(dash)
    assert 0 < len(left) <= 2
    assert "is left out: it still does not answer" in dash.run(environ=settings).stderr
    assert dash.run("--print").stderr.count("still does not answer") == 1
    assert hanging(dash) == left
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    memory = dash.home / ".config/agentmon-agent/state/blocked"
    wait_for(
        "them to be gone",
        lambda: not any(map(exists, map(int, (line.split()[0] for line in memory.read_text().splitlines())))),
    )
    dash.stub("df", DF)
    assert dash.mounts() == ["/", "@/m/dead", "@/m/good"]
    assert not memory.exists()


def test_another_process_of_that_number_is_not_mistaken_for_it(dash: Box) -> None:
    dash.stub("df", DF)
    dash.write("proc/4242/stat", "4242 (a ) name) S " + " ".join(map(str, range(4, 40))) + "\n")
    dash.script.write_text(dash.script.read_text().replace('kill -0 "$1"', '[ "$1" = 4242 ]'))
    for start, known in (("22", True), ("21", False)):
        dash.write("home/.config/agentmon-agent/state/blocked", f"4242 {start} /\nrubbish\n")
        assert ("still does not answer" in dash.run("--print").stderr) is known


def test_disks_that_the_user_may_not_see_are_named(dash: Box) -> None:
    dash.stub("df", DF)
    dash.table(ROOT + r"/dev/sdb1 @/home/bob/my\040disk ext4 rw 0 0")
    private = dash.root / "home/bob"
    private.chmod(0o750)
    command = [*dash.shell, str(dash.script), "--missing"]
    if os.getuid() == 0:
        for folder in private.parents:
            if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
                folder.chmod(0o755)
        command = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    else:
        private.chmod(0)
    done = subprocess.run(command, env={"PATH": str(dash.bin)}, capture_output=True, text=True, check=True)
    private.chmod(0o755)
    assert f"{dash.root}/home/bob/my disk is left out: " in done.stderr
    assert "may not look into a folder above it" in done.stderr


def test_a_report_keeps_to_what_the_receiver_takes_and_says_what_it_leaves_out(dash: Box) -> None:
    names = [f"@/m{number}" for number in range(600)]
    dash.table(ROOT + "".join(f"/dev/sd{number} {name} ext4 rw 0 0\n" for number, name in enumerate(names)))
    dash.stub("df", 'shift 3; n=-1; for m; do n=$((n + 1)); echo "/dev/x 1000 $((n + 1)) $((999 - n)) 1% $m"; done')
    done = dash.run("--print")
    kept = [disk["mount"].replace(str(dash.root), "@") for disk in json.loads(done.stdout)["disk_usage"]]
    assert kept == names[-512:]  # the fullest, in their order
    assert done.stderr.startswith("agentmon-agent: 89 disks, the least full ones, are left out")
    assert f"{dash.root}/m0" in done.stderr


def test_long_names_keep_the_report_below_256_kib(dash: Box) -> None:
    pad = "/" + "\u00e9" * 120  # 120 characters in 240 bytes, escaped by nobody
    names = [f"@/{number}{pad * 4}" for number in range(300)]
    dash.table(ROOT)
    table = "".join(f"/dev/sd{number} {name} ext4 rw 0 0\n" for number, name in enumerate(names))
    dash.write("proc/mounts", (ROOT + table).replace("@", str(dash.root)))
    dash.script.write_text(dash.script.read_text().replace('[ -d "$name" ]', "true"))
    dash.stub("df", DF)
    done = dash.run("--print")
    assert 250_000 < len(done.stdout.encode()) < 262_144 - 300
    assert "are left out" in done.stderr
    assert done.stderr.count("\n") == 1
