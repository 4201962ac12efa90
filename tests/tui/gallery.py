"""A house with something on every screen, the ways that lead to them, and pictures of them as text."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from string import ascii_letters, digits
from typing import Any

from rich.style import Style
from textual import events
from textual.app import App
from textual.keys import _character_to_key

from store.channels import Channel, ChannelKind
from store.policy import Breach, Level
from store.tiers import DAY_MS
from tests.tui.fleet_pilot import Fleet
from tests.tui.fleets import a_monitor, a_report, small_fleet
from tests.tui.happenings import a_week, refused
from tests.tui.histories import a_series
from tests.tui.house import House, until
from tests.tui.standins import MINUTE, NOW, hour

CHANNELS = [
    Channel(1, "ntfy", ChannelKind.APPRISE, "ntfy://t****c", Level.WARNING, NOW, sent_at=NOW - 5 * MINUTE),
    Channel(
        2,
        "mail",
        ChannelKind.APPRISE,
        "mailto://user:****@example.org",
        Level.CRITICAL,
        NOW,
        waiting=3,
        failed_at=NOW - MINUTE,
        problem="the server answered 535 authentication failed",
    ),
    Channel(3, "command", ChannelKind.COMMAND, "/usr/local/bin/on-alert", Level.WARNING, NOW),
]

TO_TROUBLE = ("home", "j", "j")
"""The keys from the top of the fleet to the server that is degraded."""

WAYS: dict[str, tuple[str, ...]] = {
    "fleet": TO_TROUBLE,
    "filter": ("/", *"web"),
    "no match": ("/", *"nothing"),
    "past": ("[", "j"),
    "time": ("T", *"12:05"),
    "server": (*TO_TROUBLE, "enter"),
    "server that never reported": (*TO_TROUBLE, "j", "enter"),
    "history": (*TO_TROUBLE, "h"),
    "history with a cursor": (*TO_TROUBLE, "h", "m", *["left"] * 9),
    "key": (*TO_TROUBLE, "K"),
    "revealed key": (*TO_TROUBLE, "K", "v"),
    "rotation": (*TO_TROUBLE, "K", "r"),
    "new monitor": ("n", *"web-1"),
    "events": ("E", "j"),
    "refused reports": ("!", "j"),
    "limits": (*TO_TROUBLE, "s", *"jjj"),
    "limits, typing": (*TO_TROUBLE, "s", *"jj", "enter"),
    "alerts": ("a", "j"),
    "alerts, typing": ("a", "n", *"json:"),
    "columns": ("C", "j"),
    "marks": (*TO_TROUBLE, "space", "space"),
    "edit": (*TO_TROUBLE, "w"),
    "tag": (*TO_TROUBLE, "#", *"we"),
    "pause": (*TO_TROUBLE, "p"),
    "deletion": (*TO_TROUBLE, "d", *"db"),
    "help": ("?",),
    "commands": ("ctrl+p",),
    "groups": ("G", "j"),
}
"""The keys that lead from the fleet to each screen; the last one leaves another fleet behind."""


def full_house(**settings: Any) -> House:
    """Return a house with something on every screen."""
    monitors = {one.id: one for one in small_fleet()}
    trouble = replace(
        monitors[4],
        breaches=(Breach("cpu", None, Level.CRITICAL, 95.0, 90.0, NOW - 12 * MINUTE),),
        settings={"cpu.for": 60.0},
        tags=("db", "prod"),
    )
    wide = a_monitor(11, "Čaj 世界 cafe\u0301", report=a_report(55.0, os="Ünïx 世界"))
    house = House(*(monitors | {4: trouble, 11: wide}).values(), samples=hour(), **settings)
    house.store.targets = CHANNELS
    house.store.happened = a_week()
    house.store.refused = refused()
    house.store.points = dict.fromkeys(monitors, a_series(NOW - DAY_MS, NOW, 5 * MINUTE, step="5m"))
    return house


def type_ahead(fleet: Fleet, *keys: str) -> None:
    """Press keys all at once; `Pilot.press` would wait after each of them."""
    for key in keys:
        is_text = len(key) == 1
        fleet.house.app.post_message(events.Key(_character_to_key(key) if is_text else key, key if is_text else None))


async def home(fleet: Fleet) -> None:
    """Go back to the fleet as it was."""
    app = fleet.house.app
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    type_ahead(fleet, "escape", "escape", "home")
    await fleet.second(0)


async def settled(fleet: Fleet) -> None:
    """Wait until the screen has read what it shows, and drawn it."""
    await fleet.pilot.pause()
    await until(fleet.pilot, lambda: not any(word in fleet.text for word in ("eading…", "asking the")))


async def walk(fleet: Fleet) -> AsyncIterator[str]:
    """Show one screen after the other, each drawn to its end."""
    for name, keys in WAYS.items():
        type_ahead(fleet, *keys)
        await fleet.second(0)
        await settled(fleet)
        yield name
        await home(fleet)


def _described(style: Style | None) -> str:
    if style is None:
        return "-"
    colors = [color.name if color else "-" for color in (style.color, style.bgcolor)]
    marks = [name for name in ("bold", "dim", "italic", "underline", "reverse", "strike") if getattr(style, name)]
    return " ".join([f"{colors[0]} on {colors[1]}", *marks])


def picture(app: App[Any]) -> str:
    """Return what the screen shows, as text: its lines, below them the style of each stretch, and what styles mean."""
    strips = app.screen._compositor.render_strips(app.size)
    runs = [[(_described(segment.style), segment.cell_length) for segment in strip] for strip in strips]
    used = Counter(style for line in runs for style, _ in line)
    letters = dict(zip(sorted(used), ascii_letters + digits, strict=False))
    lines = [strip.text.rstrip() for strip in strips]
    styles = [" ".join(f"{letters[style]}{cells}" for style, cells in _joined(line)) for line in runs]
    return "\n".join([*lines, *styles, *(f"{letter} {style}" for style, letter in letters.items())])


def _joined(line: list[tuple[str, int]]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for style, cells in line:
        if found and found[-1][0] == style:
            found[-1] = style, found[-1][1] + cells
        else:
            found.append((style, cells))
    return found
