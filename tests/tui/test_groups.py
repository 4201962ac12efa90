"""The fleet in groups by tag: who stands where, what a heading says, and that the cursor passes it by."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.geometry import Region

from store.models import Monitor, Status
from tests.tui.conftest import MakeHouse
from tests.tui.fleet_pilot import TOP_OF_TABLE, running
from tests.tui.fleets import a_monitor, a_report, many
from tests.tui.house import House, toasts
from tui.widgets.fleet_groups import GroupHeading, grouped, heading_pieces


def tagged(monitor_id: int, name: str, *tags: str, status: Status = Status.UP, cpu: float = 1.0) -> Monitor:
    return replace(a_monitor(monitor_id, name, status, report=a_report(cpu)), tags=tags)


FLEET = [
    tagged(1, "a", "web", "prod", cpu=1.0),
    tagged(2, "b", "db", status=Status.DOWN, cpu=2.0),
    tagged(3, "c", cpu=3.0),
    tagged(4, "d", "web", status=Status.DEGRADED, cpu=4.0),
    tagged(5, "e", "rack10", cpu=5.0),
    tagged(6, "f", "rack9", cpu=6.0),
]


def written(rows: list[Monitor | GroupHeading]) -> list[str]:
    return [row.name if isinstance(row, Monitor) else f"#{row.tag}" for row in rows]


def line(heading: GroupHeading, width: int = 60) -> str:
    return "".join(text for text, _ in heading_pieces(heading, width))


def test_servers_stand_under_their_first_tag_by_name_and_untagged_ones_last() -> None:
    assert written(grouped(FLEET)) == ["#db", "b", "#rack9", "f", "#rack10", "e", "#web", "a", "d", "#None", "c"]
    assert grouped([]) == []


def test_a_heading_counts_its_servers_and_those_of_the_worst_status() -> None:
    headings = {row.tag: row for row in grouped(FLEET) if isinstance(row, GroupHeading)}
    assert headings["web"] == GroupHeading("web", 2, Status.DEGRADED, 1)
    assert line(headings["web"]).startswith(" web  2 servers  ▲ 1 degraded ──")
    assert line(headings["db"]).startswith(" db  1 server  ✗ down ──")
    assert line(headings[None]).startswith(" no tag  1 server  ● up ──")
    assert line(GroupHeading("web", 3, Status.UP, 3)).startswith(" web  3 servers  ● all up ──")


@pytest.mark.parametrize("width", [59, 79, 119])
@pytest.mark.parametrize("tag", ["web", "x" * 32, "日本" * 16])
def test_a_heading_takes_its_width_and_no_more(tag: str, width: int) -> None:
    assert cell_len(line(GroupHeading(tag, 1000, Status.DEGRADED, 999), width)) == width


async def test_g_groups_and_ungroups_and_sorting_works_within_groups(house: MakeHouse) -> None:
    async with running(house(FLEET)) as fleet:
        await fleet.press("G", "N")
        assert [fleet.line(TOP_OF_TABLE + row).split()[0] for row in (0, 2, 4, 6)] == ["db", "rack9", "rack10", "web"]
        assert fleet.names == ["b", "f", "e", "a", "d", "c"]
        await fleet.press("r")
        assert fleet.names == ["b", "f", "e", "d", "a", "c"]
        await fleet.press("G")
        assert fleet.names == ["f", "e", "d", "c", "b", "a"]
        assert "servers" not in fleet.line(TOP_OF_TABLE)


async def test_the_cursor_passes_headings_by_in_both_directions(house: MakeHouse) -> None:
    async with running(house(FLEET)) as fleet:
        await fleet.press("G", "N")
        seen = [fleet.selected]
        for _ in range(6):
            await fleet.press("j")
            seen.append(fleet.selected)
        assert seen == ["b", "f", "e", "a", "d", "c", "c"]
        for _ in range(6):
            await fleet.press("k")
        assert fleet.selected == "b"
        await fleet.press("end")
        assert fleet.selected == "c"
        await fleet.press("g")
        assert fleet.selected == "b"
        await fleet.press("pagedown")
        assert fleet.selected == "c"


async def test_a_heading_comes_into_view_with_the_first_server_of_its_group(house: MakeHouse) -> None:
    monitors = [replace(each, tags=("web",)) for each in many(60)]
    async with running(house(monitors)) as fleet:
        await fleet.press("G", "N", "end", *["k"] * 59)
        assert fleet.selected == "node-1"
        assert fleet.line(TOP_OF_TABLE).startswith(" web  60 servers")


async def test_a_click_on_a_heading_selects_nothing(house: MakeHouse) -> None:
    async with running(house(FLEET)) as fleet:
        await fleet.press("G", "N", "j")
        await fleet.pilot.click("FleetTable", offset=(5, 0))
        await fleet.pilot.click("FleetTable", offset=(5, 0))
        assert fleet.selected == "f"
        assert fleet.house.app.screen is fleet.screen


async def test_a_server_moves_to_the_group_of_its_new_tag_and_headings_keep_count(house: MakeHouse) -> None:
    async with running(house(FLEET)) as fleet:
        await fleet.press("G", "N")
        fleet.house.store.put(replace(FLEET[2], tags=("web",)))
        await fleet.second(5)
        assert fleet.names == ["b", "f", "e", "a", "c", "d"]
        assert "no tag" not in fleet.text
        assert "web  3 servers  ▲ 1 degraded" in fleet.text


async def test_a_fleet_without_tags_is_not_grouped_but_told_how(house: MakeHouse) -> None:
    async with running(house(many(3))) as fleet:
        await fleet.press("G")
        assert not fleet.screen.grouped
        assert toasts(fleet.house.app) == ["No server has a tag yet: # adds one"]


async def test_only_the_lines_of_what_changed_are_drawn_in_groups(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(house(FLEET)) as fleet:
        await fleet.press("G", "N")
        await fleet.second(5)
        drawn: list[Region] = []
        monkeypatch.setattr(fleet.table, "refresh", lambda *regions: drawn.extend(regions))
        fleet.house.store.put(replace(FLEET[3], report=a_report(77.0)))
        await fleet.second(0)
        assert [region.y for region in drawn] == [8]


async def test_a_fleet_that_was_left_in_groups_comes_up_in_groups(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    async with running(House(*FLEET, memory=path)) as fleet:
        await fleet.press("G")
    async with running(House(*FLEET, memory=path)) as fleet:
        assert fleet.screen.grouped
        assert fleet.line(TOP_OF_TABLE).startswith(" db  1 server")
        await fleet.press("G")
    async with running(House(*FLEET, memory=path)) as fleet:
        assert not fleet.screen.grouped
