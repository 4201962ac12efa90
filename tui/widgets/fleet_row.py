"""What stands on one line of the fleet table: pure functions from a monitor to styled pieces of exact widths."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len

from store.models import Monitor, MountUsage, Report, Status
from store.policy import DISK, Limits
from store.when import local
from tui import draw, look
from tui.forecast import until_full
from tui.widgets.fleet_columns import Column
from tui.widgets.fleet_order import Order, fullest, soonest_full

Piece = tuple[str, str]
"""Text and its Rich style."""


CURSOR_MARK, MARK = "▌", "+"
"""What stands before a line: under the cursor, and of a server that is marked."""

STALE = frozenset({Status.DOWN, Status.LATE})
NO_REPORT = "waiting for its first report"

STATUS_TEXT = {status: f"{draw.STATUS_GLYPH[status]} {status.value}" for status in Status}


@dataclass(frozen=True, slots=True)
class Clocks:
    """What moves on a line while its monitor stands still: its age, the time until a mount is full, how bad that is.

    `pause` says until when it is paused, if that is known.
    """

    age: str
    full: str = draw.NONE
    full_level: draw.Level = "none"
    pause: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column's function is given: the monitor, its report, its column's width, its clocks in words."""

    monitor: Monitor
    report: Report
    width: int
    clocks: "Clocks"

    def tone(self, level: draw.Level) -> str:
        """Return the style of a judged number: values of a silent or paused server are history, so faint."""
        if self.monitor.status in STALE or self.monitor.status is Status.PAUSED:
            return look.current.dim
        return look.current.plain if level in ("ok", "none") else look.current.level[level]

    def graphic(self, level: draw.Level) -> str:
        """Return the style of a bar or a course."""
        tone = self.tone(level)
        return look.current.calm if tone == look.current.plain else tone


def age_text(monitor: Monitor, now: int) -> str:
    """Return how long a monitor has been silent at `now` (ms), in at most 4 characters that seldom change."""
    return draw.ago(None if monitor.last_report_at is None else (now - monitor.last_report_at) / 1000)


def pause_text(monitor: Monitor, now: int) -> str:
    """Return until when a monitor is paused, as short as can be at `now` (ms); empty if that is not known."""
    if monitor.status is not Status.PAUSED or monitor.paused_until is None:
        return ""
    end, today = local(monitor.paused_until), local(now).date()
    days = (end.date() - today).days
    return "until " + end.strftime("%H:%M" if days == 0 else "%a %H:%M" if 0 < days < 7 else "%Y-%m-%d")


def clocks_of(monitor: Monitor, now: int) -> Clocks:
    """Return what the clocks of a monitor's line show at `now` (ms)."""
    full, level = until_full(soonest_full(monitor), now)
    return Clocks(age_text(monitor, now), full, level, pause_text(monitor, now))


def _usage(value: float | None, cell: Cell, limits: Limits) -> Piece:
    return draw.percent(value).rjust(cell.width), cell.tone(draw.level(value, limits))


def _metric(metric: str, value: float | None, cell: Cell) -> Piece:
    return _usage(value, cell, cell.monitor.policy.limits(metric))


def _disk_limits(cell: Cell, disk: MountUsage | None) -> Limits:
    return cell.monitor.policy.limits(DISK, disk.mount if disk else None)


def _status(cell: Cell) -> Piece:
    status = cell.monitor.status
    return draw.fit(STATUS_TEXT[status], cell.width), look.current.status[status]


def _age(cell: Cell) -> Piece:
    status = cell.monitor.status
    return draw.fit(cell.clocks.age.rjust(cell.width), cell.width), look.current.status[
        status
    ] if status in STALE else look.current.dim


def _name(cell: Cell) -> Piece:
    style = look.current.dim if cell.monitor.status is Status.PAUSED else look.current.plain
    name = draw.safe(cell.monitor.name, 64)
    with_end = f"{name}  {cell.clocks.pause}"
    if cell.clocks.pause and cell_len(with_end) <= cell.width:
        name = with_end
    return draw.fit(name, cell.width), style


def _course(cell: Cell) -> Piece:
    level = draw.level(cell.report.cpu_usage, cell.monitor.policy.limits("cpu"))
    return draw.spark(cell.monitor.cpu_course, cell.width), cell.graphic(level)


def _disk(cell: Cell) -> Piece:
    disk = fullest(cell.monitor)
    return _usage(disk.usage if disk else None, cell, _disk_limits(cell, disk))


def _bar(cell: Cell) -> Piece:
    disk = fullest(cell.monitor)
    usage = disk.usage if disk else None
    limits = _disk_limits(cell, disk)
    style = f"{cell.graphic(draw.level(usage, limits))} {look.current.track}"
    return draw.bar(usage, cell.width, limits), style.strip()


def _mount(cell: Cell) -> Piece:
    disk = fullest(cell.monitor)
    return draw.fit(draw.safe(disk.mount) if disk else "", cell.width), look.current.dim


def _full(cell: Cell) -> Piece:
    level = cell.clocks.full_level
    return cell.clocks.full.rjust(cell.width), look.current.dim if level == "none" else cell.tone(level)


def _number(text: str, cell: Cell) -> Piece:
    return text.rjust(cell.width), look.current.dim if cell.tone("ok") == look.current.dim else look.current.soft


def _load(cell: Cell) -> Piece:
    text, style = _number(draw.load(cell.report.load_1m), cell)
    level = draw.level(cell.report.load_1m, cell.monitor.policy.limits("load"))
    return text, style if level in ("ok", "none") else cell.tone(level)


CELLS: dict[str, Callable[[Cell], Piece]] = {
    "status": _status,
    "age": _age,
    "name": _name,
    "cpu": lambda cell: _metric("cpu", cell.report.cpu_usage, cell),
    "course": _course,
    "memory": lambda cell: _metric("memory", cell.report.memory_usage, cell),
    "swap": lambda cell: _metric("swap", cell.report.swap_usage, cell),
    "disk": _disk,
    "bar": _bar,
    "mount": _mount,
    "full": _full,
    "rx": lambda cell: _number(draw.rate(cell.monitor.network_rx_rate), cell),
    "tx": lambda cell: _number(draw.rate(cell.monitor.network_tx_rate), cell),
    "load": _load,
    "tags": lambda cell: (draw.fit(draw.safe(" ".join(cell.monitor.tags)), cell.width), look.current.dim),
    "system": lambda cell: (draw.fit(draw.safe(cell.report.os or draw.NONE), cell.width), look.current.dim),
}

BEFORE_REPORTS = frozenset({"status", "age", "name", "tags"})
_NOTHING = Report(cpu_usage=0, memory_usage=0, memory_total_mb=0)


def _note_span(columns: list[Column]) -> tuple[int, int]:
    """Return which columns (from, up to) a server that never reported has its note in: the widest room for values."""
    spans = []
    for has_values, run in groupby(enumerate(columns), lambda item: item[1].key not in BEFORE_REPORTS):
        places = [index for index, _ in run]
        if has_values:
            first, last = columns[places[0]], columns[places[-1]]
            spans.append((last.x + last.width - first.x, (places[0], places[-1] + 1)))
    return max(spans, default=(0, (0, 0)))[1]


def _unreported(columns: list[Column], index: int, note: tuple[int, int]) -> Piece:
    """Return what stands in a value's place while there is none; the note takes all of its columns at once."""
    column, (start, end) = columns[index], note
    if start < index < end:
        return "", look.current.dim
    last = columns[end - 1] if index == start else column
    return draw.fit(NO_REPORT if index == start else "", last.x + last.width - column.x), look.current.dim


def row(
    monitor: Monitor, columns: list[Column], clocks: Clocks, cursor: bool = False, marked: bool = False
) -> list[Piece]:
    """Return one server's line. A server that never reported says so instead of values."""
    lead = MARK if marked else CURSOR_MARK if cursor else ""
    pieces: list[Piece] = [(lead, look.current.key)] if lead else []
    note = _note_span(columns) if monitor.report is None else (0, 0)
    for index, column in enumerate(columns):
        gap = " " * (column.gap - 1 if lead and not index else column.gap)
        if monitor.report is None and column.key not in BEFORE_REPORTS:
            text, style = _unreported(columns, index, note)
            pieces += [(gap + text, style)] if text else []
            continue
        text, style = CELLS[column.key](Cell(monitor, monitor.report or _NOTHING, column.width, clocks))
        # Each piece costs some 40 bytes of colour on the wire, so gaps are pieces of their own only beside a track.
        if _has_track(style) and pieces:
            pieces[-1] = (pieces[-1][0] + gap, pieces[-1][1])
            gap = ""
        pieces.append((gap + text, style))
    if not cursor:
        return pieces
    return [(text, style if _has_track(style) else look.current.under_cursor(style)) for text, style in pieces]


def _has_track(style: str) -> bool:
    return bool(look.current.track) and style.endswith(look.current.track)


def heading(columns: list[Column], order: Order) -> list[Piece]:
    """Return the line of titles: the sorting column marked ▲ or ▼, each sorting letter underlined."""
    pieces: list[Piece] = []
    for column in columns:
        pieces.append((" " * column.gap, ""))
        pieces += _title(column, order)
    return pieces


def _title(column: Column, order: Order) -> list[Piece]:
    marked = column.key == order.column
    style = look.current.key if marked else look.current.heading
    mark = ("▼" if order.descending else "▲") if marked else ""
    before, letter, after = column.title.partition(column.letter or " ")
    # The mark stands on the far side of the alignment, so that no title moves when it comes.
    if column.align == "right":
        before = (mark + before).rjust(column.width - len(letter + after))
    else:
        after = (after + mark).ljust(column.width - len(before + letter))
    return [piece for piece in ((before, style), (letter, f"{style} underline"), (after, style)) if piece[0]]
