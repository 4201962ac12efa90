"""A terminal of one's own: a pty that is read, or not, and all bytes that a program wrote to it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.e2e.harness import Served, Station, listening_port, put_down, wait_for

ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes standard input the controlling terminal, so that its loss sends SIGHUP, then becomes the command."""

READ_EVERY_S = 0.05


class Pty:
    """A terminal of `columns` by `lines`, read by a thread of its own unless it is stalled."""

    def __init__(self, columns: int, lines: int) -> None:
        """Open it."""
        self._master, slave = pty.openpty()
        self.device = os.ttyname(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._slave = slave
        self._written = bytearray()
        self._reading = threading.Event()
        self._reading.set()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, station: Station, command: list[str], umask: int = -1) -> subprocess.Popen[bytes]:
        """Run a command that has this terminal as its controlling one."""
        process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=station.environ,
            cwd=station.folder,
            start_new_session=True,
            umask=umask,
        )
        os.close(self._slave)
        return process

    @property
    def written(self) -> bytes:
        """All that came so far."""
        return bytes(self._written)

    def type(self, keys: str) -> None:
        """Press keys."""
        self.send(keys.encode())

    def send(self, data: bytes) -> None:
        """Send bytes, as a terminal does that is not set up for UTF-8."""
        os.write(self._master, data)

    def expect(self, pattern: str, since: int = 0) -> int:
        """Wait until text comes that a pattern matches, after `since` bytes; returns how many came in all."""
        compiled = re.compile(pattern.encode())
        wait_for(f"{pattern!r} on the terminal", lambda: compiled.search(self._written, since))
        return len(self._written)

    def modes(self) -> list[Any]:
        """Return the terminal's modes, as `stty -a` shows them."""
        return termios.tcgetattr(self._master)

    def stall(self) -> None:
        """Read no more."""
        self._reading.clear()

    def resume(self) -> None:
        """Read again."""
        self._reading.set()

    def is_full(self) -> bool:
        """Return whether the terminal takes nothing more, so that whoever writes to it waits."""
        device = os.open(self.device, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return not select.select([], [device], [], 0)[1]
        finally:
            os.close(device)

    def close(self) -> None:
        """Lose the terminal, as when an SSH connection breaks."""
        if not self._closing.is_set():
            self._closing.set()
            self._reader.join()
            os.close(self._master)

    def _read(self) -> None:
        while not self._closing.is_set():
            if not self._reading.is_set() or not select.select([self._master], [], [], READ_EVERY_S)[0]:
                self._closing.wait(READ_EVERY_S)
                continue
            with suppress(OSError):  # nobody has the terminal open (any more)
                self._written += os.read(self._master, 65536)


@contextmanager
def opened(columns: int, lines: int) -> Iterator[Pty]:
    """Open a terminal and close it."""
    terminal = Pty(columns, lines)
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def console(station: Station, terminal: Pty, *options: str, umask: int = -1) -> Iterator[Served]:
    """Run `agentmon serve --tui` on a terminal, from its first healthy picture on; it must end well."""
    command = station.command("serve", "--tui", "--host", "127.0.0.1", "--port", "0", *options)
    process = terminal.start(station, command, umask)
    log = station.database.with_name(station.database.name + ".log")
    with put_down(process):
        served = Served(process, listening_port(log, process), log, station)
        terminal.expect("healthy")
        yield served
        if process.poll() is None:
            served.stop()


def fill(terminal: Pty) -> None:
    """Stop reading a terminal, and press keys that make the console draw, until it waits for its terminal."""

    def full() -> bool:
        terminal.type("G?g?")
        return terminal.is_full()

    terminal.stall()
    wait_for("a terminal that takes nothing more", full)
    for _ in range(30):  # what the console may still have queued up behind the terminal
        terminal.type("G?g?")
        time.sleep(0.02)


@contextmanager
def attached(station: Station, terminal: Pty) -> Iterator[subprocess.Popen[bytes]]:
    """Run `agentmon tui`, from its first healthy picture on."""
    process = terminal.start(station, station.command("tui"))
    with put_down(process):
        terminal.expect("healthy")
        yield process
