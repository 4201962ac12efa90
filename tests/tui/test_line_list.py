"""The list of lines: its cursor stays on its row, its view where one looks, and only what differs is drawn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tests.tui.house import shown
from tui.widgets.line_list import LineList


@dataclass(frozen=True)
class Row:
    """A row with a name and something that changes."""

    name: str
    value: int = 0


def rows(*numbers: int) -> list[Row]:
    return [Row(f"row-{number}") for number in numbers]


class Shelf(App[None]):
    """A list of rows, and what it told."""

    CSS = "ScrollView { scrollbar-size-vertical: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.list: LineList[Row] = LineList(
            lambda row, width: [Segment(row.name.ljust(width - 4) + str(row.value).rjust(4))],
            lambda row: row.name,
            lambda width: [Segment("NAME".ljust(width - 5) + "VALUE")],
        )

    def compose(self) -> ComposeResult:
        yield self.list

    def on_lines_opened(self, message: LineList.Opened) -> None:
        self.told.append(f"opened {message.row.name}")

    def on_lines_near_end(self) -> None:
        self.told.append("near end")

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in shown(self).splitlines()]

    @property
    def selected(self) -> str | None:
        return self.list.current.name if self.list.current else None


@asynccontextmanager
async def shelf(count: int, size: tuple[int, int] = (30, 11)) -> AsyncIterator[tuple[Shelf, Pilot[None]]]:
    app = Shelf()
    async with app.run_test(size=size) as pilot:
        app.list.show(rows(*range(count)))
        await pilot.pause()
        yield app, pilot


async def test_rows_stand_below_their_titles_with_the_first_one_selected() -> None:
    async with shelf(3) as (app, _):
        assert app.lines[:4] == [
            " NAME                   VALUE",
            "▌row-0                      0",
            " row-1                      0",
            " row-2                      0",
        ]
        assert app.selected == "row-0"


async def test_an_empty_list_has_no_row_to_act_on() -> None:
    async with shelf(0) as (app, pilot):
        app.list.move("down")
        await pilot.click(LineList, offset=(3, 2))
        assert app.selected is None
        assert app.told == []


@pytest.mark.parametrize(
    ("moves", "selected"),
    [
        (["down"], "row-1"),
        (["up"], "row-0"),
        (["page_down"], "row-9"),
        (["page_down", "page_down", "page_up"], "row-9"),
        (["bottom"], "row-99"),
        (["bottom", "down"], "row-99"),
        (["bottom", "top"], "row-0"),
    ],
)
async def test_keys_move_the_cursor_and_it_stays_in_view_below_the_titles(moves: list[str], selected: str) -> None:
    async with shelf(100) as (app, pilot):
        for move in moves:
            app.list.move(move)  # type: ignore[arg-type]
            await pilot.pause()
        assert app.selected == selected
        assert app.lines[0].startswith(" NAME")
        assert any(line.startswith(f"▌{selected} ") for line in app.lines[1:])


async def test_a_selected_row_stays_selected_when_others_come_above_it() -> None:
    async with shelf(5) as (app, pilot):
        app.list.move("down")
        app.list.show(rows(8, 7, 0, 1, 2))
        await pilot.pause()
        assert app.selected == "row-1"
        assert app.lines[1].startswith(" row-8")
        assert app.lines[4].startswith("▌row-1")


async def test_without_a_choice_the_newest_row_is_selected() -> None:
    async with shelf(5) as (app, pilot):
        app.list.show(rows(8, 0, 1, 2))
        await pilot.pause()
        assert app.selected == "row-8"


async def test_what_one_looks_at_further_down_stays_where_it_is_when_rows_come_above() -> None:
    async with shelf(100) as (app, pilot):
        app.list.scroll_to(y=20, animate=False)
        await pilot.pause()
        before = [line[:20] for line in app.lines]
        assert before[1].startswith(" row-20")
        app.list.show(rows(-2, -1, *range(100)))
        await pilot.pause()
        assert [line[:20] for line in app.lines] == before


async def test_a_selected_row_that_goes_leaves_its_place_to_the_next() -> None:
    async with shelf(3) as (app, pilot):
        app.list.move("down")
        app.list.show(rows(0, 2))
        await pilot.pause()
        assert app.selected == "row-2"
        app.list.show(rows(0))
        await pilot.pause()
        assert app.selected == "row-0"


async def test_only_lines_that_differ_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shelf(5) as (app, _):
        drawn: list[Region] = []
        monkeypatch.setattr(app.list, "refresh", lambda *regions: drawn.extend(regions))
        app.list.show(rows(*range(5)))
        assert drawn == []
        app.list.show([*rows(0, 1), Row("row-2", 7), *rows(3, 4)])
        assert [region.y for region in drawn] == [3]
        drawn.clear()
        app.list.show(rows(*range(5)))
        app.list.move("down")
        assert sorted(region.y for region in drawn) == [1, 2]


async def test_a_click_selects_and_a_click_on_the_selected_opens() -> None:
    async with shelf(5) as (app, pilot):
        await pilot.click(LineList, offset=(3, 3))
        assert app.selected == "row-2"
        assert app.told == []
        await pilot.click(LineList, offset=(3, 3))
        assert app.told == ["opened row-2"]


@pytest.mark.parametrize("y", [0, 8])
async def test_a_click_beside_the_rows_does_nothing(y: int) -> None:
    async with shelf(5) as (app, pilot):
        await pilot.click(LineList, offset=(3, y))
        await pilot.click(LineList, offset=(3, y))
        assert app.selected == "row-0"
        assert app.told == []


async def test_it_tells_when_the_end_comes_near() -> None:
    async with shelf(100) as (app, pilot):
        app.list.scroll_to(y=40, animate=False)
        await pilot.pause()
        assert app.told == []
        app.list.move("bottom")
        await pilot.pause()
        assert app.told == ["near end"]


async def test_the_selected_row_stays_in_view_when_the_terminal_shrinks() -> None:
    async with shelf(100) as (app, pilot):
        app.list.move("page_down")
        await pilot.pause()
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        assert any(line.startswith("▌row-9") for line in app.lines)
