"""Editing name, tags and note: said in place what is wrong, saved with one call, only what was changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.widgets import Input

from store.errors import ChangeRefusedError, ReceiverUnreachableError
from store.tags import Edit
from tests.tui.house import House, SnapCompare, shown, steps, toasts, until
from tests.tui.standins import monitor
from tui.screens.edit import HINTS, EditScreen
from tui.screens.fleet import FleetScreen
from tui.screens.server import ServerScreen

WEB = replace(monitor("web-1"), tags=("web", "prod"), note="rack 4")


@asynccontextmanager
async def editing(house: House, size: tuple[int, int] = (80, 24)) -> AsyncIterator["Editing"]:
    async with house.app.run_test(size=size) as pilot:
        await house.show(pilot, EditScreen(house.store.monitors[1]))
        yield Editing(house, pilot)


class Editing:
    """An edit screen, and what one does and sees there."""

    def __init__(self, house: House, pilot: object) -> None:
        self.house = house
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)  # type: ignore[attr-defined]

    async def fill(self, name: str, text: str) -> None:
        self.house.app.screen.query_one(f"#{name}", Input).value = text
        await self.pilot.pause()  # type: ignore[attr-defined]

    async def sees(self, text: str) -> None:
        await until(self.pilot, lambda: text in shown(self.house.app))  # type: ignore[arg-type]

    async def saved(self) -> list[tuple[str, Edit]]:
        await until(self.pilot, lambda: not isinstance(self.house.app.screen, EditScreen))  # type: ignore[arg-type]
        return self.house.admin.edits


async def test_what_is_there_stands_in_the_fields_and_the_first_has_the_keyboard() -> None:
    async with editing(House(WEB)) as on:
        fields = on.house.app.screen.query(Input)
        assert [field.value for field in fields] == ["web-1", "web prod", "rack 4"]
        assert on.house.app.focused is fields.first()


async def test_all_three_are_saved_with_one_call() -> None:
    async with editing(House(WEB)) as on:
        await on.press("backspace", "9", "tab", *",EU", "down", *"b", "enter")
        assert await on.saved() == [("web-1", Edit(new_name="web-9", tags=["web", "prod", "eu"], note="rack 4b"))]
        assert toasts(on.house.app) == ["web-9 is saved"]
        changed = on.house.store.monitors[1]
        assert (changed.name, changed.tags, changed.note) == ("web-9", ("web", "prod", "eu"), "rack 4b")


async def test_only_what_was_changed_is_sent() -> None:
    async with editing(House(WEB)) as on:
        await on.press("up", "ctrl+u", "enter")
        assert await on.saved() == [("web-1", Edit(note=""))]


async def test_without_a_change_nothing_is_sent_and_enter_closes() -> None:
    async with editing(House(replace(WEB, name="web 1"))) as on:
        await on.fill("tags", " Web,  PROD ")
        await on.press("enter")
        assert await on.saved() == []


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("name", "db-1", "there is already a monitor of that name"),
        ("name", "", "a name needs at least one visible character"),
        ("name", "a\u202eb", "a name holds no control, format or separator characters"),
        ("tags", "web [/]", "[/] is no tag: use letters, digits and - _ . : only"),
        ("tags", " ".join(f"t{n}" for n in range(17)), "a monitor has at most 16 tags, these are 17"),
        ("note", "a\u2028b", "a note is one line"),
        ("note", "x" * 1001, "a note has at most 1000 characters"),
    ],
)
async def test_what_is_wrong_is_said_below_its_field_and_not_saved(field: str, text: str, said: str) -> None:
    async with editing(House(WEB, monitor("db-1", 2))) as on:
        before = on.house.app.screen.query_one(f"#{field}", Input).value
        await on.fill(field, text)
        await on.sees(said)
        await on.press("enter")
        assert on.house.admin.calls == []
        assert on.house.app.focused is on.house.app.screen.query_one(f"#{field}", Input)
        await on.fill(field, before)
        await on.sees(HINTS[field])


@pytest.mark.parametrize("error", [ChangeRefusedError("[/] is taken"), ReceiverUnreachableError("no receiver runs")])
async def test_a_refusal_is_shown_and_one_may_try_again(error: Exception) -> None:
    house = House(WEB)
    house.admin.error = error  # type: ignore[assignment]
    async with editing(house) as on:
        await on.fill("note", "new")
        await on.press("enter")
        await on.sees(str(error))
        house.admin.error = None
        await on.press("enter")
        assert await on.saved() == [("web-1", Edit(note="new"))]


async def test_enter_twice_saves_once_and_whoever_leaves_learns_how_it_ended() -> None:
    house = House(WEB)
    house.admin.gate.clear()
    async with editing(house) as on:
        await on.fill("note", "new")
        await on.press("enter", "enter", "escape")
        house.admin.error = ReceiverUnreachableError("no receiver runs")
        house.admin.gate.set()
        await until(on.pilot, lambda: toasts(house.app) == ["no receiver runs"])  # type: ignore[arg-type]
        assert isinstance(house.app.screen, FleetScreen)
        assert house.admin.calls.count("edit web-1") == 1


async def test_a_server_that_was_renamed_meanwhile_is_saved_under_its_new_name() -> None:
    async with editing(House(WEB)) as on:
        on.house.store.put(replace(WEB, name="other"))
        await on.house.app.refresh_fleet()
        await on.fill("note", "new")
        await on.press("enter")
        assert await on.saved() == [("other", Edit(note="new"))]


@pytest.mark.parametrize("key", ["w", "f2"])
async def test_a_servers_screen_leads_here_and_shows_what_was_saved(key: str) -> None:
    house = House(WEB)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert "web-1  #web #prod  rack 4" in shown(house.app)
        await pilot.press(key, "tab", "ctrl+u", *"db", "enter")
        await until(pilot, lambda: "web-1  #db  rack 4" in shown(house.app))


async def test_hostile_notes_are_drawn_literally_and_cut_to_the_line() -> None:
    house = House(replace(WEB, note="[@click=app.quit]x" + "y" * 900))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert "[@click=app.quit]xyy" in shown(house.app).splitlines()[0]


@pytest.mark.parametrize("size", [(60, 15), (80, 24)])
def test_an_edit_looks_as_it_did(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    house = House(WEB)
    run = steps(house, EditScreen(WEB), "rack 4", "tab", *" a/b")
    assert snap_compare(house.app, terminal_size=size, run_before=run)
