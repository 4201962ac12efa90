"""The fleet in groups by tag: which server stands in which, and the line above each group. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from store.models import Monitor, Status
from tui import draw, look
from tui.widgets.fleet_order import WORST_FIRST, natural
from tui.widgets.fleet_row import Piece

UNTAGGED = "no tag"


@dataclass(frozen=True, slots=True)
class GroupHeading:
    """The line above a group: its tag (None for servers without one), how many, the worst status, and of how many."""

    tag: str | None
    count: int
    worst: Status
    worst_count: int


def grouped(monitors: Iterable[Monitor]) -> list[Monitor | GroupHeading]:
    """Return monitors below the headings of their first tags, in their order within each; groups stand by name."""
    groups: dict[str | None, list[Monitor]] = {}
    for monitor in monitors:
        groups.setdefault(monitor.tags[0] if monitor.tags else None, []).append(monitor)
    rows: list[Monitor | GroupHeading] = []
    for tag in sorted(groups, key=lambda tag: (tag is None, natural(tag or ""))):
        rows.append(_heading(tag, groups[tag]))
        rows += groups[tag]
    return rows


def _heading(tag: str | None, monitors: Sequence[Monitor]) -> GroupHeading:
    counts = Counter(monitor.status for monitor in monitors)
    worst = min(counts, key=WORST_FIRST.index)
    return GroupHeading(tag, len(monitors), worst, counts[worst])


def heading_pieces(heading: GroupHeading, width: int) -> list[Piece]:
    """Return a heading's line: the tag, how many servers, how many of them have the worst status."""
    name = draw.safe(heading.tag) if heading.tag else UNTAGGED
    total, number = heading.count, heading.worst_count
    which = "" if total == 1 else "all " if number == total else f"{number} "
    servers = f"  {total} server{'' if total == 1 else 's'}  "
    worst = f"{draw.STATUS_GLYPH[heading.worst]} {which}{heading.worst} "
    name = draw.fit(name, min(cell_len(name), max(width - 1 - len(servers) - len(worst), 0)))
    rule = "─" * max(width - 1 - cell_len(name) - len(servers) - len(worst), 0)
    return [
        (f" {name}", f"bold {look.current.plain}".strip()),
        (servers, look.current.dim),
        (worst, look.current.status[heading.worst]),
        (rule, look.current.grid),
    ]
