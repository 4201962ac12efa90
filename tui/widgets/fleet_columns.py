"""The fleet table's columns, and which of them stand where at a given width: pure."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `gap` empty cells, then `width` cells that begin at `x`.

    `sort` names the column that a click on the heading sorts by, `letter` the key that does the same: it is the
    letter underlined in the title.
    """

    key: str
    title: str
    width: int
    gap: int = 1
    sort: str = ""
    letter: str = ""
    align: Literal["left", "right"] = "right"
    x: int = 0


COLUMNS = (
    Column("status", "STATUS", 10, sort="status", letter="S", align="left"),
    Column("age", "AGE", 4, sort="age", letter="A"),
    Column("name", "NAME", 16, gap=2, sort="name", letter="N", align="left"),
    Column("cpu", "CPU", 4, sort="cpu", letter="C"),
    Column("course", "", 5, sort="cpu", align="left"),
    Column("memory", "MEM", 4, sort="memory", letter="M"),
    Column("swap", "SWAP", 5, sort="swap", letter="W"),
    Column("disk", "DISK", 5, sort="disk", letter="D"),
    Column("bar", "", 4, sort="disk", align="left"),
    Column("mount", "", 4, sort="disk", align="left"),
    Column("full", "FULL", 5, sort="full", letter="F"),
    Column("rx", "RX/s", 5, sort="rx", letter="R"),
    Column("tx", "TX/s", 5, sort="tx", letter="X"),
    Column("load", "LOAD", 5, sort="load", letter="L"),
    Column("system", "SYSTEM", 12, gap=2, sort="system", letter="Y", align="left"),
)
"""All columns from left to right, at their smallest width.

Age stands left because Textual sends a changed line from the widget's left edge: a clock costs what stands before it.
"""

SORTABLE = [column.key for column in COLUMNS if column.letter]
"""The columns that one can sort by, from left to right, shown at this width or not."""

DROPPED_FIRST = (
    ("system",),
    ("swap",),
    ("load",),
    ("full",),
    ("bar",),
    ("rx", "tx"),
    ("course",),
    ("mount",),
    ("memory",),
    ("cpu",),
    ("disk",),
)
"""What a narrow terminal does without, the most dispensable first."""

GROWTH = (
    (("name", 18), ("mount", 6), ("course", 8), ("bar", 6)),
    (("name", 24), ("mount", 10), ("course", 12), ("system", 18), ("bar", 8)),
    (("course", 24), ("name", 32), ("mount", 16), ("system", 24), ("bar", 10)),
    (("course", 60), ("name", 48), ("mount", 24), ("system", 32)),
)
"""How room beyond the smallest widths is spent: column by column up to a width, round after round."""


def layout(width: int) -> list[Column]:
    """Return the columns that a line of `width` cells shows, with their places; always status, age and name."""
    columns = {column.key: column for column in COLUMNS}
    for group in DROPPED_FIRST:
        if _span(columns) <= width:
            break
        for key in group:
            del columns[key]
    _grow(columns, width - _span(columns))
    placed, x = [], 0
    for column in columns.values():
        placed.append(replace(column, x=x + column.gap))
        x += column.gap + column.width
    return placed


def _span(columns: dict[str, Column]) -> int:
    return sum(column.gap + column.width for column in columns.values())


def _grow(columns: dict[str, Column], room: int) -> None:
    for key, target in (pair for stage in GROWTH for pair in stage):
        if column := columns.get(key):
            more = max(0, min(target - column.width, room))
            columns[key] = replace(column, width=column.width + more)
            room -= more


def column_at(columns: list[Column], x: int) -> Column | None:
    """Return the column that cell `x` of a line belongs to; the gap before a column is its own."""
    return next((column for column in columns if x < column.x + column.width), None)
