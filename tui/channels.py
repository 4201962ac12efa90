"""What the alerts screen shows and understands: pure functions from channels to lines, and from what is typed."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from store.channels import Channel
from store.errors import ChangeRefusedError
from store.models import Status
from store.policy import Level
from tui import draw, look

EXAMPLES = "ntfy://TOPIC, mailto://USER:PASSWORD@example.org"

HOW_TO_ADD = (
    f"An Apprise URL ({EXAMPLES}), or !COMMAND, run with the event as JSON",
    "critical ntfy://TOPIC sends critical alerts alone; once entered, secrets are never shown again",
)

NOTHING = """Alerts go nowhere yet: what happens stands in the list of events alone.

Press {new} and type where they should go, an Apprise URL:

  ntfy://TOPIC                         to a phone, with the ntfy app
  mailto://USER:PASSWORD@example.org   by mail
  slack://TOKEN, tgram://TOKEN/CHAT, json://HOST/PATH, and many more

or a command of this machine, which gets each event as JSON on stdin:

  !/usr/local/bin/on-alert"""

NOTHING_READ_ONLY = """Alerts go nowhere yet, and this console is read-only.

agentmon notify add ntfy://TOPIC sends them there."""

_GLYPH_CELLS, _NAME_CELLS, _LEVEL_CELLS, _SENT_CELLS, _WAITING_CELLS = 2, 16, 10, 10, 9
_NAME_WIDE, _WIDE = 28, 110
_FROM = (0, 54, 0, 70)
"""Cells from which on there is room for name, level, sent, waiting; what they tell stands below the list, too."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel, how long ago it was last sent to, in words, and whether it is being tested."""

    channel: Channel
    sent: str
    testing: bool = False


def sent_text(channel: Channel, now: int) -> str:
    """Return how long ago (at `now`, in ms) something arrived there."""
    return "never" if channel.sent_at is None else f"{draw.ago((now - channel.sent_at) / 1000)} ago"


def _glyph(line: ChannelLine) -> tuple[str, str]:
    if line.testing:
        return draw.STATUS_GLYPH[Status.LATE], look.current.status[Status.PENDING]
    if line.channel.problem is not None:
        return draw.STATUS_GLYPH[Status.DOWN], look.current.status[Status.DOWN]
    if line.channel.sent_at is None:
        return draw.STATUS_GLYPH[Status.PENDING], look.current.status[Status.PENDING]
    return draw.STATUS_GLYPH[Status.UP], look.current.status[Status.UP]


def _name_cells(cells: int) -> int:
    return _NAME_WIDE if cells >= _WIDE else _NAME_CELLS


def segments(line: ChannelLine, cells: int) -> list[Segment]:
    """Return the line: whether it works, its name, how bad it must be, last sent, how many wait, where it goes."""
    channel, (glyph, style) = line.channel, _glyph(line)
    waits = look.current.plain if channel.waiting else look.current.dim
    columns = _fitting(
        cells,
        (draw.fit(draw.safe(channel.name, 64), _name_cells(cells)) + " ", look.current.plain),
        (draw.fit(channel.level.value, _LEVEL_CELLS), look.current.soft),
        (("testing…" if line.testing else line.sent).rjust(_SENT_CELLS), look.current.soft),
        ((f"{channel.waiting:,}" if channel.waiting else draw.NONE).rjust(_WAITING_CELLS), waits),
    )
    left = _GLYPH_CELLS + sum(cell_len(each.text) for each in columns) + 2
    to = draw.fit(draw.safe(channel.shown, 2000), cells - left)
    return [
        Segment(draw.fit(glyph, _GLYPH_CELLS), Style.parse(style)),
        *columns,
        Segment("  " + to, Style.parse(look.current.dim)),
    ]


def _fitting(cells: int, *columns: tuple[str, str]) -> list[Segment]:
    """Return the columns, texts and styles of name, level, sent, waiting, that find room in so many cells."""
    return [
        Segment(text, Style.parse(style)) for (text, style), least in zip(columns, _FROM, strict=True) if cells >= least
    ]


def heading(cells: int) -> list[Segment]:
    """Return the titles over these lines."""
    style = look.current.heading
    columns = _fitting(
        cells,
        ("NAME".ljust(_name_cells(cells) + 1), style),
        ("LEVEL".ljust(_LEVEL_CELLS), style),
        ("SENT".rjust(_SENT_CELLS), style),
        ("WAITING".rjust(_WAITING_CELLS), style),
    )
    return [Segment(" " * _GLYPH_CELLS, Style.parse(style)), *columns, Segment("  TO", Style.parse(style))]


def detail(channel: Channel, now: int) -> Text:
    """Return where a channel leads, what it takes, and what is wrong with it, in full."""
    text = Text(draw.safe(channel.shown, 2000), look.current.plain)
    takes = "critical alerts alone" if channel.level is Level.CRITICAL else "all alerts"
    sent = "nothing sent yet" if channel.sent_at is None else f"last sent {sent_text(channel, now)}"
    parts = [f"takes {takes}", sent]
    if channel.waiting:
        parts.append(f"{channel.waiting:,} waiting to be sent")
    if channel.dropped:
        parts.append(f"{channel.dropped:,} given up, as too many waited")
    text.append(f"\n{' · '.join(parts)}", look.current.dim)
    if channel.problem is not None:
        failed = "" if channel.failed_at is None else f" {draw.ago((now - channel.failed_at) / 1000)} ago"
        text.append(
            f"\n{draw.STATUS_GLYPH[Status.DOWN]} failed{failed}: {draw.safe(channel.problem, 2000)}",
            look.current.status[Status.DOWN],
        )
    return text


@dataclass(frozen=True, slots=True)
class NewChannel:
    """What was typed: an Apprise URL or a command, and from which level on."""

    url: str | None
    command: str | None
    level: Level


def parse(text: str) -> NewChannel:
    """Return the channel that was typed; raises `ChangeRefusedError` with a line on what is wrong, not echoing it."""
    target, level = text.strip(), Level.WARNING
    for each in Level:
        word, _, rest = target.partition(" ")
        if word == each.value:
            target, level = rest.strip(), each
            break
    if target.startswith("!"):
        if not target[1:].strip():
            raise ChangeRefusedError("a command stands behind the !")
        return NewChannel(None, target[1:].strip(), level)
    if "://" not in target:
        raise ChangeRefusedError("a URL has :// in it, a command begins with !")
    return NewChannel(target, None, level)
