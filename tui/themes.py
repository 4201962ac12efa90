"""The looks as Textual themes, and what is done to every line before it is sent: no colours, or ASCII alone."""

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from tui.ascii import in_ascii
from tui.look import Look

PREFIX = "agentmon-"


def theme_of(look: Look) -> Theme:
    """Return the theme that draws Textual's own parts in a look."""
    colors = look.colors
    return Theme(
        name=PREFIX + look.name,
        dark=look.dark,
        ansi=look.ansi,
        primary=colors["primary"],
        secondary=colors["secondary"],
        accent=colors["accent"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        success=colors["success"],
        warning=colors["warning"],
        error=colors["error"],
    )


class NoColors(LineFilter):
    """Leaves bold, dim, underline and reverse, and takes every colour."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without colours."""
        return [Segment(text, style and _without_color(style), control) for text, style, control in segments]


class AsciiOnly(LineFilter):
    """Draws everything in ASCII, cell by cell."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]


@lru_cache(1024)
def _without_color(style: Style) -> Style:
    return style.without_color
