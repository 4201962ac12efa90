"""A Linux of files in a folder, which psutil and the agent read in the place of this machine's."""

from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

FILESYSTEMS = "nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\nnodev\tzfs\n\text4\n\txfs\n\tsquashfs\n"


@dataclass(frozen=True)
class Linux:
    """Such a machine: `root` is its root."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file below the root, in which @ stands for it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("@", str(self.root)).encode("utf-8", "surrogateescape"))
        return path

    def mount(self, table: str, folders: str = "", mountinfo: str = "") -> None:
        """Let this be mounted, and these folders be there."""
        self.write("proc/self/mounts", table)
        self.write("proc/mounts", table)
        self.write("proc/self/mountinfo", mountinfo)
        self.write("proc/filesystems", FILESYSTEMS)
        for folder in folders.split():
            self.root.joinpath(folder).mkdir(parents=True, exist_ok=True)

    def point(self, mount: str) -> str:
        """Return a mount point of this machine as one writes it in the tests."""
        return mount.replace(str(self.root), "@")


def linux_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Linux:
    """Make such a machine and let it be read."""
    machine = Linux(folder)
    (folder / "proc").mkdir()
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(folder / "proc"), raising=False)
    return machine
