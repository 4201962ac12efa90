"""What hangs, from one run of an agent to the next.

Who asks a dying disk can wait in the kernel where no signal reaches, and a process that does so cannot end. Run each
minute by cron, `--once` would leave one more process each minute. So what hangs is noted in a file with the process
that waits for it, and nobody asks again while that process is there. An agent that goes on remembers it by itself.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SAME_START_S = 10.0
"""By how much the times may differ that a process is said to have started at: the clock may have been set."""

_noting = False


@contextmanager
def noted() -> Iterator[None]:
    """Heed and write notes while the block lasts, as is right for a process that ends after one report."""
    global _noting
    _noting = True
    try:
        yield
    finally:
        _noting = False


def names() -> set[str]:
    """Return what hangs in processes of earlier runs that are still there."""
    return {name for name, pid, started in _notes() if _is_there(pid, started)}


def note(name: str, pid: int) -> None:
    """Note that the process `pid` hangs because of `name`; without a folder to note it in, nothing happens."""
    if not _noting:
        return
    with suppress(psutil.Error, OSError):
        others = [each for each in _notes() if each[0] != name and _is_there(*each[1:])]
        _write([*others, (name, pid, psutil.Process(pid).create_time())])


def _path() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir(), f"agentmon-agent-{user}.hanging")


def _notes() -> list[tuple[str, int, float]]:
    if not _noting:
        return []
    path = _path()
    try:
        if hasattr(os, "getuid") and path.lstat().st_uid != os.getuid():
            return []  # somebody else's, to keep disks from being reported
        notes = json.loads(path.read_text(encoding="utf-8"))
        return [(str(name), int(pid), float(started)) for name, pid, started in notes]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _write(notes: list[tuple[str, int, float]]) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="agentmon-agent-", delete=False) as file:
        json.dump(notes, file)
    try:
        Path(file.name).replace(_path())
    except OSError:
        Path(file.name).unlink(missing_ok=True)
        raise


def _is_there(pid: int, started: float) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - started) < SAME_START_S
    except psutil.Error:
        return False
