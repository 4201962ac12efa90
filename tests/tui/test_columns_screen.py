"""Choosing and ordering the fleet's columns: what is shown, what fits, and that it is remembered."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from store.models import Monitor
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import TOP_OF_TABLE, Fleet, running
from tests.tui.fleets import a_monitor, pending, small_fleet
from tests.tui.house import House, toasts, until
from tests.tui.standins import NOW
from tui.screens.columns import ColumnsScreen, column_lines, explanation
from tui.screens.fleet import FleetScreen
from tui.widgets.fleet_columns import ALWAYS, BY_KEY, COLUMNS, DEFAULT, LAST_KEPT, Choice, layout, recalled
from tui.widgets.fleet_row import clocks_of, row

KEYS = [column.key for column in COLUMNS]

choices = st.builds(
    Choice, st.permutations(KEYS).map(tuple), st.frozensets(st.sampled_from([key for key in KEYS if key not in ALWAYS]))
)


def text(monitor: Monitor, width: int, choice: Choice, cursor: bool = False) -> str:
    return "".join(part for part, _ in row(monitor, layout(width, choice), clocks_of(monitor, NOW), cursor))


@given(choices, st.integers(min_value=40, max_value=300))
def test_chosen_columns_keep_their_order_at_any_width_and_hidden_ones_never_come(choice: Choice, width: int) -> None:
    placed = layout(width, choice)
    keys = [column.key for column in placed]
    assert keys == [key for key in choice.shown if key in keys]
    assert set(keys) >= LAST_KEPT - choice.hidden
    assert placed[-1].x + placed[-1].width <= width


@given(choices, st.integers(min_value=40, max_value=300))
def test_in_an_order_of_ones_own_what_stands_at_the_right_is_left_out_first(choice: Choice, width: int) -> None:
    if not choice.is_own_order:
        return
    shown = {column.key for column in layout(width, choice)}
    droppable = [key for key in choice.shown if key not in LAST_KEPT]
    fitting = [key in shown for key in droppable]
    assert fitting == sorted(fitting, reverse=True)


@given(choices, st.integers(min_value=40, max_value=200), st.sampled_from(small_fleet()), st.booleans())
def test_every_line_has_the_width_of_the_chosen_columns(
    choice: Choice, width: int, monitor: Monitor, cursor: bool
) -> None:
    last = layout(width, choice)[-1]
    assert cell_len(text(monitor, width, choice, cursor)) == last.x + last.width


def test_a_server_that_never_reported_has_its_name_and_its_note_in_any_order() -> None:
    order = ("cpu", "name", "memory", "swap", "disk", "load", "mount", "status")
    choice = recalled(order, [key for key in KEYS if key not in order])
    shown = text(pending(1, "new-box"), 79, choice)
    assert shown.split() == ["new-box", "waiting", "for", "its", "first", "report", "○", "pending"]


def test_tags_are_a_column_for_those_who_want_it() -> None:
    tagged = a_monitor(1, "x", tags=("web", "prod"))
    assert "web prod" not in text(tagged, 200, DEFAULT)
    assert "web prod" in text(tagged, 200, DEFAULT.toggled("tags"))


def test_status_and_name_cannot_be_hidden() -> None:
    for key in ALWAYS:
        assert DEFAULT.toggled(key) == DEFAULT
    assert recalled(KEYS, KEYS).shown == [key for key in KEYS if key in ALWAYS]


def test_a_column_moves_up_to_the_ends() -> None:
    assert DEFAULT.moved("status", -1) == DEFAULT
    assert DEFAULT.moved("system", 1) == DEFAULT
    assert DEFAULT.moved("status", 1).order[:2] == ("age", "status")
    assert DEFAULT.moved("status", 1).moved("status", -1) == DEFAULT


@given(choices)
def test_a_choice_is_recalled_as_it_was(choice: Choice) -> None:
    assert recalled(choice.order, choice.hidden) == choice


def test_a_choice_of_another_version_loses_what_is_gone_and_gets_what_is_new() -> None:
    assert recalled((), ("cpu",)) == DEFAULT
    assert recalled(("gone",), ()) == DEFAULT
    older = recalled([key for key in KEYS if key not in ("full", "tags")] + ["gone", "cpu"], ["cpu", "gone"])
    assert older.order == tuple(KEYS)
    assert older.hidden == {"cpu", "tags"}


@given(choices, st.integers(min_value=40, max_value=200))
def test_the_list_says_of_every_column_whether_it_is_shown(choice: Choice, width: int) -> None:
    lines = column_lines(choice, width)
    assert [line.key for line in lines] == list(choice.order)
    assert {line.key for line in lines if line.state == "shown"} == {column.key for column in layout(width, choice)}
    assert {line.key for line in lines if line.state == "hidden"} == choice.hidden
    said = explanation(choice, width).plain
    assert all(BY_KEY[line.key].called in said for line in lines if line.state == "no room")


async def open_columns(fleet: Fleet) -> ColumnsScreen:
    await fleet.press("C")
    screen = fleet.house.app.screen
    assert isinstance(screen, ColumnsScreen)
    return screen


async def test_space_hides_a_column_and_shows_it_again(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await open_columns(fleet)
        assert "[x] MEM         shown" in fleet.text
        await fleet.press(*"jjjjj", "space")
        assert "[ ] MEM         hidden" in fleet.text
        await fleet.press("escape")
        assert "MEM" not in fleet.line(TOP_OF_TABLE - 1)
        assert " 41% " not in fleet.line(TOP_OF_TABLE)
        await fleet.press("C", *"jjjjj", "enter", "escape")
        assert "MEM" in fleet.line(TOP_OF_TABLE - 1)


async def test_capital_letters_move_a_column_and_the_titles_show_it_at_once(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await open_columns(fleet)
        await fleet.press("G", *"KKKKKKK")
        await until(fleet.pilot, lambda: "SYSTEM" in fleet.line(1))
        await fleet.press("g", *"jjj", "J", "shift+down", "shift+up")
        titles = fleet.line(1).split()
        assert titles[:3] == ["STATUS▼", "AGE", "NAME"]
        assert titles.index("MEM") < titles.index("DISK")
        await fleet.press("escape")
        assert fleet.line(TOP_OF_TABLE - 1).split() == titles


async def test_what_does_not_fit_is_named_with_the_rule_that_left_it_out(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await open_columns(fleet)
        assert "[x] SYSTEM      no room" in fleet.text
        said = "No room in 80 columns for SWAP, FULL, LOAD, SYSTEM: the most dispensable go first."
        assert said in " ".join(fleet.text.split())
        await fleet.press("j", "J")
        assert "what stands at the right is left out first" in " ".join(fleet.text.split())
        await fleet.pilot.resize_terminal(200, 40)
        await until(fleet.pilot, lambda: "All chosen columns fit." in fleet.text)


async def test_status_says_that_it_is_always_shown(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await open_columns(fleet)
        await fleet.press("space")
        assert "[x] STATUS      shown" in fleet.text
        assert "STATUS is always shown" in toasts(fleet.house.app)


async def test_x_returns_to_the_columns_as_built_in(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        before = fleet.line(TOP_OF_TABLE - 1)
        await open_columns(fleet)
        await fleet.press("j", "J", "j", "space", "x", "escape")
        assert fleet.line(TOP_OF_TABLE - 1) == before
        assert fleet.screen.columns == DEFAULT


async def test_sorting_goes_along_the_columns_as_they_stand(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await open_columns(fleet)
        await fleet.press("j", "space", "escape", ">")
        assert fleet.screen.order.column == "name"


def remembering(path: Path) -> House:
    return House(*small_fleet(), memory=path)


async def leave(fleet: Fleet) -> None:
    """Let a second pass: what changed is written with it."""
    fleet.house.app._tick()
    await fleet.pilot.pause()


async def test_order_filter_and_columns_are_as_they_were_left(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    async with running(remembering(path)) as fleet:
        await fleet.press("U", "U", "/", *"name:web", "enter")
        await fleet.press("C", "j", "space", "escape")
        names, titles = fleet.names, fleet.line(TOP_OF_TABLE - 1)
    async with running(remembering(path)) as fleet:
        assert fleet.names == names == ["web-1", "web-10", "web-2"]
        assert fleet.line(TOP_OF_TABLE - 1) == titles
        assert "Filter / name:web" in fleet.line(22)
        assert "3 of 10" in fleet.line(22)
        assert fleet.house.app.focused is None, "keys are keys"
        await fleet.press("escape")
        assert len(fleet.names) == 10
    async with running(remembering(path)) as fleet:
        assert len(fleet.names) == 10
        assert "Filter /" not in fleet.line(22)


async def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    async with running(remembering(path)) as fleet:
        await fleet.press("j", "k")
        for _ in range(3):
            await leave(fleet)
        assert not path.exists()
        await fleet.press("U")
        await leave(fleet)
        assert json.loads(path.read_text())["sort"] == "cpu"


@pytest.mark.parametrize("field", [{"sort": "gone"}, {"filter": "foo:bar"}, {"columns": ["gone"]}])
async def test_what_is_not_known_here_is_as_built_in(tmp_path: Path, field: dict[str, object]) -> None:
    path = tmp_path / "console.json"
    path.write_text(json.dumps(field))
    async with running(remembering(path)) as fleet:
        assert len(fleet.names) == 10
        assert fleet.screen.order.column == "status"
        assert fleet.screen.columns == DEFAULT


async def test_a_console_that_cannot_remember_works_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file" / "console.json"
    path.parent.write_text("in the way")
    async with running(remembering(path)) as fleet:
        await fleet.press("U")
        await leave(fleet)
        assert fleet.screen.order.column == "cpu"
        assert isinstance(fleet.house.app.screen, FleetScreen)


async def test_a_mistake_is_told_while_typing_and_the_list_stays(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", *"status:down")
        assert fleet.names == ["mail"]
        await fleet.press("space", *"cpu>a")
        assert "cpu> takes a percentage, like 80" in fleet.line(22)
        assert fleet.names == ["mail"]
        await fleet.second()
        await fleet.press("enter")
        assert "cpu> takes a percentage, like 80" in fleet.line(22)
        assert fleet.house.app.focused is not None, "there is something to mend"
        await fleet.press("backspace", "9")
        assert "0 of 10" in fleet.line(22)
        await fleet.press("backspace")
        assert "cpu> a percentage, like 80" in fleet.line(22)
        assert fleet.names == ["mail"]


async def test_a_mistake_is_cleared_with_the_filter(house: MakeHouse) -> None:
    async with running(house()) as fleet:
        await fleet.press("/", *"foo:", "escape")
        assert len(fleet.names) == 10
        await fleet.press("/")
        assert "10 of 10" in fleet.line(22)


async def test_a_filter_by_age_follows_the_clock(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "a", age_s=50), a_monitor(2, "b", age_s=5)])) as fleet:
        await fleet.press("/", *"age>1m")
        assert fleet.names == []
        await fleet.second(15)
        assert fleet.names == ["a"]
