"""The looks as Textual themes, an app that changes them, and what is done to every line before it is sent."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter
from textual.theme import Theme

from tui import look
from tui.ascii import in_ascii, in_vga
from tui.look import LOOKS, MONO, Glyphs, Look
from tui.settings import ConsoleSettings

PREFIX = "agentmon-"

_ANSI = {
    **dict.fromkeys(("ansi-background", "ansi-foreground"), "ansi_default"),
    **dict.fromkeys(("block-cursor-background", "block-cursor-foreground"), "ansi_default"),
    "block-cursor-text-style": "bold reverse",
    **dict.fromkeys(("border", "border-blurred", "scrollbar", "scrollbar-hover", "scrollbar-active"), "ansi_default"),
    **dict.fromkeys(("scrollbar-background", "scrollbar-background-hover"), "ansi_default"),
    "scrollbar-background-active": "ansi_default",
}
"""What Textual draws itself, where colours are the terminal's own: what is chosen is reversed, since no two of those
colours are sure to differ enough."""


def theme_of(made_of: Look) -> Theme:
    """Return the theme that draws Textual's own parts in a look."""
    colors = made_of.colors
    return Theme(
        name=PREFIX + made_of.name,
        dark=made_of.dark,
        ansi=made_of.ansi,
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
        variables=_ANSI if made_of.ansi else {},
    )


class NoColors(LineFilter):
    """Leaves bold, dim, underline and reverse, and takes every colour."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without colours."""
        return [Segment(text, style and _without_color(style), control) for text, style, control in segments]


class Redrawn(LineFilter):
    """Draws everything in other characters, cell by cell."""

    def __init__(self, drawn: Callable[[str], str]) -> None:
        """Turn text into what is `drawn`, of as many cells."""
        super().__init__()
        self._drawn = drawn

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in those characters."""
        return [Segment(self._drawn(text), style, control) for text, style, control in segments]


_REDRAWN: dict[Glyphs, list[LineFilter]] = {"all": [], "vga": [Redrawn(in_vga)], "ascii": [Redrawn(in_ascii)]}


@lru_cache(1024)
def _without_color(style: Style) -> Style:
    return style.without_color


def begin_with(settings: ConsoleSettings, remembered: str | None) -> str:
    """Return the name of the first look: what is set, else what was used last, else what suits the terminal."""
    return next(
        name for name in (settings.theme, remembered, settings.suggested_theme, look.DARK.name) if name in LOOKS
    )


@runtime_checkable
class Restyled(Protocol):
    """A widget or screen that keeps what it has drawn."""

    def restyle(self) -> None:
        """Draw it again, in the look that is current now."""


class LookApp(App[None], inherit_bindings=False):
    """An app in one of the looks; `action_next_look` goes on to the next."""

    def __init__(self, name: str, glyphs: Glyphs) -> None:
        """Begin with the look of that name, and draw with these characters alone."""
        super().__init__()
        self._redrawn = _REDRAWN[glyphs]
        for each in LOOKS.values():
            self.register_theme(theme_of(each))
        self.theme = PREFIX + look.use(name).name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what is done to each line before it is sent.

        Of Textual's own that is what replaces the terminal's colours: its answer to NO_COLOR, greys, is not ours.
        """
        found: list[LineFilter] = [each for each in super().get_line_filters() if isinstance(each, ANSIToTruecolor)]
        if look.current is MONO:
            found.append(NoColors())
        return [*found, *self._redrawn]

    def action_next_look(self) -> None:
        """Go on to the next look: at once, and on all screens."""
        self.theme = PREFIX + look.use(look.following(look.current.name)).name
        # Behind Textual's own, which gives all widgets their new colours.
        self.call_next(self._restyle)

    def _restyle(self) -> None:
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                if isinstance(widget, Restyled):
                    widget.restyle()
                widget.refresh()
        self.look_changed(look.current.name)

    def look_changed(self, name: str) -> None:
        """Do what else there is to do in another look."""
