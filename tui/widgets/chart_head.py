"""The lines above the charts, in words: which server, what can be chosen, and where the cursor is."""

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from store.series import Point
from tui import draw, look
from tui.chart_cells import PRESENCE_MARK
from tui.chart_metrics import DISK_KEY, METRICS, RANGES, Kind, Picture, Range
from tui.forecast import until_full

_CHARTS = (*((metric.key, metric.kind) for metric in METRICS), (DISK_KEY, Kind.DISK))


def spread_out(left: Text, right: Text, width: int) -> Text:
    """Return two texts at both ends of a line; the right one goes if there is no room for it."""
    left.no_wrap, left.overflow = True, "ellipsis"
    room = width - left.cell_len
    return left if right.cell_len + 2 > room else left.append(" " * (room - right.cell_len)).append_text(right)


def title(name: str, until: int | None, note: Text, width: int) -> Text:
    """Return the server's name, whether the past is shown, and a note on the mount."""
    past = "" if until is None else f"  the past, until {draw.local_time(until)[:16]}"
    room = max(width - len(past) - note.cell_len - 2, width * 2 // 5)
    line = Text(draw.fit(draw.safe(name), min(len(name) * 2, room)).rstrip(), style="bold")
    return spread_out(line.append(past, look.current.past_word), note, width)


def choices(kind: Kind | None, chosen: Range, width: int, *, can_show_all: bool) -> Text:
    """Return which charts and which ranges there are, by their keys, the chosen ones marked.

    Where there is no room for all ranges, the chosen one stands for them.
    """
    charts, ranges, short = Text(), Text(), Text()
    if can_show_all:
        _choice(charts, "a", "All", chosen=kind is None)
    for key, each in _CHARTS:
        _choice(charts, key, each.value, chosen=each is kind)
    for span in RANGES:
        _choice(ranges, span.key, span.label, chosen=span is chosen)
    _choice(short, f"{RANGES[0].key}-{RANGES[-1].key}", chosen.label, chosen=True)
    return spread_out(charts, ranges if charts.cell_len + ranges.cell_len + 2 <= width else short, width)


def _choice(line: Text, key: str, label: str, *, chosen: bool) -> None:
    line.append(f" {key} ", look.current.key).append(label, look.current.chosen if chosen else look.current.soft)


def moment(picture: Picture | None, place: int | None, columns: int, width: int) -> Text:
    """Return which time the values are of, or why there are none; to the right what marks under the axis mean."""
    if picture is None:
        return Text("reading…", style=look.current.dim)
    points = picture.under(place, columns)
    line = Text()
    if points:
        line.append("newest  " if place is None else "", look.current.dim).append(_time_of(picture, points))
    elif place is None:
        line.append("no reports in this time", look.current.dim)
    else:
        line.append(f"{_weekday(place)} {draw.local_time(place)[:16]}  ")
        line.append(picture.presence(place).value, look.current.past_word)
    return spread_out(line, _marks(picture), width)


def _time_of(picture: Picture, points: Sequence[Point]) -> str:
    start, end = points[0].at, min(points[-1].at + picture.series.step_ms, picture.now)
    begin, finish = draw.local_time(start)[:16], draw.local_time(end)[:16]
    if end - start < 2 * 60_000:
        return f"{_weekday(start)} {begin}"
    same_day = begin[:10] == finish[:10]
    return f"{_weekday(start)} {begin} to {finish[11:] if same_day else f'{_weekday(end)} {finish[5:]}'}"


def _weekday(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).strftime("%a")


def _marks(picture: Picture) -> Text:
    line = Text()
    kinds = {picture.presence((start + end) / 2) for start, end in picture.gaps()}
    for kind, mark in PRESENCE_MARK.items():
        if kind in kinds:
            line.append(f"  {mark * 2} {kind.value}", look.current.dim)
    return line


def mount_note(mounts: Sequence[str], mount: str, full_at: int | None, now: int) -> Text:
    """Return which mount is shown of how many, and when it will be full at its present growth."""
    note = Text()
    if mount in mounts and len(mounts) > 1:
        note.append(f"mount {mounts.index(mount) + 1} of {len(mounts)}", look.current.dim)
    if full_at is not None:
        left, level = until_full(full_at, now)
        note.append("  " if note else "")
        note.append("full now" if left == "now" else f"full in {left}", look.current.level[level])
    return note
