"""Whole machines in a folder: a clean Debian, and one with nothing but busybox, to install the agent in."""

import fcntl
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.agent.shells import need

CACHE = Path(tempfile.gettempdir(), f"agentmon-roots-{os.getuid()}")
"""Pristine roots, kept from run to run: making one takes a minute and the network."""

TRACES = frozenset({"etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/.pwd.lock", "systemctl.log"})
"""What useradd and userdel leave of their own: backups and a lock; and the record of the systemctl in the tests."""

BUSYBOX_USERS = """#!/bin/sh
# What Alpine's busybox does for `addgroup -S NAME`, `adduser -S -D -H -h DIR -s SHELL -G GROUP NAME`, and their ends.
for name; do :; done
case $0 in
*/addgroup)
    [ "$*" = "-S $name" ] || exit 2
    echo "$name:x:101:" >>/etc/group ;;
*/adduser)
    [ "$*" = "-S -D -H -h / -s /bin/false -G $name $name" ] || exit 2
    echo "$name:x:100:101::/:/bin/false" >>/etc/passwd
    echo "$name:!:0:0:99999:7:::" >>/etc/shadow ;;
*/deluser)
    for file in /etc/passwd /etc/shadow /etc/group; do sed -i "/^$name:/d" $file; done ;;
esac
"""

USER_APPLETS = ("addgroup", "adduser", "delgroup", "deluser")


def fetch(command: list[str], what: str) -> None:
    """Run a command that needs the network; the test is skipped, or fails where all must be there (CI=true)."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        message = f"cannot make {what}: {command[0]}: {' '.join(last)}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return the pristine root `name`, made by `make` if this is its first use."""
    CACHE.mkdir(mode=0o700, exist_ok=True)
    if CACHE.stat().st_uid != os.getuid():
        pytest.fail(f"{CACHE} belongs to somebody else")
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / name).exists():
            fresh = CACHE / f"{name}.new"
            shutil.rmtree(fresh, ignore_errors=True)
            make(fresh)
            fresh.rename(CACHE / name)
    return CACHE / name


def make_debian(root: Path) -> None:
    """Make a minimal Debian, with cron and curl, of this machine's release and from the mirror that its apt uses."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    form = ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(SITE)", "Created-By: Packages"]
    known = subprocess.run(form, capture_output=True, text=True, check=True).stdout.splitlines()
    mirrors = [line.split()[2] for line in known if line.startswith(f"{suite} main ")]
    if not mirrors:
        pytest.fail(f"apt knows no mirror of {suite}")
    command = [need("debootstrap"), "--variant=minbase", "--include=cron,curl", suite, str(root), mirrors[0]]
    fetch(command, "a Debian root")


def make_busybox(root: Path) -> None:
    """Make a root like Alpine's: busybox-static and its applets, and users as Alpine's busybox makes them."""
    with tempfile.TemporaryDirectory() as folder:
        fetch(["sh", "-c", f"cd {folder} && apt-get download -q busybox-static"], "a busybox root")
        (package,) = Path(folder).glob("busybox-static_*.deb")
        fetch(["dpkg", "-x", str(package), f"{folder}/unpacked"], "a busybox root")
        (binary,) = Path(folder, "unpacked").rglob("bin/busybox")
        for name in ("bin", "dev", "etc", "proc", "root", "tmp", "usr/local/lib", "var/lib", "var/spool/cron/crontabs"):
            (root / name).mkdir(parents=True)
        shutil.copy2(binary, root / "bin/busybox")
    applets = subprocess.run([root / "bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout
    for applet in applets.split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    for applet in USER_APPLETS:
        root.joinpath("bin", applet).unlink(missing_ok=True)
        root.joinpath("bin", applet).write_text(BUSYBOX_USERS)
        root.joinpath("bin", applet).chmod(0o755)
    os.mknod(root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (root / "dev/null").chmod(0o666)
    (root / "dev/stderr").symlink_to("/proc/self/fd/2")
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    (root / "etc/shadow").write_text("root:*::0:::::\nnobody:!::0:::::\n")
    (root / "etc/group").write_text("root:x:0:root\nnogroup:x:65533:\nnobody:x:65534:\n")


def make_openwrt(root: Path) -> None:
    """Make a root like OpenWrt's: its busybox knows neither users nor terminals, its upgrades keep what is listed."""
    make_busybox(root)
    for applet in (*USER_APPLETS, "su", "stty"):
        (root / "bin" / applet).unlink(missing_ok=True)
    (root / "etc/sysupgrade.conf").write_text("# files to keep\n")


@dataclass(frozen=True)
class Root:
    """One machine of its own: `path` is what it sees as /."""

    path: Path

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of sh as its root, with a /proc of its own; all that it started ends with it."""
        command = [need("unshare"), "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.path}/proc"]
        command += ["chroot", str(self.path), "/bin/sh", "-c", line]
        environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ, check=False)

    def fake_systemd(self) -> None:
        """Make it look as if systemd ran, with a systemctl that records its calls."""
        (self.path / "run/systemd/system").mkdir(parents=True)
        script = self.path / "usr/bin/systemctl"
        script.unlink(missing_ok=True)
        script.write_text('#!/bin/sh\necho "$*" >>/systemctl.log\n')
        script.chmod(0o755)

    def snapshot(self) -> dict[str, tuple[int, int, int, str]]:
        """Return all it holds: mode, owners, and what is in each file."""
        return {
            name: facts(path)
            for path in self.path.rglob("*")
            if (name := str(path.relative_to(self.path))) not in TRACES
        }


def facts(path: Path) -> tuple[int, int, int, str]:
    """Return mode, user, group and content of a path, without following it."""
    info = path.lstat()
    content = ""
    if stat.S_ISLNK(info.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(info.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return info.st_mode, info.st_uid, info.st_gid, content


def copy_of(name: str, make: Callable[[Path], None], folder: Path) -> Root:
    """Return a copy of a pristine root, to change at will."""
    if os.getuid() != 0:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("only root can chroot")
    subprocess.run(["cp", "-a", "--reflink=auto", cached(name, make), folder / "root"], check=True)
    return Root(folder / "root")
