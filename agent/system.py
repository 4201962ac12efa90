"""Which system this is, where Linux keeps what it says of itself, and what the system's own tools say."""

import os
import platform
import shutil
import signal
import subprocess
from pathlib import Path

import psutil

from agent import hanging
from agent.errors import ToolError

SYSTEMS = {"Linux": "linux", "Darwin": "macos", "FreeBSD": "freebsd", "Windows": "windows"}

TOOL_LIMIT_S = 5.0
"""A tool that has not ended by then is left out."""

TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Looked through after PATH: cron and launchd give one without the `sbin` folders."""

_left_behind: dict[str, subprocess.Popen[str]] = {}
"""Tools that could not be ended, by name: they are not started again before they end."""


def this_system() -> str:
    """Return "linux", "macos", "freebsd" or "windows", or what another system calls itself."""
    name = platform.system()
    return SYSTEMS.get(name, name.lower())


def proc() -> Path:
    """Return where Linux' /proc is; `psutil.PROCFS_PATH` moves it, for psutil and for us."""
    return Path(getattr(psutil, "PROCFS_PATH", "/proc"))


def below_root(path: str) -> Path:
    """Return one of Linux' own files, as "sys/class/net": beside /proc, wherever that is."""
    return proc().parent / path


def output_of(tool: str, *arguments: str, limit_s: float = TOOL_LIMIT_S) -> str:
    """Return what a tool of the system prints; raise ToolError if it is missing, fails or does not end in time."""
    path = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{TOOL_PATH}")
    if path is None:
        raise ToolError(f"{tool} is not installed")
    if tool in hanging.names() or (tool in _left_behind and _left_behind[tool].poll() is None):
        raise ToolError(f"{tool} still hangs")
    try:
        process = subprocess.Popen(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(f"{tool} cannot be run: {error.strerror}") from error
    try:
        out, complaint = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        _leave(tool, process)
        raise ToolError(f"{tool} did not answer in {limit_s:g} s") from error
    if process.returncode != 0:
        raise ToolError(f"{tool}: {(complaint.strip() or 'failed').splitlines()[0]}")
    return out


def _leave(tool: str, process: subprocess.Popen[str]) -> None:
    """Kill it with all that it started, but do not wait for one that waits for a disk: no signal ends that."""
    os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        _left_behind[tool] = process
        hanging.note(tool, process.pid)
