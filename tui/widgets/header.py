"""The two lines on top: is the receiver well, and how many servers are how."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from store.models import Monitor, ReceiverInfo, Status
from tui import draw, look
from tui.widgets.chart_head import spread_out
from tui.widgets.fleet_order import WORST_FIRST


def receiver_line(receiver: ReceiverInfo | None, problem: str | None, *, read_only: bool, width: int) -> Text:
    """Return the first line: where agents report to and whether all is well; a problem comes before the address."""
    tag = "  read-only " if read_only else " "
    brand, address = " agentmon", f"   {draw.safe(receiver.url, 60)}" if receiver else ""
    state, style = _state(receiver, problem)
    if problem and cell_len(brand + address + state + tag) > width:
        address = ""
    text = Text.assemble((brand, look.current.key), (address, look.current.plain), (state, style), no_wrap=True)
    text.truncate(width - len(tag), overflow="ellipsis", pad=True)
    return text.append(tag, look.current.dim)


def _state(receiver: ReceiverInfo | None, problem: str | None) -> tuple[str, str]:
    if problem:
        return f"   {draw.STATUS_GLYPH[Status.DOWN]} {draw.safe(problem)}", look.current.status[Status.DOWN]
    if receiver:
        return f"  {draw.STATUS_GLYPH[Status.UP]} healthy", look.current.status[Status.UP]
    return "   looking for the receiver…", look.current.dim


@dataclass(frozen=True, slots=True)
class PastMark:
    """What marks the past: when it is, what there is to say of it, and how one gets back to now."""

    when: str
    note: str
    way_back: str


def past_line(mark: PastMark, *, read_only: bool, width: int) -> Text:
    """Return the first line while the past is shown: in another colour, with its date and time."""
    tag = f"  {mark.way_back} " + ("  read-only " if read_only else "")
    text = Text(f" PAST  {mark.when}   {draw.safe(mark.note)}", no_wrap=True)
    text.truncate(width - len(tag), overflow="ellipsis", pad=True)
    return Text.assemble(text, tag, style=look.current.past, no_wrap=True)


def counts_line(monitors: Iterable[Monitor], *, words: bool = True) -> Text:
    """Return the second line: how many servers have which status, worst first; statuses that none has are left out.

    Without words the glyphs alone say which status is counted.
    """
    counts = Counter(monitor.status for monitor in monitors)
    text = Text(" ", no_wrap=True, overflow="ellipsis")
    for status in WORST_FIRST:
        if counts[status]:
            text.append(f"{draw.STATUS_GLYPH[status]} {counts[status]}", look.current.status[status])
            text.append(f" {status.value}  " if words else "  ", look.current.dim)
    if not counts:
        text.append("no servers yet", look.current.dim)
    return text


def with_notes(counts: Text, refused: int, marked: str, width: int) -> Text:
    """Return the second line with what is marked, and how many kinds of reports were refused lately, at its end.

    Where there is no room for all, refusals go first, then counts: what is marked is about to be acted on.
    """
    left, marks = counts.copy(), Text(marked, look.current.key)
    left.rstrip()
    if refused:
        note = Text.assemble((f"{refused} refused: ", look.current.status[Status.DEGRADED]), ("!", look.current.key))
        both = Text("  ").join((marks, note)) if marks else note
        if left.cell_len + 2 + both.cell_len <= width:
            return spread_out(left, both, width)
    if not marks:
        return counts
    left.truncate(max(width - marks.cell_len - 2, 1), overflow="ellipsis")
    return spread_out(left, marks, width)


class FleetHeader(Widget):
    """The header of the fleet; draws itself only when what it says changes."""

    DEFAULT_CSS = """
    FleetHeader { height: 2; width: 1fr; }
    """

    def __init__(self, *, read_only: bool = False) -> None:
        """Start without knowing anything."""
        super().__init__()
        self._read_only = read_only
        self._receiver: ReceiverInfo | None = None
        self._problem: str | None = None
        self._past: PastMark | None = None
        self._counts = (Text(" "), Text(" "))
        self._refused = 0
        self._marked = ""

    def show(
        self,
        monitors: Iterable[Monitor],
        receiver: ReceiverInfo | None,
        problem: str | None,
        past: PastMark | None = None,
        refused: int = 0,
        marked: str = "",
    ) -> None:
        """Say how things are, or were in the past; `problem` is what the store or the receiver has now.

        `refused` counts the kinds of reports that were refused lately, `marked` says what is marked.
        """
        shown = list(monitors)
        counts = (counts_line(shown), counts_line(shown, words=False))
        said = (receiver, problem, past, counts, refused, marked)
        if said != (self._receiver, self._problem, self._past, self._counts, self._refused, self._marked):
            self._receiver, self._problem, self._past, self._counts, self._refused, self._marked = said
            self.refresh()

    def render(self) -> Text:
        """Return both lines."""
        width, read_only = self.size.width, self._read_only
        if self._past:
            first = past_line(self._past, read_only=read_only, width=width)
        else:
            first = receiver_line(self._receiver, self._problem, read_only=read_only, width=width)
        long, short = self._counts
        counts = long if long.cell_len <= width else short
        return Text("\n").join((first, with_notes(counts, self._refused, self._marked, width)))
