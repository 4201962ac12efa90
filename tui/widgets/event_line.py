"""What stands on one line of the list of events: pure functions from an event to segments of exact widths."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rich.segment import Segment
from rich.style import Style

from store.events import Event, EventKind
from store.models import Status
from store.when import local
from store.wording import KIND_WORDS, sentence
from tui import draw, look
from tui.alerts import severity

WIDE = 100
"""Cells from which on dates have their year, and kinds a column of their own."""

_DATE_CELLS, _LONG_DATE_CELLS = 11, 19
_KIND_CELLS = 16
_NAME_LEAST, _NAME_MOST = 10, 32


class Shown(StrEnum):
    """Which events are shown; `tab` goes on to the next."""

    ALL = "all"
    PROBLEMS = "problems"
    CHANGES = "changes"

    @property
    def following(self) -> "Shown":
        """What `tab` goes on to."""
        every = list(Shown)
        return every[(every.index(self) + 1) % len(every)]


def is_shown(event: Event, shown: Shown) -> bool:
    """Return whether an event is one of those: problems are what people did not do, and how it ended."""
    problem = severity(event) is not None or event.kind is EventKind.REBOOTED
    return shown is Shown.ALL or problem is (shown is Shown.PROBLEMS)


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event, what it says, and which day is today."""

    event: Event
    words: str
    today: date


def line_of(event: Event, today: date) -> EventLine:
    """Return the line of an event."""
    return EventLine(event, draw.safe(sentence(event), 500), today)


def is_wanted(line: EventLine, words: list[str]) -> bool:
    """Return whether every one of these words, in lower case, is in the server's name, the kind or the sentence."""
    if not words:
        return True
    text = f"{line.event.monitor or ''}\n{KIND_WORDS[line.event.kind]}\n{line.words}".casefold()
    return all(word in text for word in words)


def when(at: int, today: date, *, wide: bool) -> str:
    """Return a time (ms) as the machine's own: without its date if that is today, without its year if that will do."""
    then = local(at)
    if then.date() == today:
        text = f"{then:%H:%M:%S}"
    elif wide:
        text = f"{then:%Y-%m-%d %H:%M:%S}"
    else:
        text = f"{then:%m-%d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d}"
    return text.rjust(_LONG_DATE_CELLS if wide else _DATE_CELLS)


_STATUS: dict[EventKind, Status] = {
    EventKind.UP: Status.UP,
    EventKind.DOWN: Status.DOWN,
    EventKind.DEGRADED: Status.DEGRADED,
    EventKind.RECOVERED: Status.UP,
    EventKind.SILENCE: Status.DOWN,
    EventKind.REPORTS_AGAIN: Status.UP,
    EventKind.SHARED_KEY: Status.DEGRADED,
    EventKind.PAUSED: Status.PAUSED,
}
"""The kinds that look like a status."""

_SIGNS: dict[EventKind, tuple[str, Status]] = {
    EventKind.REBOOTED: ("↻", Status.LATE),
    EventKind.CREATED: ("+", Status.PENDING),
}


def glyph(event: Event) -> tuple[str, str]:
    """Return an event's sign and its style."""
    if status := _STATUS.get(event.kind):
        sign, style = draw.STATUS_GLYPH[status], look.current.status[status]
    elif event.kind in _SIGNS:
        sign, like = _SIGNS[event.kind]
        style = look.current.status[like]
    else:
        sign, style = "-" if event.kind is EventKind.DELETED else "·", look.current.dim
    return sign, look.current.level["critical"] if severity(event) == "error" else style


def _voice(event: Event) -> str:
    how = severity(event)
    return (
        f"{look.current.level['critical']} not bold"
        if how == "error"
        else look.current.soft
        if how is None
        else look.current.plain
    )


def _name_cells(cells: int) -> int:
    return min(max(cells // 4, _NAME_LEAST), _NAME_MOST)


def segments(line: EventLine, cells: int, *, names: bool = True) -> list[Segment]:
    """Return an event's line: when, its sign, whose, what happened; `names` says whether servers have a column."""
    wide, (sign, style) = cells >= WIDE, glyph(line.event)
    used = [
        Segment(when(line.event.at, line.today, wide=wide), Style.parse(look.current.dim)),
        Segment(f"  {sign} ", Style.parse(style)),
    ]
    if names:
        name = draw.fit(draw.safe(line.event.monitor or draw.NONE, 64), _name_cells(cells))
        used.append(Segment(f"{name}  ", Style.parse(look.current.plain if line.event.monitor else look.current.dim)))
    if wide:
        used.append(Segment(draw.fit(KIND_WORDS[line.event.kind], _KIND_CELLS) + "  ", Style.parse(look.current.dim)))
    left = cells - sum(segment.cell_length for segment in used)
    return [*used, Segment(draw.fit(line.words, left), Style.parse(_voice(line.event)))]


def heading(cells: int, *, names: bool = True) -> list[Segment]:
    """Return the titles over these lines."""
    wide = cells >= WIDE
    text = "TIME".rjust(_LONG_DATE_CELLS if wide else _DATE_CELLS) + "    "
    if names:
        text += "SERVER".ljust(_name_cells(cells) + 2)
    if wide:
        text += "KIND".ljust(_KIND_CELLS + 2)
    return [Segment(text + "EVENT", Style.parse(look.current.heading))]
