"""How values look in the console: pure functions from a value to text of a known width.

Shared by every screen so that a usage, a rate or an age reads the same wherever it stands. Nothing here knows
about Textual or colours, which are in `tui.look`.
"""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from store.durations import duration as span
from store.models import Status
from store.policy import NO_LIMITS, Limits
from store.policy import Level as Severity
from store.text import safe_text
from tui import look
from tui.look import Level as Level

NONE = "\N{EN DASH}"
"""What stands where a value is absent."""

STATUS_GLYPH: dict[Status, str] = {
    Status.UP: "●",
    Status.DEGRADED: "▲",
    Status.LATE: "◐",
    Status.DOWN: "✗",
    Status.PENDING: "○",
    Status.PAUSED: "‖",
}

SEVERITY_LEVEL: dict[Severity, Level] = {Severity.WARNING: "warn", Severity.CRITICAL: "critical"}

WARN_MARK, CRIT_MARK, DOTTED = "╎", "│", "┈"
"""What stands in the empty part of a bar: the limits ahead, and else a line where the look has no ground for it."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS = "▁▂▃▄▅▆▇█"
_UNITS = ("K", "M", "G", "T", "P", "E", "Z", "Y")
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def bar(usage: float | None, width: int, limits: Limits = NO_LIMITS) -> str:
    """Return a bar of exactly `width` cells, filled by `usage` percent in steps of an eighth of a cell.

    Whatever is above 0 shows at least an eighth, and only 100 fills the last one. None is an empty bar. The limits
    ahead have marks in their places; that those behind are broken is told by the bar's style.
    """
    filled = _filled(usage, width)
    return filled + _empty(width, limits)[len(filled) :]


def _empty(width: int, limits: Limits) -> str:
    cells = [" " if look.current.track else DOTTED] * width
    for limit, mark in ((limits.crit, CRIT_MARK), (limits.warn, WARN_MARK)):
        if limit is not None and 0 <= limit < 100 and width > 0:
            cells[int(limit * width / 100)] = mark
    return "".join(cells)


def _filled(usage: float | None, width: int) -> str:
    if usage is None or usage <= 0 or width <= 0:
        return ""
    eighths = width * 8
    filled = min(max(1, int(min(usage, 100) * eighths / 100)), eighths)
    full, rest = divmod(filled, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def spark(values: Sequence[float | None], width: int, low: float = 0, high: float = 100) -> str:
    """Return the course of `values` in exactly `width` cells: one each, the newest at the right.

    Values beyond `low` and `high` are drawn as those; None leaves its cell empty.
    """
    if width <= 0:
        return ""
    cells = [" " if value is None else _step(value, low, high) for value in values[-width:]]
    return "".join(cells).rjust(width)


def _step(value: float, low: float, high: float) -> str:
    if high <= low:
        return _STEPS[0]
    part = (min(max(value, low), high) - low) / (high - low)  # at most 1, however small both are
    return _STEPS[round(part * (len(_STEPS) - 1))]


def percent(value: float | None, places: int = 0) -> str:
    """Return a percentage of 0 to 100, right-aligned in 4 cells, and one more per decimal place and point."""
    width = 4 + (places + 1 if places else 0)
    return NONE.rjust(width) if value is None else f"{value:.{places}f}%".rjust(width)


def _binary(value: float, unit: int) -> str:
    """Return `value` of unit number `unit` with a suffix, in at most 4 characters below 1000 yottabytes."""
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f}{_UNITS[unit]}" if value < 9.95 else f"{value:.0f}{_UNITS[unit]}"


def rate(bytes_per_s: float | None) -> str:
    """Return bytes per second in at most 4 characters and powers of 1024: "0", "512", "340K", "1.2M"."""
    if bytes_per_s is None:
        return NONE
    if bytes_per_s < 999.5:
        return f"{max(bytes_per_s, 0):.0f}"
    return _binary(bytes_per_s / 1024, 0)


def size_mb(mb: float | None) -> str:
    """Return a size given in units of 2^20 bytes, in at most 4 characters: "512M", "7.8G"."""
    if mb is None:
        return NONE
    return f"{max(mb, 0):.0f}M" if mb < 999.5 else _binary(mb, 1)


def ago(seconds: float | None) -> str:
    """Return an age in at most 5 characters and steps that grow with it, so that lines seldom change.

    One second each up to 10, five up to a minute, then whole minutes, hours, days and years.
    """
    if seconds is None:
        return NONE
    age = int(max(seconds, 0))
    if age < _MINUTE:
        return f"{age if age < 10 else age - age % 5}s"
    for unit, size, following in (("m", _MINUTE, _HOUR), ("h", _HOUR, _DAY), ("d", _DAY, _YEAR)):
        if age < following:
            return f"{age // size}{unit}"
    return f"{min(age // _YEAR, 9999)}y"


def duration(seconds: float | None) -> str:
    """Return a span of time in its two largest units, see `store.durations`."""
    return NONE if seconds is None else span(seconds)


def load(value: float | None) -> str:
    """Return a load average in at most 5 characters: "0.42", "12.3", "640", "1.0M"."""
    if value is None:
        return NONE
    if value < 99.95:
        return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"
    return f"{value:.0f}" if value < 99999.5 else f"{value / 1e6:.1f}M"


def level(value: float | None, limits: Limits) -> Level:
    """Return how worrying a reading is by its limits; "none" if it is absent or nothing is asked of it."""
    if value is None or (limits.warn is None and limits.crit is None):
        return "none"
    severity = limits.level(value)
    return "ok" if severity is None else SEVERITY_LEVEL[severity]


def safe(text: str, limit: int = 255) -> str:
    """Return text from outside without anything that steers a terminal or shifts its columns.

    Beyond `store.text.safe_text`, variation selectors go: terminals disagree about the width they give.
    """
    return safe_text("".join(char for char in text if not "\ufe00" <= char <= "\ufe0f"), limit)


def fit(text: str, width: int) -> str:
    """Return `text` padded or cut to exactly `width` cells; what is cut ends in an ellipsis.

    Wide characters count two cells and combining ones none. The text must be safe already.
    """
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…"


def same(drawn: object, text: Text) -> bool:
    """Return whether a text is drawn already. Rich's own comparison leaves the style of the whole text out."""
    return isinstance(drawn, Text) and drawn == text and drawn.style == text.style


def local_time(ms: int) -> str:
    """Return a time in UTC milliseconds as date and time of this machine's zone: "2026-03-01 14:05:09"."""
    return datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
