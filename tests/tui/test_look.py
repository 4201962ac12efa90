"""The looks, their choice, and that all of the console is drawn in the one that is chosen."""

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.style import Style

from store.models import Status
from tests.tui.fleet_pilot import running
from tests.tui.fleets import a_monitor, small_fleet
from tests.tui.gallery import full_house, settled
from tests.tui.house import House, shown
from tests.tui.standins import hour, monitor
from tui import draw, look
from tui.ascii import in_ascii, in_vga
from tui.look import ANSI, DARK, LIGHT, LOOKS, MONO, Glyphs, Look, shown_glyphs, suggested
from tui.settings import ConsoleSettings
from tui.themes import PREFIX, begin_with


def styles_of(one: Look) -> dict[str, str]:
    """Return all styles that text is drawn in, by their names."""
    named = {name: getattr(one, name) for name in ("plain", "soft", "dim", "heading", "key", "past_word", "wrong")}
    named |= {f"status {status}": style for status, style in one.status.items()}
    return named | {f"level {level}": style for level, style in one.level.items()}


def luminance(color: str) -> float:
    """Return the relative luminance of a colour, from 0 to 1, as WCAG 2 defines it."""
    triplet = Color.parse(color).get_truecolor()
    parts = [part / 255 for part in triplet]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def color_of(style: str) -> str:
    color = Style.parse(style).color
    assert color is not None
    return color.name


@pytest.mark.parametrize("one", [DARK, LIGHT], ids=lambda one: one.name)
@pytest.mark.parametrize("ground", ["background", "surface", "panel"])
def test_all_text_stands_out_from_its_ground(one: Look, ground: str) -> None:
    faint = {
        name: round(contrast(color_of(style), one.colors[ground]), 2)
        for name, style in styles_of(one).items()
        if contrast(color_of(style), one.colors[ground]) < (4.5 if ground == "background" else 4.0)
    }
    assert not faint


@pytest.mark.parametrize("one", [DARK, LIGHT], ids=lambda one: one.name)
def test_text_on_a_ground_of_its_own_stands_out_from_it(one: Look) -> None:
    for style in map(Style.parse, (one.chosen, one.past, one.chart_cursor)):
        assert style.color and style.bgcolor
        assert contrast(style.color.name, style.bgcolor.name) >= 4.5
    ground = Style.parse(one.cursor).bgcolor
    assert ground
    assert contrast(color_of(one.plain), ground.name) >= 4.5
    assert contrast(one.colors["primary"], one.colors["background"]) >= 4.5


@pytest.mark.parametrize("one", [DARK, LIGHT], ids=lambda one: one.name)
def test_up_and_down_differ_in_lightness_so_that_no_eye_needs_red_and_green(one: Look) -> None:
    assert contrast(color_of(one.status[Status.UP]), color_of(one.status[Status.DOWN])) >= 1.5
    assert contrast(color_of(one.level["ok"]), color_of(one.level["critical"])) >= 1.5


@pytest.mark.parametrize("one", LOOKS.values(), ids=LOOKS)
def test_what_is_down_looks_unlike_all_other_statuses(one: Look) -> None:
    others = [Style.parse(style) for status, style in one.status.items() if status is not Status.DOWN]
    assert Style.parse(one.status[Status.DOWN]) not in others


def test_the_ansi_look_names_no_colours_but_the_terminals_own() -> None:
    others = (ANSI.calm, ANSI.track, ANSI.cursor, ANSI.chosen, ANSI.past, *ANSI.lines, *ANSI.bands, ANSI.chart_cursor)
    for style in map(Style.parse, (*styles_of(ANSI).values(), *others)):
        for color in filter(None, (style.color, style.bgcolor)):
            assert color.type is ColorType.STANDARD


def test_the_look_without_colours_has_none() -> None:
    others = (MONO.calm, MONO.track, MONO.cursor, MONO.chosen, MONO.past, *MONO.lines, *MONO.bands, MONO.chart_cursor)
    for style in map(Style.parse, (*styles_of(MONO).values(), *others)):
        assert style.color is None and style.bgcolor is None


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "xterm-direct"}, "dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "dark"),
        ({"TERM": "xterm"}, "ansi"),
        ({"TERM": "linux"}, "ansi"),
        ({"TERM": "screen"}, "ansi"),
        ({}, "ansi"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "mono"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "mono"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "dark"),
    ],
)
def test_a_terminal_gets_the_look_that_suits_it(environ: dict[str, str], name: str) -> None:
    assert suggested(environ) == name


@pytest.mark.parametrize(
    ("set_to", "remembered", "name"),
    [("light", "ansi", "light"), (None, "ansi", "ansi"), (None, None, "mono"), (None, "purple", "mono")],
)
def test_what_is_set_comes_before_what_was_used_last_and_that_before_what_suits(
    set_to: str | None, remembered: str | None, name: str
) -> None:
    assert begin_with(ConsoleSettings(theme=set_to, suggested_theme="mono"), remembered) == name


@pytest.mark.parametrize(
    ("environ", "encoding", "expected"),
    [
        ({"LANG": "en_US.UTF-8"}, "utf-8", "all"),
        ({"LANG": "C.utf8"}, None, "all"),
        ({"LANG": "de_DE.UTF-8@euro"}, "UTF-8", "all"),
        ({"LC_CTYPE": "UTF-8"}, "utf-8", "all"),
        ({"LC_CTYPE": "UTF-8", "TERM": "linux"}, "utf-8", "vga"),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "utf-8", "ascii"),
        ({"LC_CTYPE": "POSIX", "LANG": "en_US.UTF-8"}, "utf-8", "ascii"),
        ({"LANG": "de_DE.ISO-8859-1"}, "utf-8", "ascii"),
        ({"LANG": "en_US.UTF-8"}, "ascii", "ascii"),
        ({"TERM": "linux"}, "utf-8", "ascii"),
        ({}, "utf-8", "ascii"),
    ],
)
def test_locale_and_terminal_say_which_characters_there_are(
    environ: dict[str, str], encoding: str | None, expected: Glyphs
) -> None:
    assert shown_glyphs(environ, encoding) == expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("● up ▲ ◐ ✗ ○ ‖", "* up ^ ~ x o ="),
        ("db-primary…", "db-primary~"),
        ("j ↓", "j v"),
        ("╭─╮│ │╰─╯", "+-+| |+-+"),
        ("████▌ ╎ │", "####> : |"),
        ("\u2801\u2840\u28ff\u2812", "'.|-"),
        ("Łódź", "??d?"),
        ("世界", "????"),
        ("e\u0301", "e"),
    ],
)
def test_what_is_drawn_has_a_likeness_in_ascii_of_as_many_cells(text: str, plain: str) -> None:
    assert in_ascii(text) == plain
    assert cell_len(plain) == cell_len(text)


def test_statuses_look_different_in_ascii() -> None:
    assert len({in_ascii(glyph) for glyph in draw.STATUS_GLYPH.values()}) == len(Status)


def colors_on(app: Any) -> set[str]:
    """Return the names of all colours that the screen is drawn in."""
    found = set()
    for strip in app.screen._compositor.render_strips(app.size):
        for segment in strip:
            if segment.style:
                found |= {color.name for color in (segment.style.color, segment.style.bgcolor) if color}
    return found


async def test_t_goes_through_all_looks_and_repaints_all_of_the_screen() -> None:
    async with running(House(*small_fleet())) as fleet:
        app = fleet.house.app
        before = colors_on(app)
        assert DARK.colors["background"] in before
        await fleet.press("t")
        assert look.current is LIGHT
        # A colour of the dark look that is still there has been kept by some cache.
        assert not {color_of(style) for style in styles_of(DARK).values()} & colors_on(app)
        await fleet.press("t")
        assert {Color.parse(name).type for name in colors_on(app)} <= {ColorType.STANDARD, ColorType.DEFAULT}
        await fleet.press("t")
        assert not colors_on(app)
        await fleet.press("t")
        assert look.current is DARK and colors_on(app) == before


@pytest.mark.parametrize("key", ["enter", "h", "K", "E", "a", "s", "exclamation_mark", "question_mark"])
async def test_every_screen_is_repainted_and_so_is_the_one_below_it(key: str) -> None:
    async with running(House(*small_fleet(), samples=hour())) as fleet:
        app = fleet.house.app
        await fleet.press("j", key)
        assert len(app.screen_stack) == 2
        await fleet.second()
        await fleet.press("t")
        await fleet.second()
        dark = {color_of(style) for style in styles_of(DARK).values()} | set(DARK.colors.values()) | set(DARK.lines)
        assert not dark & colors_on(app)
        await fleet.press("escape")
        await fleet.second()
        assert not dark & colors_on(app)


WALK = [(), ("T",), ("escape", "?"), ("escape", "j", "enter"), ("h",), ("escape", "escape", "p")]


async def test_a_console_that_draws_in_ascii_shows_nothing_else() -> None:
    fleet_of = [*small_fleet(), replace(a_monitor(99, "Ελλάς 世界"))]
    async with running(House(*fleet_of, glyphs="ascii"), size=(120, 40)) as fleet:
        for keys in WALK:
            await fleet.press(*keys)
            await fleet.second()
            assert fleet.text.isascii(), fleet.text


async def test_the_kernels_console_is_shown_what_its_fonts_have_and_letters_as_they_are() -> None:
    house = full_house(glyphs="vga")
    async with running(house, size=(120, 40)) as fleet:
        assert "Čaj 世界 café" in unicodedata.normalize("NFC", fleet.text)
        house.store.drop(11)
        for keys in WALK:
            await fleet.press(*keys)
            await fleet.second()
            await settled(fleet)
            assert fleet.text.encode("cp437"), fleet.text


def test_blocks_and_strokes_keep_their_cells_on_the_kernels_console() -> None:
    assert in_vga("▁▂▃▄▅▆▇█") == "__▄▄▄███"
    assert in_vga("╭─╮ ▉▌ ● \u2801\u28ff") == "┌─┐ █▌ * '|"
    assert all(cell_len(in_vga(char)) == cell_len(char) for char in map(chr, range(0x2000, 0x2900)))


async def test_a_look_that_is_chosen_is_there_from_the_first_picture() -> None:
    async with running(House(monitor(), theme="light")) as fleet:
        assert fleet.house.app.theme == PREFIX + "light"
        assert LIGHT.colors["background"] in colors_on(fleet.house.app)
        assert "web-1" in shown(fleet.house.app)
