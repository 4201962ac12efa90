"""What befalls a database: crashes, copies put over it, folders and mounts of all kinds."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from store.mounts import Mount


def hide_mounts(monkeypatch: pytest.MonkeyPatch, *mounts: Mount) -> None:
    """Let these be all mounts of the machine."""
    monkeypatch.setattr("store.location.read_mounts", lambda: mounts)


def overwrite(database: Path, copy: Path) -> None:
    """Do as cp(1) does: write into the file that is there."""
    shutil.copyfile(copy, database)


def plain_copy(database: Path, copy: Path) -> None:
    """Copy a database as other programs do, which keeps its journal mode."""
    source, target = sqlite3.connect(f"file:{database}?mode=ro", uri=True), sqlite3.connect(copy)
    source.backup(target)
    target.close()
    source.close()


def freeze(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nothing in a folder seem writable, to root as well."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and real(path, mode))
