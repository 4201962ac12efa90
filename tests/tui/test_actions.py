"""The action table: every key is explained, does something, and gets in nobody's way."""

from collections import Counter

import pytest
from textual.app import App
from textual.binding import Binding

from tests.tui.conftest import MakeHouse
from tui.actions import ACTIONS, CHANGING, FORBIDDEN_KEYS, Room, bindings, offered
from tui.app import ConsoleApp
from tui.screens.alerts import AlertsScreen
from tui.screens.base import ConsoleScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.edit import EditScreen
from tui.screens.events import EventsScreen
from tui.screens.fleet import FleetScreen
from tui.screens.help import INDENT, HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.key import KeyScreen
from tui.screens.limits import LimitsScreen
from tui.screens.new_monitor import NewMonitorScreen
from tui.screens.rejected import RejectedScreen
from tui.screens.server import ServerScreen
from tui.widgets.fleet_columns import COLUMNS
from tui.widgets.fleet_order import SORT_KEYS
from tui.widgets.footer import footer_actions

SCREENS: dict[Room, type[ConsoleScreen]] = {
    Room.FLEET: FleetScreen,
    Room.SERVER: ServerScreen,
    Room.HISTORY: HistoryScreen,
    Room.NEW: NewMonitorScreen,
    Room.EDIT: EditScreen,
    Room.KEY: KeyScreen,
    Room.EVENTS: EventsScreen,
    Room.REJECTED: RejectedScreen,
    Room.LIMITS: LimitsScreen,
    Room.ALERTS: AlertsScreen,
    Room.COLUMNS: ColumnsScreen,
    Room.HELP: HelpScreen,
}
ROOMS = list(Room)
RARE = {"app.delete"}
"""What 80 columns may leave out of a footer."""


def test_every_action_has_keys_a_label_and_a_help_that_fits_a_line() -> None:
    for action in ACTIONS:
        assert action.keys and action.shown and action.label and action.rooms, action.name
        assert 0 < len(action.help) <= 75 - 2 - INDENT, action.name
        assert len(action.shown) < INDENT, action.name


@pytest.mark.parametrize("room", ROOMS)
def test_every_action_is_carried_out_where_it_is_bound(room: Room) -> None:
    for action in (each for each in ACTIONS if room in each.rooms):
        method = "action_" + action.name.removeprefix("app.").partition("(")[0]
        owner: type[object] = ConsoleApp if action.name.startswith("app.") else SCREENS[room]
        assert callable(getattr(owner, method, None)), f"{owner.__name__} has no {method}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_key_means_two_things_in_one_room(room: Room) -> None:
    keys = Counter(key for action in offered(room) for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_no_action_takes_the_keys_of_screen_tmux_and_flow_control() -> None:
    assert not FORBIDDEN_KEYS & {key for action in ACTIONS for key in action.keys}


@pytest.mark.parametrize("room", ROOMS)
def test_the_bindings_of_a_room_are_those_of_the_table(room: Room) -> None:
    bound = [binding for binding in bindings(room) if isinstance(binding, Binding)]
    assert [binding.action for binding in bound] == [action.name for action in ACTIONS if room in action.rooms]


async def test_forbidden_keys_are_bound_nowhere_in_the_running_console(house: MakeHouse) -> None:
    app = house().app
    async with app.run_test():
        assert not FORBIDDEN_KEYS & app.active_bindings.keys()
        assert "ctrl+q" in {key for binding in App.BINDINGS for key in _keys(binding)}, "Textual no longer binds it"


def _keys(binding: object) -> list[str]:
    assert isinstance(binding, Binding)
    return binding.key.split(",")


def test_every_sortable_column_has_a_key_of_its_own_which_its_title_shows() -> None:
    sorted_by = {action.name: action.keys for action in ACTIONS if action.name.startswith("sort_by")}
    columns = [column for column in COLUMNS if column.letter]
    assert sorted_by == {f"sort_by('{column.key}')": (column.letter,) for column in columns}
    assert list(SORT_KEYS) == [column.key for column in columns]
    assert all(column.letter in column.title for column in columns)
    assert {column.sort for column in COLUMNS if column.sort} == set(SORT_KEYS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room is not Room.ANYWHERE])
def test_a_footer_of_80_columns_shows_all_that_is_meant_for_it_but_what_is_rare(room: Room) -> None:
    wanted = [action for action in offered(room) if action.footer is not None]
    assert footer_actions(room, 120) == wanted
    assert footer_actions(room, 80) == [action for action in wanted if action.name not in RARE]


@pytest.mark.parametrize("width", [10, 20, 40, 60])
def test_a_narrow_footer_fits_and_keeps_the_way_out(width: int) -> None:
    shown = footer_actions(Room.FLEET, width)
    assert sum(len(action.shown) + len(action.label) + 4 for action in shown) <= width
    assert shown[-1].name == "app.quit"


def test_a_read_only_console_offers_no_changes() -> None:
    for room in ROOMS:
        assert not any(action.changes for action in offered(room, read_only=True))
    assert {"new_monitor", "pause", "delete", "rotate", "show_key", "edit", "tag", "save"} <= CHANGING


def test_without_a_server_nothing_is_offered_that_needs_one() -> None:
    names = {action.name for action in offered(Room.FLEET, on_subject=False)}
    assert "app.new_monitor" in names
    assert not names & {"open", "app.show_key", "app.pause", "app.delete"}
