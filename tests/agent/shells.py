"""Machines for agent.sh: a root of their own for what it reads and writes, and just the tools it may use."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from agent.scripts import read_script

FLAVOURS = ("dash", "bash", "busybox")
"""dash with curl, bash with GNU wget, and busybox with nothing but its own applets."""

TOOLS = "awk cat chmod cut date df env grep id ls mkdir mktemp mv rm rmdir sed sh sleep stty timeout tr true"
CLIENT = {"dash": "curl", "bash": "wget", "busybox": "wget"}
MOVED = ("/proc/", "/sys/class/", "/etc/", "/usr/lib/os-release", "/run/systemd/", "/usr/local/lib/", "/var/lib/")
OWN_PATH = ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

DF = """shift 3
for m in "$@"; do printf '%s\\n' "/dev/x 1048576 471859 471859 50% $m"; done"""
"""A df by which every disk that it is asked for is half full."""

PROC = {
    "proc/stat": "cpu  100 0 50 800 40 5 5 0 30 0\ncpu0 1 2 3\n",
    "proc/meminfo": "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 2097152 kB\nBuffers: 1 kB\nCached: 1 kB\n"
    "SwapTotal: 1000 kB\nSwapFree: 875 kB\n",
    "proc/loadavg": "0.50 0.30 0.20 1/99 1234\n",
    "proc/filesystems": "nodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\n\text4\n\txfs\n\tsquashfs\n",
    "proc/mounts": "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n",
    "proc/net/dev": "Inter-|   Receive  | Transmit\n face |bytes packets|bytes\n"
    "    lo: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n"
    " veth1:5000 1 0 0 0 0 0 0 5000 1 0 0 0 0 0 0\n",
    "proc/sys/kernel/hostname": "web-1\n",
    "proc/sys/kernel/osrelease": "6.1.0-test\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
}


def need(tool: str) -> str:
    """Return a tool's path; without it the test is skipped, or fails where all tools must be (CI=true)."""
    return shutil.which(tool) or lacking(f"{tool} is not installed")


def lacking(why: str) -> NoReturn:
    """Skip the test, or let it fail where all tools must be."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@cache
def obeys_path(busybox: str) -> bool:
    """Return whether a busybox shell finds tools by PATH; a static one runs its own, whatever stands in for them."""
    probe = [busybox, "sh", "-c", "sed -n p"]
    done = subprocess.run(probe, env={"PATH": ""}, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 127


@dataclass(frozen=True)
class Box:
    """One such machine: `root` holds its files, `bin` its tools, `home` is the user's."""

    flavour: str
    root: Path

    @property
    def bin(self) -> Path:
        """The only folder on PATH."""
        return self.root / "bin"

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.root / "home"

    @property
    def script(self) -> Path:
        """agent.sh with its places moved below `root`."""
        return self.root / "agent.sh"

    @property
    def shell(self) -> list[str]:
        """The command that runs a script."""
        if self.flavour != "busybox":
            return [need(self.flavour)]
        if not obeys_path(busybox := need("busybox")):
            lacking(f"{busybox} runs its own tools instead of those on PATH, as busybox-static does; busybox will do")
        return [busybox, "sh"]

    def write(self, name: str, text: str) -> Path:
        """Write a file below `root`."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return path

    def stub(self, name: str, body: str) -> None:
        """Put a program of a few lines of sh in the place of a tool."""
        self.bin.joinpath(name).unlink(missing_ok=True)
        self.write(f"bin/{name}", f"#!{need('dash')}\n{body}\n").chmod(0o755)

    def use_awk(self, awk: str) -> None:
        """Use one of the awks of this machine."""
        self.bin.joinpath("awk").unlink()
        self.bin.joinpath("awk").symlink_to(need(awk))

    def tool(self, name: str) -> str:
        """Return the words of sh that run the real tool behind a stub."""
        return f"{need('busybox')} {name}" if self.flavour == "busybox" else need("dash" if name == "sh" else name)

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        script: Path | None = None,
        environ: Mapping[str, str] | None = None,
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the script, or what comes on `stdin` as one; nothing of the outer environment is there."""
        command = [*self.shell, "-s", "--", *args] if stdin else [*self.shell, str(script or self.script), *args]
        base = {"PATH": str(self.bin), "HOME": str(self.home), "TMPDIR": str(self.root / "tmp")}
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=base | dict(environ or {}) | more,
            cwd=self.root,
            start_new_session=True,  # no terminal: the script must not ask anyone
        ) as process:
            try:
                streams = process.communicate(stdin, timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # all of it, or the rest would go on
                raise
        out, err = (stream.decode("utf-8", "backslashreplace") for stream in streams)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def report(self) -> dict[str, Any]:
        """Return the report that `--print` shows; nothing else may be said."""
        done = self.run("--print")
        assert (done.returncode, done.stderr) == (0, "")
        value = json.loads(done.stdout)
        assert isinstance(value, dict)
        return value

    def mounts(self) -> list[str]:
        """Return the mounts that the report names, with `@` for the root."""
        return [disk["mount"].replace(str(self.root), "@") for disk in self.report()["disk_usage"]]

    def table(self, table: str) -> None:
        """Write the mount table, with `@` for the root, and make the folders that are mounted upon."""
        for line in table.splitlines():
            place = line.split()[1]
            if place.startswith("@"):
                name = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place[1:])
                self.root.joinpath(name.lstrip("/")).mkdir(parents=True, exist_ok=True)
        self.write("proc/mounts", table.replace("@", str(self.root)) + "\n")


def make_box(flavour: str, folder: Path) -> Box:
    """Make a machine in `folder`."""
    box = Box(flavour, folder / "box")
    text = read_script("agent.sh").decode().replace(OWN_PATH, "")
    for place in MOVED:
        text = text.replace(place, f"{box.root}{place}")
    box.write("agent.sh", text)
    for name, content in PROC.items():
        box.write(name, content)
    for name in ("bin", "home", "tmp", "sys/class/net/eth0/device"):
        (box.root / name).mkdir(parents=True, exist_ok=True)
    for name in (*TOOLS.split(), CLIENT[flavour]):
        source = need("busybox" if flavour == "busybox" else "dash" if name == "sh" else name)
        (box.bin / name).symlink_to(source)
    box.stub("sleep", f'echo "$1" >>{box.root}/slept')
    return box
