"""What is seen of an action: a look at the console, and what it finds once the action's key was pressed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.widgets import Static

from tests.tui.fleet_pilot import Fleet
from tests.tui.house import toasts
from tui import look
from tui.app import ConsoleApp
from tui.chart_metrics import RANGES, Kind
from tui.screens.list_screen import ListScreen
from tui.widgets.chart import Chart
from tui.widgets.field import Field
from tui.widgets.fleet_columns import DEFAULT


@dataclass(frozen=True, slots=True)
class Seen:
    """What is so after the key and was not before it, and keys that come first."""

    probe: Callable[[Fleet], object]
    then: object
    first: tuple[str, ...] = ()


def console(fleet: Fleet) -> ConsoleApp:
    return fleet.house.app


def top(screen: type[Any]) -> Seen:
    return Seen(lambda fleet: isinstance(console(fleet).screen, screen), True)


def text(part: str, *first: str) -> Seen:
    return Seen(lambda fleet: part in fleet.text, True, first)


def asked(call: str, *first: str) -> Seen:
    return Seen(lambda fleet: any(each.startswith(call) for each in fleet.house.admin.calls), True, first)


def said(start: str) -> Seen:
    return Seen(lambda fleet: any(each.startswith(start) for each in toasts(console(fleet))), True)


def copied(start: str) -> Seen:
    return Seen(lambda fleet: console(fleet).clipboard.startswith(start), True)


def typing() -> Seen:
    return Seen(lambda fleet: isinstance(console(fleet).focused, Field), True)


def field(name: str, *first: str) -> Seen:
    return Seen(lambda fleet: (focused := console(fleet).focused) and focused.id, name, first)


def scrolled(widget: str, then: object, *first: str) -> Seen:
    """Return how far a widget is scrolled: in lines, or "end"."""

    def probe(fleet: Fleet) -> object:
        found = console(fleet).screen.query_one(widget)
        return "end" if found.scroll_y == found.max_scroll_y else int(found.scroll_y)

    return Seen(probe, then, first)


def row(then: int, *first: str) -> Seen:
    return Seen(lambda fleet: fleet.names.index(fleet.selected or ""), then, first)


def line(then: int, *first: str) -> Seen:
    def probe(fleet: Fleet) -> object:
        screen = console(fleet).screen
        return screen.lines.rows.index(screen.lines.current) if isinstance(screen, ListScreen) else None

    return Seen(probe, then, first)


def sorted_by(column: str, *first: str) -> Seen:
    return Seen(lambda fleet: fleet.screen.order.column, column, first or ("S",))


def charts(*kinds: Kind, first: tuple[str, ...] = ()) -> Seen:
    def probe(fleet: Fleet) -> object:
        return tuple(chart.metric.kind for chart in console(fleet).screen.query(Chart) if chart.display)

    return Seen(probe, kinds, first)


def span(key: str, *first: str) -> Seen:
    """Return which key's range is drawn as chosen."""

    def probe(fleet: Fleet) -> object:
        choices = console(fleet).screen.query_one("#choices", Static).content
        assert isinstance(choices, Text)
        chosen = [choices.plain[each.start : each.end] for each in choices.spans if each.style == look.current.chosen]
        return chosen[-1]

    return Seen(probe, next(each.label for each in RANGES if each.key == key), first)


def cursor(then: int | None, *first: str) -> Seen:
    """Return how many columns left of the newest the chart's cursor is."""

    def probe(fleet: Fleet) -> object:
        axis = next((line.rstrip() for line in fleet.text.splitlines() if "└" in line), "")
        return len(axis) - 1 - axis.index("▲") if "▲" in axis else None

    return Seen(probe, then, first)


def past(then: str, *first: str) -> Seen:
    return Seen(lambda fleet: then in fleet.line(0), True, first)


def column(place: int, *first: str) -> Seen:
    return Seen(lambda fleet: fleet.screen.columns.order.index(DEFAULT.order[0]), place, ("x", *first))
