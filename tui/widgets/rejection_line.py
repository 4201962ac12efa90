"""What stands on one line of the list of refused reports: pure functions to segments of exact widths."""

from dataclasses import dataclass
from datetime import date

from rich.segment import Segment
from rich.style import Style

from store.rejections import Rejection
from tui import draw, look
from tui.widgets.event_line import when

_COUNT_CELLS, _KEY_CELLS, _STATUS_CELLS = 6, 8, 6
_KEY_FROM, _WIDE = 68, 130
"""Cells from which on keys, and first times and the receiver's answers, have columns of their own."""


@dataclass(frozen=True, slots=True)
class RejectionLine:
    """Refused reports of one kind, which day is today, and whether the last one is recent."""

    rejection: Rejection
    today: date
    recent: bool


def count(number: int) -> str:
    """Return how many in at most 6 characters: "1", "99,999", "1.2M"."""
    if number < 100_000:
        return f"{number:,}"
    return f"{number / 1e6:.1f}M" if number < 99_950_000 else f"{number / 1e9:.1f}G"


def reason(rejection: Rejection) -> str:
    """Return why it was refused, and which field was wrong if one was."""
    return draw.safe(f"{rejection.reason}: {rejection.field}" if rejection.field else rejection.reason, 300)


def _address_cells(cells: int) -> int:
    return 15 if cells < _WIDE else 39


def segments(line: RejectionLine, cells: int) -> list[Segment]:
    """Return the line: last time, how often, from where, with which key, why."""
    told, wide = line.rejection, cells >= _WIDE
    columns = [when(told.last_at, line.today, wide=wide), count(told.count).rjust(_COUNT_CELLS)]
    if wide:
        columns.append(when(told.first_at, line.today, wide=True))
        columns.append(str(told.status).rjust(_STATUS_CELLS))
    columns.append(draw.fit(draw.safe(told.address, 64), _address_cells(cells)))
    if cells >= _KEY_FROM:
        columns.append(draw.fit(draw.safe(told.fingerprint) or draw.NONE, _KEY_CELLS))
    text = "  ".join(columns) + "  "
    why = draw.fit(reason(told), cells - len(text))
    voices = (look.current.soft, look.current.plain) if line.recent else (look.current.dim, look.current.dim)
    return [Segment(text, Style.parse(voices[0])), Segment(why, Style.parse(voices[1]))]


def heading(cells: int) -> list[Segment]:
    """Return the titles over these lines."""
    wide = cells >= _WIDE
    titles = ["LAST".rjust(19 if wide else 11), "COUNT".rjust(_COUNT_CELLS)]
    if wide:
        titles += ["FIRST".rjust(19), "ANSWER".rjust(_STATUS_CELLS)]
    titles.append("FROM".ljust(_address_cells(cells)))
    if cells >= _KEY_FROM:
        titles.append("KEY".ljust(_KEY_CELLS))
    return [Segment("  ".join([*titles, "WHY"]), Style.parse(look.current.heading))]
