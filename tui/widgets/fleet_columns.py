"""The fleet table's columns, and which of them stand where at a given width: pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from tui.action import Keys


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `gap` empty cells, then `width` cells that begin at `x`.

    `sort` names the column that a click on the heading sorts by, empty for none, `letter` the key that does the same:
    it is the letter underlined in the title. `about` says what stands in it, `label` what it is called in a list of
    columns if its title does not tell.
    """

    key: str
    title: str
    width: int
    about: str
    gap: int = 1
    sort: str = ""
    letter: str = ""
    align: Literal["left", "right"] = "right"
    label: str = ""
    x: int = 0

    @property
    def called(self) -> str:
        """What it is called in a list of columns."""
        return self.label or self.title


COLUMNS = (
    Column("status", "STATUS", 10, "how the server is, in a word", sort="status", letter="S", align="left"),
    Column("age", "AGE", 4, "how long ago the last report came", sort="age", letter="A"),
    Column("name", "NAME", 16, "the server's name", gap=2, sort="name", letter="N", align="left"),
    Column("cpu", "CPU", 4, "CPU usage of the last report", sort="cpu", letter="U"),
    Column(
        "course", "", 5, "its course over the last reports, 0 to 100 %", sort="cpu", align="left", label="CPU course"
    ),
    Column("memory", "MEM", 4, "memory in use", sort="memory", letter="M"),
    Column("swap", "SWAP", 5, "swap in use", sort="swap", letter="W"),
    Column("disk", "DISK", 5, "usage of the fullest mount", sort="disk", letter="D"),
    Column("bar", "", 4, "the same as a bar", sort="disk", align="left", label="DISK bar"),
    Column("mount", "", 4, "which mount that is", sort="disk", align="left", label="DISK mount"),
    Column("full", "FULL", 5, "when the first mount is full, at its growth", sort="full", letter="F"),
    Column("rx", "RX/s", 5, "bytes received per second", sort="rx", letter="R"),
    Column("tx", "TX/s", 5, "bytes sent per second", sort="tx", letter="X"),
    Column("load", "LOAD", 5, "load over one minute", sort="load", letter="L"),
    Column("tags", "TAGS", 8, "its tags", gap=2, align="left"),
    Column("system", "SYSTEM", 12, "its operating system", gap=2, sort="system", letter="Y", align="left"),
)
"""All columns from left to right, at their smallest width.

Age stands left because Textual sends a changed line from the widget's left edge: a clock costs what stands before it.
"""

BY_KEY = {column.key: column for column in COLUMNS}

ALWAYS = frozenset({"status", "name"})
"""What cannot be hidden: without it a line says nothing."""

LAST_KEPT = ALWAYS | {"age"}
"""What stays in a terminal however narrow, if it is shown at all."""

SORTABLE = [column.key for column in COLUMNS if column.letter]
"""The columns that one can sort by, from left to right, shown at this width or not."""

DROPPED_FIRST = (
    ("system",),
    ("swap",),
    ("load",),
    ("full",),
    ("bar",),
    ("tags",),
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
    (("name", 24), ("mount", 10), ("course", 12), ("tags", 16), ("system", 18), ("bar", 8)),
    (("course", 24), ("name", 32), ("mount", 16), ("system", 24), ("bar", 10)),
    (("course", 60), ("name", 48), ("mount", 24), ("tags", 32), ("system", 32)),
)
"""How room beyond the smallest widths is spent: column by column up to a width, round after round."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which columns a person wants to see, and their order: all of them, with those that are not to be seen."""

    order: tuple[str, ...] = tuple(BY_KEY)
    hidden: frozenset[str] = frozenset({"tags"})

    @property
    def shown(self) -> list[str]:
        """The columns that are wanted, from left to right."""
        return [key for key in self.order if key not in self.hidden]

    @property
    def sortable(self) -> list[str]:
        """Those of them that one can sort by."""
        return [key for key in self.shown if key in SORTABLE]

    @property
    def is_own_order(self) -> bool:
        """Whether the order is a person's own: then it also says what is left out first."""
        return self.order != tuple(BY_KEY)

    def toggled(self, key: str) -> "Choice":
        """Return the choice with a column shown that was hidden, or the other way; some cannot be hidden."""
        return self if key in ALWAYS else replace(self, hidden=self.hidden ^ {key})

    def moved(self, key: str, step: int) -> "Choice":
        """Return the choice with a column `step` places to the right, or to the left if negative, up to the ends."""
        rest = [each for each in self.order if each != key]
        at = min(max(self.order.index(key) + step, 0), len(rest))
        return replace(self, order=(*rest[:at], key, *rest[at:]))

    def dropped_first(self) -> Iterable[tuple[str, ...]]:
        """Return what a narrow terminal does without, first what goes first.

        By itself that is the most dispensable; in an order of one's own it is what stands at the right.
        """
        if self.is_own_order:
            return ((key,) for key in reversed(self.shown) if key not in LAST_KEPT)
        return DROPPED_FIRST


DEFAULT = Choice()


def recalled(order: Iterable[str], hidden: Iterable[str]) -> Choice:
    """Return a choice from names that may be of another version: unknown ones go, new ones are as by default."""
    known = [key for key in dict.fromkeys(order) if key in BY_KEY]
    if not known:
        return DEFAULT
    missing = [key for key in BY_KEY if key not in known]
    for key in missing:
        before = list(BY_KEY)[: list(BY_KEY).index(key)]
        at = max((known.index(each) + 1 for each in before if each in known), default=0)
        known.insert(at, key)
    kept_hidden = {key for key in hidden if key in BY_KEY} - ALWAYS
    return Choice(tuple(known), frozenset(kept_hidden | (DEFAULT.hidden & set(missing))))


def layout(width: int, choice: Choice = DEFAULT) -> list[Column]:
    """Return the columns that a line of `width` cells shows, with their places: of those chosen, what fits."""
    columns = {key: BY_KEY[key] for key in choice.shown}
    for group in choice.dropped_first():
        if _span(columns) <= width:
            break
        for key in group:
            columns.pop(key, None)
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


def on_keys(columns: Iterable[Column], keys: Keys) -> list[Column]:
    """Return the columns with the letters that sort by them now; none where that is no letter of the title."""
    return [
        replace(column, letter=next((key for key in keys[name] if key in column.title), ""))
        if (name := f"sort_{column.sort}") in keys
        else column
        for column in columns
    ]
