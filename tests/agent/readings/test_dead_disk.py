"""A file system that never answers, from the kernel itself: FUSE whose daemon reads no request."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.readings.machines import Linux
from tests.agent.shells import lacking, need

SCRIPT = """
import ctypes, json, os, sys, time
import psutil
from agent.readings.disks import DiskReader

root = sys.argv[1]
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
if ctypes.CDLL(None).mount(b"dead", f"{root}/dead".encode(), b"fuse.dead", 0, options.encode()):
    sys.exit(3)
psutil.PROCFS_PATH = f"{root}/proc"
reader, notes = DiskReader(0.5), []
reported = [[item["mount"] for item in reader.read(notes.append)] for _ in range(3)]
until = time.monotonic() + 10
while (threads := len(os.listdir("/proc/self/task"))) > 2 and time.monotonic() < until:
    time.sleep(0.01)  # one that has its answer is on its way out
print(json.dumps([reported, notes, threads]))
"""


def test_an_agent_reports_the_disks_that_answer_and_can_end(linux: Linux) -> None:
    if os.getuid() != 0 or not Path("/dev/fuse").exists():
        lacking("only root can mount, and needs /dev/fuse")
    linux.mount("/dev/sdb @/dead ext4 rw 0 0\n/dev/sdc @/good ext4 rw 0 0\n", "dead good")
    command = [need("unshare"), "--mount", sys.executable, "-c", SCRIPT, str(linux.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 3 or done.stderr.startswith("unshare:"):
        pytest.skip("FUSE cannot be mounted here")
    reported, notes, threads = json.loads(done.stdout)
    assert reported == [[f"{linux.root}/good"]] * 3
    assert notes == [f"{linux.root}/dead is left out: it did not answer in 0.5 s"] * 3
    assert threads == 2  # one waits for the disk, and no other one
