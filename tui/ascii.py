"""What the console draws, in fewer characters: one of as many cells for each other one. Pure functions.

Text is drawn as for any terminal, and turned on its way out into ASCII, or into what the kernel's console can draw. So
nothing that is drawn needs to know of it, and what Textual draws itself (borders, scrollbars) is covered as well.
"""

from functools import lru_cache

from rich.cells import cell_len

_SAME = {
    "*": "●•",
    "^": "▲↑▴",
    "~": "◐…",
    "x": "✗\N{MULTIPLICATION SIGN}✓",
    "o": "○◯",
    "=": "‖▅",
    "@": "↻",
    "v": "▼↓▾",
    "<": "←◂◀",
    ">": "→▸▶▌▋▊▉",
    "-": "\N{EN DASH}—─━╌╴╶┄▬▍▎▏▄·",
    "|": "│┃║",
    ":": "╎╏░▃⋮",
    ".": "┈┉▂",
    "_": "▁",
    "+": "┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝▆",
    "%": "▒▓",
    "#": "█▇▀▐■▔▕",
    '"': "“”„",
    "'": "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}",
    " ": "\u00a0",
}
_TABLE = {ord(char): plain for plain, chars in _SAME.items() for char in chars}

BRAILLE = range(0x2800, 0x2900)
_BRAILLE_ROWS = (0x09, 0x12, 0x24, 0xC0)
"""The bits of a braille cell's dots, line by line from the top."""

VGA = "cp437"
"""The characters that every font of the kernel's console has."""


def _is_in(charset: str, char: str) -> bool:
    return char.encode(charset, "ignore") != b""


def _stroke(bits: int) -> str:
    """Return the stroke of a line of a chart within a cell, from the dots that it has there."""
    rows = [bool(bits & row) for row in _BRAILLE_ROWS]
    if sum(rows) > 2:
        return "|"
    return " " if not any(rows) else "'" if rows[0] else "-" if rows[1] or rows[2] else "."


@lru_cache(4096)
def in_ascii(text: str) -> str:
    """Return text in ASCII and as many cells; what has no likeness is a question mark for each of its cells."""
    return text if text.isascii() else "".join(map(_plain, text.translate(_TABLE)))


_VGA = (
    {char: plain for char, plain in _TABLE.items() if not _is_in(VGA, chr(char))}
    | str.maketrans("╭╮╰╯━┃╎‖┈▲▼▸▏▎▍▋▊▉", "┌┐└┘─││║·^v>▌▌▌▌██")
    | str.maketrans("▁▂▃▅▆▇", "__▄▄██")
    | {char: _stroke(char - BRAILLE.start) for char in BRAILLE}
)
"""The kernel's console has fonts of at most 512 characters: no braille, and of blocks the halves alone."""


@lru_cache(4096)
def in_vga(text: str) -> str:
    """Return text as the kernel's console can draw it, in as many cells: letters stay, since its font may have them."""
    return text if text.isascii() else text.translate(_VGA)


def _plain(char: str) -> str:
    if char.isascii():
        return char
    if ord(char) in BRAILLE:
        return _stroke(ord(char) - BRAILLE.start)
    return "?" * cell_len(char)
