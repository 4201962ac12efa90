"""Keys that people give to actions: which there are, and that they hold in the whole console."""

from collections import defaultdict

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widgets import Input

from tests.tui.house import House, shown, toasts, until
from tui.action import Room
from tui.actions import ACTIONS, offered
from tui.keymap import clash, shown_key, untypable
from tui.keys import is_key, textual_keys, words_of
from tui.screens.fleet import FleetScreen
from tui.screens.help import HelpScreen, help_text
from tui.screens.new_monitor import NewMonitorScreen
from tui.widgets.fleet_columns import COLUMNS, on_keys
from tui.widgets.footer import footer_actions

KEYS = ["a", "P", "ö", "?", "+", ",", "f5", "f24", "enter", "ctrl+r", "shift+tab", "alt+x", "ctrl+shift+left", "alt+f1"]
NO_KEYS = ["", " ", "ctrl", "ctrl+", "hyper+a", "shift+p", "ctrl+1", "ctrl+i", "ctrl+m", "f25", "Enter", "ctrl+ctrl+a"]


@pytest.mark.parametrize("word", KEYS)
def test_a_key_is_a_character_or_a_name_with_modifiers(word: str) -> None:
    assert is_key(word)


@pytest.mark.parametrize("word", NO_KEYS)
def test_what_no_terminal_sends_is_no_key(word: str) -> None:
    assert not is_key(word)


def test_the_table_itself_has_keys_that_could_be_configured() -> None:
    assert [key for action in ACTIONS for key in action.keys if not is_key(key)] == []


def test_keys_are_written_as_people_read_them_as_many_as_fit() -> None:
    assert words_of(("j", "down"), 11) == "j ↓"
    assert words_of(("ctrl+pageup",), 5) == "ctrl+pgup"
    assert words_of(("pagedown", "space", "ctrl+f"), 11) == "pgdn space"
    assert textual_keys((",", "+")) == "comma,+"


def test_an_id_means_the_same_keys_in_every_room_and_one_action_in_each() -> None:
    keys = defaultdict(set)
    for action in ACTIONS:
        assert action.id.isidentifier()
        keys[action.id].add((action.keys, action.shown))
    assert [name for name, found in keys.items() if len(found) > 1] == []
    for room in Room:
        ids = [action.id for action in offered(room)]
        assert len(ids) == len(set(ids)), room


def test_no_binding_of_textuals_own_has_the_id_of_an_action() -> None:
    theirs = {getattr(binding, "id", None) for owner in (App, Screen, Input) for binding in owner.BINDINGS}
    assert not theirs & {action.id for action in ACTIONS}


def test_a_key_that_would_mean_two_things_in_one_room_is_found() -> None:
    assert clash({}) is None
    assert clash({"pause": ("P",)}) is None
    assert clash({"pause": ("d",), "delete": ("p",)}) is None
    assert clash({"create": ("pagedown",)}) is None  # on another screen than the lists
    assert clash({"pause": ("d",)}) == ("pause", "delete", "d", Room.FLEET)
    assert clash({"history": ("q",)}) == ("history", "quit", "q", Room.FLEET)
    assert clash({"quit": ("c",)}) == ("quit", "copy", "c", Room.SERVER)


async def test_other_keys_do_what_the_built_in_ones_did_which_do_nothing_any_more() -> None:
    built = House(keys={"help": ("H", "f5")})
    async with built.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark", "f1")
        assert isinstance(built.app.screen, FleetScreen)
        for key in ("H", "f5"):
            await pilot.press(key)
            assert isinstance(built.app.screen, HelpScreen)
            await pilot.press(key)
            assert isinstance(built.app.screen, FleetScreen)


async def test_two_actions_may_change_places() -> None:
    built = House(keys={"help": ("q",), "quit": ("?",)})
    async with built.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        assert isinstance(built.app.screen, HelpScreen)
        await pilot.press("question_mark")
    assert built.app.return_code == 0


async def test_a_field_takes_the_characters_that_are_keys_elsewhere() -> None:
    built = House(keys={"help": ("x",), "quit": (",",), "back": ("f9",)})
    async with built.app.run_test(size=(80, 24)) as pilot:
        await built.show(pilot, NewMonitorScreen())
        await pilot.press("x", "comma", "q")
        assert built.app.screen.query_one(Input).value == "x,q"
        await pilot.press("f9")
        assert isinstance(built.app.screen, FleetScreen)
        await pilot.press("comma")
    assert built.app.return_code == 0


def test_footer_and_help_show_the_keys_that_hold() -> None:
    keys = {"help": ("H", "f5"), "new_monitor": ("ctrl+n",)}
    assert {action.id: action.shown for action in footer_actions(Room.FLEET, 200, keys=keys)}["help"] == "H f5"
    text = help_text(Room.FLEET, keys=keys).plain
    assert "  ctrl+n      Add a server" in text
    assert "  H f5        All keys" in text
    assert shown_key("help", keys) == "H"
    assert shown_key("pause", keys) == "p"


async def test_the_palette_shows_the_keys_that_hold() -> None:
    built = House(keys={"help": ("H",)})
    async with built.app.run_test(size=(80, 24)):
        titles = [command.title for command in built.app.get_system_commands(built.app.screen)]
    assert "Help  (H)" in titles


def test_where_one_types_a_key_that_types_nothing_must_be_left() -> None:
    assert untypable({"back": ("b",)}) == "back"
    assert untypable({"back": ("b", "f9"), "create": ("ctrl+r",), "pause": ("P",)}) is None


async def test_hints_in_passing_name_the_keys_that_hold() -> None:
    built = House(keys={"new_monitor": ("ctrl+n",), "help": ("f5",), "quit": ("Q",)})
    async with built.app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Press ctrl+n to add the first" in shown(built.app))
        assert "f5 shows all keys." in shown(built.app)
        await pilot.press("ctrl+c")
        assert "Q quits" in toasts(built.app)


def test_titles_underline_the_letters_that_sort_now() -> None:
    letters = {column.key: column.letter for column in on_keys(COLUMNS, {"sort_cpu": ("f2", "C"), "sort_disk": ("Q",)})}
    assert (letters["cpu"], letters["disk"], letters["memory"]) == ("C", "", "M")
