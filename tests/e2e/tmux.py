"""A real tmux of one's own, with a shell in it: what a person sees and types."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.agent.shells import need
from tests.e2e.harness import PATIENCE_S, Station, wait_for

PROMPT = "ready> "


@dataclass(frozen=True)
class Pane:
    """One pane of a tmux server that only this test knows; `target` is tmux's id of it."""

    station: Station
    socket: Path
    target: str

    def tmux(self, *args: str) -> str:
        """Run a tmux command and return what it prints."""
        return tmux(self.station, self.socket, *args)

    def screen(self) -> str:
        """Return what stands on the screen."""
        return self.tmux("capture-pane", "-p", "-t", self.target)

    def colours(self) -> str:
        """Return what stands on the screen with the escape sequences that colour it."""
        return self.tmux("capture-pane", "-p", "-e", "-t", self.target)

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal larger or smaller."""
        self.tmux("resize-window", "-t", self.target, "-x", str(columns), "-y", str(lines))

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self.tmux("send-keys", "-t", self.target, *keys)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self.tmux("send-keys", "-t", self.target, "-l", "--", text)

    def command(self, line: str) -> None:
        """Give the shell a line, once it is ready for one."""
        wait_for("the shell's prompt", lambda: self.screen().rstrip().endswith(PROMPT.strip()))
        self.type(line)
        self.keys("Enter")

    def expect(self, pattern: str) -> "re.Match[str]":
        """Wait until the screen shows what a pattern matches."""
        try:
            return wait_for(repr(pattern), lambda: re.search(pattern, self.screen(), re.MULTILINE))
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen shows:\n{self.screen()}") from None

    def expect_gone(self, pattern: str) -> None:
        """Wait until the screen shows it no more."""
        wait_for(f"the end of {pattern!r}", lambda: not re.search(pattern, self.screen(), re.MULTILINE))

    def display(self, what: str) -> str:
        """Return what tmux knows about the pane, by a format."""
        return self.tmux("display-message", "-p", "-t", self.target, what).strip()

    def split(self) -> "Pane":
        """Open another pane beside it."""
        made = self.tmux("split-window", "-h", "-P", "-F", "#{pane_id}", "-t", self.target, *shell_of(self.station))
        pane = Pane(self.station, self.socket, made.strip())
        pane.expect(PROMPT.strip())
        return pane


def tmux(station: Station, socket: Path, *args: str) -> str:
    """Run a command of tmux without anyone's configuration."""
    done = subprocess.run(
        [need("tmux"), "-S", str(socket), "-f", "/dev/null", *args],
        env=station.environ,
        cwd=station.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"tmux {args[0]}: {done.stderr}"
    return done.stdout


def shell_of(station: Station) -> list[str]:
    """Return the command of a plain shell with a prompt that is easily recognised."""
    extra = {"TERM": "screen-256color", "AGENTMON_DB": str(station.database), "PS1": PROMPT}
    return ["env", "-i", *(f"{name}={value}" for name, value in (station.environ | extra).items()), "sh"]


@contextmanager
def in_tmux(station: Station, columns: int, lines: int) -> Iterator[Pane]:
    """Start tmux with a shell on a screen of that size, and end all of it."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder:
        socket = Path(folder, "tmux")
        size = ("-x", str(columns), "-y", str(lines))
        tmux(station, socket, "new-session", "-d", *size, *shell_of(station))
        try:
            pane = Pane(station, socket, tmux(station, socket, "display-message", "-p", "#{pane_id}").strip())
            pane.expect(PROMPT.strip())
            yield pane
        finally:
            tmux(station, socket, "kill-server")
