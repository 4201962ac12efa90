"""How much a server received and sent this month and last, as a line of text."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from tui import draw
from tui.widgets.facts import fact

MB = 2**20


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes (received, sent) of this month and of the last."""

    this_month: tuple[int, int]
    last_month: tuple[int, int]


def months(now: int) -> tuple[int, int]:
    """Return when (ms) the last and when this month began in this machine's zone."""
    first = datetime.fromtimestamp(now / 1000).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    before = (first - timedelta(days=1)).replace(day=1)
    return int(before.timestamp() * 1000), int(first.timestamp() * 1000)


def size(count: int) -> str:
    """Return a number of bytes in at most 4 characters and powers of 1024."""
    return draw.rate(count) if count < MB else draw.size_mb(count / MB)


def traffic_line(traffic: Traffic | None, width: int) -> Text:
    """Return the totals; before they are known, a dash."""
    if traffic is None:
        return fact("traffic", None, width)
    parts = [
        f"{label} {size(received)} in, {size(sent)} out"
        for label, (received, sent) in (("this month", traffic.this_month), ("last month", traffic.last_month))
    ]
    return fact("traffic", " · ".join(parts), width)
