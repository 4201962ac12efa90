"""What stands on one line of the limits screen: pure functions to segments of exact widths."""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui import draw, look
from tui.limits import Row, Source, Value

MARKS = {Source.OWN: "*", Source.DEFAULT: "+"}
"""What stands behind a value that was set, so that one need not see its style."""

_VALUE_CELLS = (8, 8, 9)
_NOW_CELLS, _FROM_CELLS, _BEHIND = 8, 21, 2
_LABEL_LEAST, _LABEL_MOST = 12, 48


def legend() -> str:
    """Return what the marks mean."""
    return f"{MARKS[Source.OWN]} own   {MARKS[Source.DEFAULT]} default for all servers   the rest as FROM says"


def _style(source: Source) -> str:
    if source is Source.OWN:
        return f"bold {look.current.plain}"
    return look.current.plain if source is Source.DEFAULT else look.current.dim


def _label_cells(cells: int) -> int:
    return min(max(cells - sum(_VALUE_CELLS) - _NOW_CELLS - _BEHIND - _FROM_CELLS, _LABEL_LEAST), _LABEL_MOST)


def _shown(value: Value) -> str:
    return value.shown + MARKS.get(value.source, " ")


def _values(row: Row) -> list[Segment]:
    """Return the values in the cells of three columns; a single one may take all, and that of the reading if free."""
    styles = [Style.parse(_style(value.source)) for value in row.values]
    if len(row.values) == 1:
        cells = sum(_VALUE_CELLS) + (0 if row.now else _NOW_CELLS)
        return [Segment(draw.fit("  " + _shown(row.values[0]), cells), styles[0])]
    places = zip(row.values, styles, _VALUE_CELLS, strict=True)
    return [Segment(_shown(value).rjust(cells), style) for value, style, cells in places]


def segments(row: Row, cells: int) -> list[Segment]:
    """Return the line: what is limited, its values, the present reading, where the values come from."""
    label = draw.fit(row.label, _label_cells(cells))
    now = "" if len(row.values) == 1 and not row.now else draw.fit(row.now, min(_NOW_CELLS, cell_len(row.now)))
    now_style = look.current.soft if row.level in ("ok", "none") else look.current.level[row.level]
    used = _label_cells(cells) + sum(_VALUE_CELLS) + _NOW_CELLS + _BEHIND
    return [
        Segment(label, Style.parse(look.current.dim if row.ignored else look.current.plain)),
        *_values(row),
        Segment(now.rjust(_NOW_CELLS) if now or len(row.values) > 1 else "", Style.parse(now_style)),
        Segment(" " * _BEHIND + draw.fit(row.sources, cells - used), Style.parse(look.current.soft)),
    ]


def heading(cells: int, *, for_all: bool) -> list[Segment]:
    """Return the titles over these lines."""
    titles = [f"{title:>{cells - 1}} " for title, cells in zip(("WARN", "CRIT", "FOR"), _VALUE_CELLS, strict=True)]
    now = ("OWN IN" if for_all else "NOW").rjust(_NOW_CELLS)
    text = " " * _label_cells(cells) + "".join(titles) + now + " " * _BEHIND + "FROM"
    return [Segment(text, Style.parse(look.current.heading))]
