"""Marks: set and taken away, kept through all that moves lines, never silently out of sight, acted on together."""

from dataclasses import replace

import pytest
from textual.widgets import Input

from store.errors import ChangeRefusedError, ReceiverUnreachableError
from store.models import Status
from store.tags import Edit
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import TOP_OF_TABLE, Fleet, running
from tests.tui.fleets import a_monitor, a_report, many, pending
from tests.tui.house import shown, toasts, until
from tui.deeds import NAMES_SHOWN, Outcome, carry_out, named, told
from tui.marks import Marks
from tui.screens.confirm import ConfirmDeleteMany
from tui.screens.pause import PauseDialog
from tui.screens.tag import TagDialog, present, problem_of, understood


def marked(fleet: Fleet) -> list[str]:
    return [monitor.name for monitor in fleet.screen.marked]


def test_a_mark_is_set_and_taken_away() -> None:
    once = Marks().turned(3)
    assert once.ids == {3}
    assert not once.turned(3)


def test_all_that_are_shown_are_marked_beside_those_that_are_already_or_none_at_all() -> None:
    marks = Marks(frozenset({1, 9})).all_or_none([1, 2])
    assert marks.ids == {1, 2, 9}
    assert not marks.all_or_none([1, 2])


def test_marks_of_what_is_gone_go_and_others_are_not_touched() -> None:
    marks = Marks(frozenset({1, 2}))
    assert marks.among({2, 3}).ids == {2}
    assert marks.among({1, 2, 3}) is marks


def test_how_many_are_marked_is_said_with_those_out_of_sight() -> None:
    assert Marks().words({1}) == ""
    assert Marks(frozenset({1, 2})).words({1, 2, 3}) == "2 marked"
    assert Marks(frozenset({1, 2, 7})).words({1}) == "3 marked, 2 not shown"


async def test_space_marks_and_goes_on_and_esc_takes_all_marks_away(house: MakeHouse) -> None:
    async with running(house(many(4))) as fleet:
        await fleet.press("space", "space")
        assert (marked(fleet), fleet.selected) == (["node-1", "node-2"], "node-3")
        assert [fleet.line(TOP_OF_TABLE + row)[0] for row in range(4)] == ["+", "+", "▌", " "]
        assert "2 marked" in fleet.line(1)
        await fleet.press("k", "space")
        assert marked(fleet) == ["node-1"]
        await fleet.press("escape")
        assert marked(fleet) == []
        assert "marked" not in fleet.line(1)
        assert "+" not in fleet.line(TOP_OF_TABLE)


async def test_marks_survive_sorting_new_reports_and_new_names_and_go_with_their_server(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("space", "space", "N", "r")
        fleet.house.store.put(replace(a_monitor(1, "renamed"), report=a_report(99.0)))
        await fleet.second(5)
        assert set(marked(fleet)) == {"renamed", "node-2"}
        fleet.house.store.drop(1)
        await fleet.second(5)
        assert marked(fleet) == ["node-2"]
        assert "1 marked" in fleet.line(1)


async def test_what_a_filter_hides_stays_marked_and_that_is_said(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "web-1"), a_monitor(2, "db-1"), a_monitor(3, "db-2")])) as fleet:
        await fleet.press("N", "*", "/", *"web", "enter")
        assert "3 marked, 2 not shown" in fleet.line(1)
        assert marked(fleet)[0] == "web-1", "those in sight come first"
        await fleet.press("escape")
        assert marked(fleet) == []
        assert fleet.screen.wanted == "web", "marks go before the filter"
        await fleet.press("*")
        assert marked(fleet) == ["web-1"]
        await fleet.press("*")
        assert marked(fleet) == []


async def test_esc_in_the_field_clears_the_filter_and_leaves_the_marks(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("space", "/", *"node-3", "escape")
        assert fleet.screen.wanted == ""
        assert marked(fleet) == ["node-1"]


async def test_marks_are_said_where_there_is_little_room(house: MakeHouse) -> None:
    async with running(house(), (60, 15)) as fleet:
        await fleet.press("*", "/", *"web", "enter")
        assert "10 marked, 7 not shown" in fleet.line(1)


async def test_a_read_only_console_marks_nothing(house: MakeHouse) -> None:
    async with running(house(many(2), read_only=True)) as fleet:
        await fleet.press("space", "*", "#", "w")
        assert marked(fleet) == []
        assert fleet.house.app.screen is fleet.screen


async def test_the_marked_are_paused_together_and_resumed_if_all_are(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("space", "space", "j", "p")
        assert isinstance(fleet.house.app.screen, PauseDialog)
        assert "Pause 2 servers for how long?" in fleet.text
        await fleet.press("u")
        await until(fleet.pilot, lambda: bool(toasts(fleet.house.app)))
        assert fleet.house.admin.calls == ["pause node-1", "pause node-2"]
        assert toasts(fleet.house.app) == ["2 servers are paused (node-1, node-2): p resumes them"]
        await fleet.press("p")
        await until(fleet.pilot, lambda: len(toasts(fleet.house.app)) == 2)
        assert fleet.house.admin.calls[2:] == ["resume node-1", "resume node-2"]
        assert {monitor.status for monitor in fleet.house.store.monitors.values()} == {Status.UP}


async def test_those_that_fail_are_named_in_one_toast(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        fleet.house.admin.refused = {"node-2"}
        await fleet.press("*", "p", "u")
        await until(fleet.pilot, lambda: bool(toasts(fleet.house.app)))
        assert toasts(fleet.house.app) == ["2 of 3 servers are paused; not node-2: node-2 may not be changed"]
        assert len(marked(fleet)) == 3


async def test_the_marked_are_deleted_once_their_number_is_typed(house: MakeHouse) -> None:
    async with running(house(many(4))) as fleet:
        await fleet.press("space", "space", "space", "d")
        assert isinstance(fleet.house.app.screen, ConfirmDeleteMany)
        assert "node-1, node-2, node-3" in fleet.text
        await fleet.press("2", "enter", "backspace", "enter")
        assert fleet.house.admin.calls == []
        await fleet.press("3", "enter")
        await until(fleet.pilot, lambda: fleet.names == ["node-4"])
        assert fleet.house.admin.calls == ["delete node-1", "delete node-2", "delete node-3"]
        assert "marked" not in fleet.line(1)


async def test_many_names_can_be_read_before_they_are_deleted(house: MakeHouse) -> None:
    async with running(house(many(200))) as fleet:
        await fleet.press("*", "d")
        assert "node-200" not in fleet.text
        await fleet.press(*["pagedown"] * 40)
        await until(fleet.pilot, lambda: "node-200" in fleet.text)
        await fleet.press(*"200", "escape")
        assert fleet.house.admin.calls == []


async def test_the_dialog_of_many_fits_a_small_terminal(house: MakeHouse) -> None:
    async with running(house(many(50)), (60, 15)) as fleet:
        await fleet.press("*", "d", *"50")
        assert "Delete (enter)" in fleet.text


async def test_one_mark_means_that_server_and_not_the_selected_one(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("space", "j", "d", *"node-1", "enter")
        await until(fleet.pilot, lambda: fleet.names == ["node-2", "node-3"])


async def test_tags_are_added_and_removed_together(house: MakeHouse) -> None:
    monitors = [replace(each, tags=("old", "prod")) for each in many(2)]
    async with running(house(monitors)) as fleet:
        await fleet.press("*", "#")
        assert isinstance(fleet.house.app.screen, TagDialog)
        assert "now: old, prod" in fleet.text
        await fleet.press(*"web !Old")
        await until(fleet.pilot, lambda: "enter: tagged web and no longer tagged old" in fleet.text)
        await fleet.press("enter")
        await until(fleet.pilot, lambda: bool(toasts(fleet.house.app)))
        assert fleet.house.admin.edits == [
            ("node-1", Edit(add_tags=["web"], drop_tags=["old"])),
            ("node-2", Edit(add_tags=["web"], drop_tags=["old"])),
        ]
        assert {monitor.tags for monitor in fleet.house.store.monitors.values()} == {("prod", "web")}
        assert toasts(fleet.house.app) == ["2 servers are tagged web and no longer tagged old (node-1, node-2)"]


async def test_a_tag_that_will_not_do_is_said_while_it_is_typed_and_enter_waits(house: MakeHouse) -> None:
    async with running(house([replace(a_monitor(1, "[/]"), tags=tuple(f"t{n}" for n in range(16)))])) as fleet:
        await fleet.press("#", *"one-more")
        await until(fleet.pilot, lambda: "[/] would have more than 16 tags" in fleet.text)
        await fleet.press("enter", "ctrl+u", *"[b]", "enter")
        await until(fleet.pilot, lambda: "[b] is no tag" in fleet.text)
        assert fleet.house.admin.calls == []
        fleet.house.app.screen.query_one(Input).value = ""
        await until(fleet.pilot, lambda: "!web removes one" in fleet.text)
        await fleet.press("enter", "escape")
        assert fleet.house.app.screen is fleet.screen
        assert fleet.house.admin.calls == []


def test_what_is_typed_is_tags_to_add_and_with_a_bang_to_remove() -> None:
    assert understood(" Web, !old,prod ") == Edit(add_tags=["web", "prod"], drop_tags=["old"])
    assert problem_of(understood("!"), []) == "a tag needs at least one character"
    assert problem_of(understood("web !old"), [pending(1, "a")]) is None


def test_tags_that_not_all_have_are_said_with_their_number() -> None:
    monitors = [replace(pending(1, "a"), tags=("web", "prod")), replace(pending(2, "b"), tags=("web",))]
    assert present(monitors) == "now: web, prod (1)"
    assert present([pending(1, "a")]) == "no tags yet"
    assert present([replace(pending(1, "a"), tags=tuple(f"t{n}" for n in range(11)))]).endswith("t7 and 3 more")


async def test_a_refusal_fails_one_and_a_lost_receiver_all_that_are_left() -> None:
    asked: list[str] = []

    async def change(name: str) -> None:
        asked.append(name)
        if name == "b":
            raise ChangeRefusedError("no monitor called b")
        if name == "c":
            raise ReceiverUnreachableError("no receiver")

    outcome = await carry_out(["a", "b", "c", "d"], change)
    assert asked == ["a", "b", "c"]
    assert outcome == Outcome(["a"], {"no monitor called b": ["b"], "no receiver": ["c", "d"]})
    assert told(outcome, "paused") == "1 of 4 servers are paused; not b: no monitor called b; not c, d: no receiver"


def test_what_went_well_is_told_of_one_or_of_all_with_their_names() -> None:
    assert told(Outcome(["a"]), "paused") == "a is paused"
    assert told(Outcome(["a", "b"]), "paused") == "2 servers are paused (a, b)"
    assert told(Outcome([], {"no receiver": ["a"]}), "paused") == "no receiver"


@pytest.mark.parametrize("more", [0, 1, 500])
def test_a_long_list_of_names_says_how_many_more(more: int) -> None:
    words = named([f"n{number}\x1b" for number in range(NAMES_SHOWN + more)])
    assert words.isprintable()
    assert words.endswith(f"and {more} more") is (more > 0)
    assert len(words) < 500


async def test_hostile_names_are_drawn_literally_in_the_dialogs(house: MakeHouse) -> None:
    async with running(house([a_monitor(1, "[/]"), a_monitor(2, "\x1b[2J")])) as fleet:
        for key in ("d", "#"):
            await fleet.press("*" if key == "d" else "f3", key)
            assert "[/]" in shown(fleet.house.app)
            assert "\x1b" not in shown(fleet.house.app)
            await fleet.press("escape")
