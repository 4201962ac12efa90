"""What the receiver refused lately, and what to do about it: why does a new server not show?"""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from store.models import Status
from store.rejections import advice
from store.when import local
from tui import draw, look
from tui.actions import Room, bindings
from tui.feed import LATELY_MS, FleetChanged
from tui.screens.list_screen import ListScreen
from tui.widgets.chart_head import spread_out
from tui.widgets.event_line import when
from tui.widgets.footer import ActionFooter
from tui.widgets.line_list import LineList
from tui.widgets.rejection_line import RejectionLine, heading, segments

NOTHING = """No report was refused.

If a server is missing all the same, its reports do not arrive here.
On that server:

  agent.sh status    says whether cron or a timer runs the agent
  agent.sh test      sends a report and explains the answer

Agents report to {url}:
is that what it has, and does a firewall between let it pass?"""

NO_RECEIVER = """No receiver runs on this database, so no report can arrive.

  agentmon serve     starts one; agents keep trying meanwhile"""


def head(kinds: int, width: int) -> Text:
    """Return the line on top."""
    left, note = Text().append(" Refused reports", "bold"), Text()
    if kinds:
        left.append(f"  {kinds} kind{'s' if kinds > 1 else ''}")
        note.append("the same again is counted on one line ", look.current.dim)
    return spread_out(left, note, width)


def detail(line: RejectionLine, width: int) -> Text:
    """Return from where, with which key, how often and since when on one line; below it what to do."""
    rejection = line.rejection
    parts = [
        f"from {draw.safe(rejection.address, 64)}",
        "once" if rejection.count == 1 else f"{rejection.count:,} times since {_since(line)}",
    ]
    if rejection.fingerprint:
        parts.append(f"key {draw.safe(rejection.fingerprint)}")
    if rejection.monitor is not None:
        parts.append(f"{draw.safe(rejection.monitor, 64)}'s")
    text = Text().append(draw.fit(" · ".join(parts), width), look.current.dim)
    said = draw.safe(advice(rejection), 500)
    return text.append(f"\n{said[:1].upper()}{said[1:]}", look.current.plain)


def _since(line: RejectionLine) -> str:
    return when(line.rejection.first_at, line.today, wide=False).strip()


class RejectedScreen(ListScreen):
    """The refused reports, the latest first, live; below them what to do about the selected one."""

    room = Room.REJECTED
    BINDINGS: ClassVar[list[BindingType]] = bindings(Room.REJECTED)
    CSS_PATH = "lists.tcss"

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(id="head")
        yield LineList[RejectionLine](segments, lambda line: line.rejection.key, heading)
        yield Static(id="empty")
        yield Static(id="detail")
        yield ActionFooter(self.room, self.console.read_only)

    def on_resize(self) -> None:
        """Draw the line on top in the new width."""
        self._show()

    def follow(self, change: FleetChanged | None) -> None:
        """Show what the feed has; while this screen is seen, it is read each second."""
        if change is None:
            self.console.look_for_rejections()
        self._show()

    def _show(self) -> None:
        if not (self.is_active and self.is_mounted):
            return
        feed, now = self.console.feed, self.console.now()
        today = local(now).date()
        self.lines.show([RejectionLine(each, today, now - each.last_at < LATELY_MS) for each in feed.rejections])
        self.put("head", head(len(feed.rejections), self.size.width))
        self.set_class(not feed.rejections, "empty")
        if feed.problem:
            self.put("empty", Text(draw.safe(feed.problem, 500), look.current.status[Status.DOWN]))
        elif feed.unreachable:
            self.put("empty", Text(NO_RECEIVER))
        else:
            url = feed.receiver.url if feed.receiver else "the receiver's address"
            self.put("empty", Text(NOTHING.format(url=draw.safe(url, 200))))
        self._detail()

    @on(LineList.Moved)
    def _detail(self) -> None:
        line: RejectionLine | None = self.lines.current
        self.put("detail", detail(line, self.size.width - 2) if line else Text())
