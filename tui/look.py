"""How the console is coloured: four looks, one of which is current in this process.

Whatever draws asks `look.current` for a style at the time it draws, and keeps none. Nothing here knows about
Textual; styles are Rich style strings, `colors` are what `tui.themes` makes a Textual theme of.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from store.models import Status

Level = Literal["ok", "warn", "critical", "none"]
"""How worrying a reading is; "none" if nothing is asked of it."""

Glyphs = Literal["all", "vga", "ascii"]
"""Which characters a terminal can draw; "vga" is the kernel's own console, which has few that are no letters."""


@dataclass(frozen=True, slots=True)
class Look:
    """The styles of one look.

    Of the voices, `plain` is what one reads, `soft` what one looks up, `dim` what may be overlooked. `track` is the
    ground of a bar, and `bands` are the grounds behind a chart's `lines`: empty where the look has no quiet ground
    colours, which are then drawn as characters. `cursor` is the line under the cursor; `cursor_is_plain` says that
    it has no colours but that, since others would not stand out on it.
    """

    name: str
    colors: Mapping[str, str]
    status: Mapping[Status, str]
    level: Mapping[Level, str]
    plain: str
    soft: str
    dim: str
    heading: str
    key: str
    chosen: str
    past: str
    past_word: str
    wrong: str
    calm: str
    track: str
    cursor: str
    lines: tuple[str, str, str]
    bands: tuple[str, ...]
    grid: str
    axis: str
    chart_cursor: str
    dark: bool = True
    ansi: bool = False
    cursor_is_plain: bool = False

    def under_cursor(self, style: str) -> str:
        """Return how a piece of the line under the cursor is drawn that is else drawn in `style`."""
        return self.cursor if self.cursor_is_plain else f"{self.cursor} {style}"


DARK = Look(
    name="dark",
    colors={
        "primary": "#7aaedc",
        "secondary": "#7d8594",
        "accent": "#7aaedc",
        "foreground": "#c9ced8",
        "background": "#13161c",
        "surface": "#191d25",
        "panel": "#1d222b",
        "success": "#389680",
        "warning": "#e0b34f",
        "error": "#ff927c",
    },
    status={
        Status.UP: "#389680",
        Status.DEGRADED: "#e0b34f",
        Status.LATE: "#e6925c",
        Status.DOWN: "bold #ff927c",
        Status.PENDING: "#7aaedc",
        Status.PAUSED: "#8c93a3",
    },
    level={"ok": "#3f958a", "warn": "#e0b34f", "critical": "bold #ff927c", "none": "#7d8594"},
    plain="#c9ced8",
    soft="#9aa3b2",
    dim="#7d8594",
    heading="#7d8594",
    key="bold #7aaedc",
    chosen="bold #13161c on #7aaedc",
    past="bold #13161c on #e0b34f",
    past_word="bold #e0b34f",
    wrong="#ff927c",
    calm="#48807b",
    track="on #262b36",
    cursor="on #28313f",
    lines=("#6fc9bd", "#b99ae0", "#7aaedc"),
    bands=("#1f3d40", "#372e4a", "#22344a"),
    grid="#2a303b",
    axis="#565f70",
    chart_cursor="bold #13161c on #dfe5f0",
)

LIGHT = Look(
    name="light",
    dark=False,
    colors={
        "primary": "#1f5f9e",
        "secondary": "#626b7a",
        "accent": "#1f5f9e",
        "foreground": "#2b303b",
        "background": "#f6f7f9",
        "surface": "#eceff3",
        "panel": "#e6eaf0",
        "success": "#157a63",
        "warning": "#855500",
        "error": "#8f1d06",
    },
    status={
        Status.UP: "#157a63",
        Status.DEGRADED: "#855500",
        Status.LATE: "#9c4708",
        Status.DOWN: "bold #8f1d06",
        Status.PENDING: "#1f5f9e",
        Status.PAUSED: "#5d6675",
    },
    level={"ok": "#157a63", "warn": "#855500", "critical": "bold #8f1d06", "none": "#5d6675"},
    plain="#2b303b",
    soft="#4d5564",
    dim="#5d6675",
    heading="#5d6675",
    key="bold #1f5f9e",
    chosen="bold #f6f7f9 on #1f5f9e",
    past="bold #2b303b on #f0c258",
    past_word="bold #855500",
    wrong="#8f1d06",
    calm="#5f9f97",
    track="on #dde2e9",
    cursor="on #d8e4f1",
    lines=("#12796c", "#7a46b0", "#1f5f9e"),
    bands=("#cfe6e2", "#e3d8f2", "#d3e1f0"),
    grid="#d5dae2",
    axis="#8b94a3",
    chart_cursor="bold #f6f7f9 on #2b303b",
)

ANSI = Look(
    name="ansi",
    ansi=True,
    colors={
        "primary": "ansi_bright_blue",
        "secondary": "ansi_default",
        "accent": "ansi_bright_blue",
        "foreground": "ansi_default",
        "background": "ansi_default",
        "surface": "ansi_default",
        "panel": "ansi_default",
        "success": "ansi_cyan",
        "warning": "ansi_yellow",
        "error": "ansi_red",
    },
    status={
        Status.UP: "cyan",
        Status.DEGRADED: "yellow",
        Status.LATE: "magenta",
        Status.DOWN: "bold red",
        Status.PENDING: "bright_blue",
        Status.PAUSED: "dim",
    },
    level={"ok": "cyan", "warn": "yellow", "critical": "bold red", "none": "dim"},
    plain="",
    soft="",
    dim="dim",
    heading="dim",
    key="bold bright_blue",
    chosen="reverse",
    past="black on yellow",
    past_word="bold yellow",
    wrong="red",
    calm="dim cyan",
    track="",
    cursor="reverse",
    lines=("cyan", "magenta", "bright_blue"),
    bands=(),
    grid="dim",
    axis="dim",
    chart_cursor="reverse",
    cursor_is_plain=True,
)

MONO = Look(
    name="mono",
    ansi=True,
    colors={
        **dict.fromkeys(("primary", "secondary", "accent", "success", "warning", "error"), "ansi_default"),
        **dict.fromkeys(("foreground", "background", "surface", "panel"), "ansi_default"),
    },
    status={
        Status.UP: "",
        Status.DEGRADED: "bold",
        Status.LATE: "bold",
        Status.DOWN: "bold reverse",
        Status.PENDING: "",
        Status.PAUSED: "dim",
    },
    level={"ok": "", "warn": "bold", "critical": "bold reverse", "none": "dim"},
    plain="",
    soft="",
    dim="dim",
    heading="dim",
    key="bold",
    chosen="reverse",
    past="bold reverse",
    past_word="bold",
    wrong="bold",
    calm="dim",
    track="",
    cursor="reverse",
    lines=("bold", "", "dim"),
    bands=(),
    grid="dim",
    axis="dim",
    chart_cursor="reverse",
    cursor_is_plain=True,
)

LOOKS: dict[str, Look] = {look.name: look for look in (DARK, LIGHT, ANSI, MONO)}
"""All looks by their names, in the order in which a key goes through them."""

current: Look = DARK
"""The look of this process."""


def use(name: str) -> Look:
    """Make a look the current one and return it; raises `KeyError` if there is none of that name."""
    global current
    current = LOOKS[name]
    return current


def following(name: str) -> str:
    """Return the name of the look after that one; after the last comes the first."""
    names = list(LOOKS)
    return names[(names.index(name) + 1) % len(names)]


def suggested(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the look that suits a terminal, as far as its environment tells."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term in ("dumb", "unknown"):
        return MONO.name
    many = environ.get("COLORTERM") or "256color" in term or "direct" in term
    return DARK.name if many else ANSI.name


def shown_glyphs(environ: Mapping[str, str] = os.environ, encoding: str | None = None) -> Glyphs:
    """Return what a terminal can draw: by its name, by the locale, and by the `encoding` of standard output."""
    if not _speaks_utf8(environ, encoding):
        return "ascii"
    return "vga" if environ.get("TERM") == "linux" else "all"


def _speaks_utf8(environ: Mapping[str, str], encoding: str | None) -> bool:
    # A locale that says nothing, as C and POSIX do, is ASCII, even where Python itself would write UTF-8.
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    told = locale.rpartition(".")[2].partition("@")[0]
    return all(_is_utf8(name) for name in (told, encoding or "utf-8"))


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"
