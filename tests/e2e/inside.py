"""A console in screen or tmux, whose terminal in turn is a pane of another tmux: what a person sees through both."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.agent.shells import need
from tests.e2e.harness import PATIENCE_S, Station, wait_for
from tests.e2e.tmux import Pane, in_tmux


@dataclass(frozen=True)
class Multiplexer:
    """One program of this kind: its configuration and commands, in which {0} is the folder of its files."""

    name: str
    rc: str
    command: str
    start: str
    attach: str
    end: str
    prefix: str


SCREEN = Multiplexer(
    "screen",
    rc="startup_message off\nterm screen-256color\n",
    command="screen -c {0}/rc -U",
    start="-S am sh -c",
    attach="-r am",
    end="-S am -X quit",
    prefix="C-a",
)
TMUX = Multiplexer(
    "tmux",
    rc="set -g default-terminal tmux-256color\nset -g status off\n",
    command="tmux -S {0}/tmux -f {0}/rc",
    start="new-session",
    attach="attach-session",
    end="kill-server",
    prefix="C-b",
)


@dataclass(frozen=True)
class Inside:
    """A console in a multiplexer in a pane."""

    which: Multiplexer
    pane: Pane

    @property
    def folder(self) -> Path:
        """Where the multiplexer has its configuration and its socket."""
        return self.pane.station.folder / f"in-{self.which.name}"

    def words(self, *args: str) -> list[str]:
        """Return a command of the multiplexer, on a terminal as people have them."""
        command = [*self.which.command.format(self.folder).split(), *args]
        return ["env", "TERM=xterm-256color", f"SCREENDIR={self.folder}", *command]

    def tell(self, *args: str) -> str:
        """Give the multiplexer a command from outside and return what it prints."""
        station = self.pane.station
        return subprocess.run(
            self.words(*args), env=station.environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        ).stdout

    def start(self) -> None:
        """Start the console in it; its exit code ends up in a file."""
        self.folder.mkdir(mode=0o700)
        self.folder.joinpath("rc").write_text(self.which.rc)
        console = f"agentmon tui; echo $? >{self.folder}/exit"
        self.pane.command(shlex.join(self.words(*self.which.start.split(), console)))

    def detach(self) -> None:
        """Leave it running, and be back at the shell."""
        self.pane.keys(self.which.prefix, "d")
        self.pane.expect("detached")

    def attach(self) -> None:
        """Come back to it."""
        self.pane.command("clear; " + shlex.join(self.words(*self.which.attach.split())))

    def left(self) -> str:
        """Press q and return the console's exit code."""
        told = self.folder / "exit"
        self.pane.keys("q")
        return wait_for("the console's end", lambda: told.read_text().strip() if told.exists() else None)


@contextmanager
def inside(which: Multiplexer, station: Station, columns: int, lines: int) -> Iterator[Inside]:
    """Start an attached console in a multiplexer, on a terminal of that size with a clipboard; end all of it."""
    need(which.name)
    with in_tmux(station, columns, lines) as pane:
        pane.tmux("set-option", "-g", "set-clipboard", "on")
        made = Inside(which, pane)
        try:
            made.start()
            pane.expect("healthy")
            yield made
        finally:
            made.tell(*which.end.split())


def clipboard(terminal: Pane) -> str:
    """Return what was last given to the clipboard of a terminal."""
    return terminal.tmux("show-buffer") if terminal.tmux("list-buffers") else ""
