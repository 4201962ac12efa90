"""Every action of the table by its own key on its own screen: what is seen of it, and that read-only has no changes.

A row without an entry here fails `test_every_row_of_the_table_is_pressed`.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from textual.command import CommandInput

from store.models import MountUsage
from tests.tui.fleet_pilot import Fleet, running
from tests.tui.fleets import a_report
from tests.tui.gallery import TO_TROUBLE, full_house, home, settled, type_ahead
from tests.tui.house import House, until
from tests.tui.seen import (
    Seen,
    asked,
    charts,
    column,
    console,
    copied,
    cursor,
    field,
    line,
    past,
    row,
    said,
    scrolled,
    sorted_by,
    span,
    text,
    top,
    typing,
)
from tests.tui.standins import key_of
from tui import look
from tui.actions import ACTIONS, Action, Room
from tui.chart_metrics import Kind
from tui.screens.alerts import AlertsScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.confirm import Confirm, ConfirmDelete
from tui.screens.edit import EditScreen
from tui.screens.fleet import FleetScreen
from tui.screens.go_to_time import GoToTimeScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.key import KeyScreen
from tui.screens.limits import LimitsScreen
from tui.screens.new_monitor import NewMonitorScreen
from tui.screens.pause import PauseDialog
from tui.screens.rejected import RejectedScreen
from tui.screens.server import ServerScreen
from tui.screens.tag import TagDialog
from tui.widgets.fleet_columns import DEFAULT

pytestmark = pytest.mark.usefixtures("utc")

TROUBLE = "db-primary.internal.example.org"

WAYS: dict[Room, tuple[str, ...]] = {
    Room.ANYWHERE: (),
    Room.FLEET: (),
    Room.SERVER: (*TO_TROUBLE, "enter"),
    Room.HISTORY: (*TO_TROUBLE, "h"),
    Room.NEW: ("n", *"new"),
    Room.EDIT: (*TO_TROUBLE, "w"),
    Room.KEY: (*TO_TROUBLE, "K"),
    Room.EVENTS: ("E",),
    Room.REJECTED: ("!",),
    Room.LIMITS: (*TO_TROUBLE, "s"),
    Room.ALERTS: ("a",),
    Room.COLUMNS: ("C",),
    Room.HELP: ("?",),
}
"""The keys that lead from the fleet to each room."""


SHUT = {Room.NEW, Room.EDIT, Room.KEY}
"""The rooms to which only changing actions lead."""

READABLE = [room for room in Room if room not in SHUT and any(room in each.rooms for each in ACTIONS if each.changes)]


def moves(last: int, page: int) -> dict[str, Seen]:
    """Return how the cursor moves in a list of so many lines, and how far a page down goes."""
    return {
        "move('down')": line(1),
        "move('up')": line(1, "j", "j"),
        "move('page_down')": line(page),
        "move('page_up')": line(last - page, "G"),
        "move('top')": line(0, "j"),
        "move('bottom')": line(last),
    }


BACK = {"app.back": top(FleetScreen)}

SEEN: Mapping[Room, Mapping[str, Seen]] = {
    Room.ANYWHERE: {
        "app.next_look": Seen(lambda _: look.current.name, "dark", ("t", "t", "t")),
        "app.help": top(HelpScreen),
        "app.command_palette": Seen(lambda fleet: isinstance(console(fleet).focused, CommandInput), True),
        "app.freeze": Seen(lambda fleet: "FROZEN" in fleet.text, False, ("f",)),
        "app.suspend_process": said("Not suspended"),
        "app.hint_quit": said("q quits"),
        "app.quit": Seen(lambda fleet: console(fleet).return_code, 0),
    },
    Room.FLEET: {
        "open": top(ServerScreen),
        "app.new_monitor": top(NewMonitorScreen),
        "app.show_key": top(KeyScreen),
        "app.pause": top(PauseDialog),
        "app.delete": top(ConfirmDelete),
        "filter": typing(),
        "app.edit": top(EditScreen),
        "app.tag": top(TagDialog),
        "mark": text("1 marked"),
        "mark_all": text("11 marked"),
        "group": Seen(lambda fleet: fleet.screen.grouped, False, ("G",)),
        "clear": Seen(lambda fleet: "marked" in fleet.text, False, ("*",)),
        "app.show_limits": top(LimitsScreen),
        "app.show_alerts": top(AlertsScreen),
        "app.all_events": text("Events  of all servers"),
        "app.events": text("Events  of mail"),
        "app.rejected": top(RejectedScreen),
        "step(-5)": past("13:00"),
        "step(5)": past("13:00", "[", "["),
        "step(-60)": past("12:05"),
        "step(60)": past("12:05", "{", "{"),
        "go_to_time": top(GoToTimeScreen),
        "sort_by('status')": sorted_by("status", "N"),
        "sort_by('age')": sorted_by("age"),
        "sort_by('name')": sorted_by("name"),
        "sort_by('cpu')": sorted_by("cpu"),
        "sort_by('memory')": sorted_by("memory"),
        "sort_by('swap')": sorted_by("swap"),
        "sort_by('disk')": sorted_by("disk"),
        "sort_by('full')": sorted_by("full"),
        "sort_by('rx')": sorted_by("rx"),
        "sort_by('tx')": sorted_by("tx"),
        "sort_by('load')": sorted_by("load"),
        "sort_by('system')": sorted_by("system"),
        "sort_left": sorted_by("cpu", "M"),
        "sort_right": sorted_by("memory", "U"),
        "columns": top(ColumnsScreen),
        "reverse": Seen(lambda fleet: fleet.screen.order.turned, True, ("S", "N")),
        "down": row(1),
        "up": row(1, "j", "j"),
        "page_down": row(10),
        "page_up": row(0, "end"),
        "top": row(0, "j"),
        "bottom": row(10),
        "history": top(HistoryScreen),
    },
    Room.SERVER: {
        "app.show_key": top(KeyScreen),
        "app.pause": top(PauseDialog),
        "app.delete": top(ConfirmDelete),
        "app.edit": top(EditScreen),
        "app.tag": top(TagDialog),
        "app.show_limits": top(LimitsScreen),
        "app.events": text(f"Events  of {TROUBLE}"),
        "app.all_events": text("Events  of all servers"),
        "app.rejected": top(RejectedScreen),
        "history": top(HistoryScreen),
        "reveal": text(key_of(1)),
        "copy": copied(key_of(1)),
        "scroll_mounts('down')": scrolled("MountTable", 1),
        "scroll_mounts('up')": scrolled("MountTable", 1, "j", "j"),
        "scroll_mounts('page_down')": scrolled("MountTable", 4),
        "scroll_mounts('page_up')": scrolled("MountTable", 0, "pagedown"),
        "scroll_mounts('home')": scrolled("MountTable", 0, "j"),
        "scroll_mounts('end')": scrolled("MountTable", "end"),
        **BACK,
    },
    Room.HISTORY: {
        **{f"range('{key}')": span(key, "2" if key == "1" else "1") for key in "123456"},
        "next_chart": charts(Kind.MEMORY),
        "previous_chart": charts(Kind.DISK),
        "chart('c')": charts(Kind.CPU, first=("m",)),
        "chart('m')": charts(Kind.MEMORY),
        "chart('n')": charts(Kind.NETWORK),
        "chart('l')": charts(Kind.LOAD),
        "chart('d')": charts(Kind.DISK),
        "all_charts": said("All charts at once need"),
        "cursor('earlier')": cursor(0),
        "cursor('later')": cursor(0, "left", "left"),
        "cursor('much_earlier')": cursor(9),
        "cursor('much_later')": cursor(1, *["left"] * 12),
        "cursor('first')": cursor(70),
        "cursor('last')": cursor(None, "left"),
        "mount_after": text("mount 2 of"),
        "mount_before": text("mount 33 of 33"),
        **BACK,
    },
    Room.NEW: {"create": asked("create new"), **BACK},
    Room.EDIT: {
        "save": asked(f"edit {TROUBLE}", "end", "x"),
        "next_field": field("tags"),
        "previous_field": field("name", "tab"),
        **BACK,
    },
    Room.KEY: {
        "app.rejected": top(RejectedScreen),
        "reveal": text(key_of(1)),
        "copy": copied(key_of(1)),
        "copy_install": copied("(echo"),
        "copy_windows": copied("$env:"),
        "rotate": top(Confirm),
        **BACK,
    },
    Room.EVENTS: {
        "open": top(HistoryScreen),
        "show_next": Seen(lambda fleet: "● web-1" in fleet.text, False),
        "filter": typing(),
        "clear": top(FleetScreen),
        **moves(18, 17),
    },
    Room.REJECTED: {**moves(3, 3), **BACK},
    Room.LIMITS: {
        **moves(37, 17),
        "edit_limits": typing(),
        "reset_limits": asked(f"set {TROUBLE}", "j", "j"),
        "ignore_mount": asked(f"set {TROUBLE}", "G"),
        "show_defaults": text("Defaults for all servers"),
        **BACK,
    },
    Room.ALERTS: {
        **moves(2, 2),
        "add_channel": typing(),
        "test_channel": asked("test_channel ntfy"),
        "remove_channel": top(Confirm),
        **BACK,
    },
    Room.COLUMNS: {
        **{name: seen for name, seen in moves(15, 15).items() if name != "move('page_down')"},
        "hide_column": Seen(lambda fleet: DEFAULT.order[1] in fleet.screen.columns.hidden, True, ("x", "j")),
        "shift(1)": column(1),
        "shift(-1)": column(0, "J"),
        "default_columns": Seen(lambda fleet: fleet.screen.columns == DEFAULT, True, ("x", "G", "space")),
        **BACK,
    },
    Room.HELP: {
        "scroll_help('down')": scrolled("VerticalScroll", 1),
        "scroll_help('up')": scrolled("VerticalScroll", 1, "j", "j"),
        "scroll_help('home')": scrolled("VerticalScroll", 0, "j"),
        "scroll_help('end')": scrolled("VerticalScroll", "end"),
        **BACK,
    },
}
"""What is seen of each action, by its name, in each of its rooms; what ends the console stands last."""


def a_house(**settings: Any) -> House:
    """Return a house in which every list is longer than a few lines."""
    house = full_house(**settings)
    mounts = tuple(MountUsage(f"/srv/{number:02}", 90.0 - number, "9G", "8G", "1G") for number in range(30))
    house.store.monitors[4] = replace(house.store.monitors[4], report=a_report(95.0, disk_usage=mounts))
    return house


@asynccontextmanager
async def in_room(room: Room, **settings: Any) -> AsyncIterator[tuple[Fleet, Callable[..., Any]]]:
    """Run a console; yields it, and what goes anew from the fleet to the room and presses keys there."""
    async with running(a_house(**settings)) as fleet:

        async def enter(*keys: str) -> None:
            await fleet.pilot.pause()
            await home(fleet)
            fleet.house.admin.calls.clear()
            console(fleet).clear_notifications()
            console(fleet).copy_to_clipboard("")
            for each in (WAYS[room], keys):
                type_ahead(fleet, *each)
                await fleet.second(0)
                await settled(fleet)

        yield fleet, enter


def actions_in(room: Room) -> dict[str, Action]:
    return {action.name: action for action in ACTIONS if room in action.rooms}


@pytest.mark.parametrize("room", list(Room))
def test_every_row_of_the_table_is_pressed(room: Room) -> None:
    assert SEEN[room].keys() == actions_in(room).keys()


@pytest.mark.parametrize("room", list(Room))
async def test_the_key_of_every_action_does_what_the_action_is_for(room: Room) -> None:
    actions = actions_in(room)
    async with in_room(room, serves=True) as (fleet, enter):
        for name, seen in SEEN[room].items():
            await enter(*seen.first)
            assert seen.probe(fleet) != seen.then, f"{name}: so already before its key"
            type_ahead(fleet, actions[name].keys[0])
            await until(fleet.pilot, partial(is_seen, seen, fleet))


def is_seen(seen: Seen, fleet: Fleet) -> bool:
    return seen.probe(fleet) == seen.then


@pytest.mark.parametrize("room", READABLE)
async def test_a_read_only_console_changes_nothing_by_key_or_command_and_offers_nothing_that_would(room: Room) -> None:
    changing = [action for action in actions_in(room).values() if action.changes]
    async with in_room(room, read_only=True) as (fleet, enter):
        for action in changing:
            await enter()
            screen, before, depth = console(fleet).screen, fleet.text, len(console(fleet).screen_stack)
            offered = [command.title for command in console(fleet).get_system_commands(screen)]
            assert not any(title.startswith(f"{action.label}  (") for title in offered)
            type_ahead(fleet, *action.keys)
            await fleet.second(0)
            await console(fleet).run_action(action.name, screen)
            await fleet.second(0)
            assert (fleet.text, len(console(fleet).screen_stack)) == (before, depth), action.name
            assert (fleet.house.admin.calls, console(fleet).clipboard) == ([], ""), action.name
