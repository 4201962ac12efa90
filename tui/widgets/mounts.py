"""All mounted file systems of a server, the fullest first, as one widget that renders lines."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from store.models import MountUsage
from store.policy import DEFAULT_POLICY, DISK, Policy
from tui import draw, look
from tui.forecast import until_full

_SIZE_CELLS = 7
_PERCENT_CELLS = 4
_FULL_CELLS = 8
_MOUNT_MIN = 16
_BAR_MAX = 48


@dataclass(frozen=True, slots=True)
class MountColumns:
    """The cells of the columns that grow with the terminal, and of the forecast, which may be absent."""

    mount: int
    bar: int
    full: int = 0


def mount_columns(width: int, longest: int, *, forecasts: bool = False) -> MountColumns:
    """Share `width` cells between the names of mounts, the longest of `longest` cells, and their bars."""
    full = _FULL_CELLS if forecasts else 0
    free = max(width - _PERCENT_CELLS - 3 * (_SIZE_CELLS + 1) - 4 - full, 2)
    mount = min(max(longest, _MOUNT_MIN), free * 3 // 5)
    return MountColumns(mount, min(free - mount, _BAR_MAX), full)


def by_fullness(mounts: tuple[MountUsage, ...]) -> list[MountUsage]:
    """Return mounts in whole percents, the fullest first, so that small changes do not shuffle them."""
    return sorted(mounts, key=lambda mount: (-round(mount.usage), mount.mount))


def _right(text: str, cells: int) -> str:
    """Return safe text right-aligned in exactly `cells`, cut like `draw.fit`."""
    cut = draw.fit(text, min(cell_len(text), cells))
    return " " * (cells - cell_len(cut)) + cut


def _sizes(texts: tuple[str | None, ...]) -> str:
    return "".join(" " + _right(draw.safe(text, 32) if text else draw.NONE, _SIZE_CELLS) for text in texts)


def heading(count: int, columns: MountColumns) -> list[Segment]:
    """Return the line above the mounts."""
    mount = draw.fit("1 mount" if count == 1 else f"{count} mounts", columns.mount) + " " * (columns.bar + 4)
    full = "full in".rjust(columns.full) if columns.full else ""
    return [Segment(mount + "use%" + _sizes(("size", "used", "avail")) + full, Style.parse(look.current.dim))]


def mount_line(
    mount: MountUsage,
    columns: MountColumns,
    policy: Policy = DEFAULT_POLICY,
    forecast: tuple[str, draw.Level] = (draw.NONE, "none"),
) -> list[Segment]:
    """Return the line of one mount: name, bar, usage, size, used, avail, and how long until it is full.

    One that is ignored has no colour.
    """
    limits = policy.limits(DISK, mount.mount)
    style = Style.parse(look.current.level[draw.level(mount.usage, limits)])
    ignored = policy.ignores(mount.mount)
    full, worrying = forecast[0], "none" if ignored else forecast[1]
    return [
        Segment(
            draw.fit(draw.safe(mount.mount), columns.mount) + "  ", Style.parse(look.current.dim) if ignored else None
        ),
        Segment(draw.bar(mount.usage, columns.bar, limits), style + Style.parse(look.current.track)),
        Segment("  " + draw.percent(mount.usage), style),
        Segment(_sizes((mount.size, mount.used, mount.avail))),
        Segment(_right(full, columns.full) if columns.full else "", Style.parse(look.current.level[worrying])),
    ]


class MountTable(ScrollView, can_focus=False):
    """The mounts below a heading that stays; it scrolls when there are many."""

    DEFAULT_CSS = """
    MountTable { scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(self) -> None:
        """Start without mounts."""
        super().__init__()
        self._mounts: list[MountUsage] = []
        self._longest = 0
        self._forecasts: dict[str, tuple[str, draw.Level]] = {}
        self._policy = DEFAULT_POLICY

    def show(self, mounts: tuple[MountUsage, ...], full_at: Mapping[str, int], policy: Policy, now: int) -> None:
        """Draw these mounts by their limits, and when (ms) some will be full; does nothing if nothing changed."""
        ordered = by_fullness(mounts)
        forecasts = {each.mount: until_full(full_at[each.mount], now) for each in mounts if each.mount in full_at}
        if (ordered, forecasts, policy) == (self._mounts, self._forecasts, self._policy):
            return
        self._mounts, self._forecasts, self._policy = ordered, forecasts, policy
        self._longest = max((cell_len(draw.safe(mount.mount)) for mount in ordered), default=0)
        self.virtual_size = Size(0, len(ordered) + 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the heading or one mount's line."""
        width = self.scrollable_content_region.width
        columns = mount_columns(width - 1, self._longest, forecasts=bool(self._forecasts))
        row = self.scroll_offset.y + y - 1
        if y == 0:
            line = heading(len(self._mounts), columns)
        elif row < len(self._mounts):
            mount = self._mounts[row]
            line = mount_line(mount, columns, self._policy, self._forecasts.get(mount.mount, until_full(None, 0)))
        else:
            line = []
        return Strip(line).adjust_cell_length(width).apply_style(self.rich_style)
