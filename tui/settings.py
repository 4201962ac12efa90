"""How one person's console is to be: what the command line and the configuration decide before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tui.look import Glyphs


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Settings of a console.

    `theme` is the name of a look, None for the one used last; if none was, it is `suggested_theme`. `keys` gives
    actions, by their id in the action table, other keys. `memory` is the file that remembers how the console was
    left, None to remember nothing. `bell` rings the terminal's bell when a server goes down or a reading becomes
    critical. `glyphs` are the characters that the terminal can draw. `serves` is whether the receiver runs in the same
    process, and would stop with the console.
    """

    read_only: bool = False
    theme: str | None = None
    suggested_theme: str = "dark"
    bell: bool = False
    mouse: bool = True
    glyphs: Glyphs = "all"
    serves: bool = False
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memory: Path | None = None
