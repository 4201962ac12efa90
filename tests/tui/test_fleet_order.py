"""Sorting and filtering the fleet."""

from dataclasses import replace

import pytest

from store.models import Monitor, Status
from tests.tui.fleets import a_monitor, a_report, pending, small_fleet
from tests.tui.standins import NOW
from tui.widgets.fleet_order import SORT_KEYS, Order, arranged, fullest, steady


def names(monitors: list[Monitor]) -> list[str]:
    return [monitor.name for monitor in monitors]


def test_the_worst_comes_first_then_the_name() -> None:
    expected = ["mail", "vpn", "db-primary.internal.example.org", "new-box"]
    expected += ["backup", "web-1", "web-2", "web-10", "win-srv", "lab"]
    assert names(arranged(small_fleet(), Order())) == expected


def test_names_sort_as_people_count() -> None:
    fleet = [a_monitor(i, name) for i, name in enumerate(["Web-10", "web-9", "db", "web-09a", "10.0.0.2", "10.0.0.10"])]
    expected = ["10.0.0.2", "10.0.0.10", "db", "web-9", "web-09a", "Web-10"]
    assert names(arranged(fleet, Order("name"))) == expected
    assert names(arranged(fleet, Order("name", turned=True))) == expected[::-1]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("column", SORT_KEYS)
def test_every_column_sorts_a_whole_fleet_both_ways(column: str, turned: bool) -> None:
    fleet = small_fleet()
    assert sorted(names(arranged(fleet, Order(column, turned)))) == sorted(names(fleet))


@pytest.mark.parametrize("turned", [False, True])
def test_a_server_without_a_value_is_last_either_way(turned: bool) -> None:
    fleet = [pending(1, "new"), a_monitor(2, "a", report=a_report(5)), a_monitor(3, "b", report=a_report(9))]
    ordered = names(arranged(fleet, Order("cpu", turned)))
    assert ordered == (["a", "b", "new"] if turned else ["b", "a", "new"])


def test_the_longest_silence_is_the_greatest_age() -> None:
    fleet = [a_monitor(1, "fresh", age_s=1), a_monitor(2, "old", age_s=900)]
    assert names(arranged(fleet, Order("age"))) == ["old", "fresh"]


def test_the_disk_column_sorts_by_the_fullest_mount() -> None:
    assert names(arranged(small_fleet(), Order("disk")))[:2] == ["backup", "win-srv"]
    disk = fullest(small_fleet()[4])
    assert disk is not None
    assert disk.mount == "/srv/backup"
    assert fullest(pending(1, "new")) is None


def test_the_forecast_column_sorts_by_the_mount_that_is_full_first() -> None:
    fleet = [
        a_monitor(1, "steady"),
        a_monitor(2, "later", full_at={"/": NOW + 9000}),
        a_monitor(3, "soon", full_at={"/": NOW + 90_000, "/var": NOW + 10}),
    ]
    assert names(arranged(fleet, Order("full"))) == ["soon", "later", "steady"]
    assert names(arranged(fleet, Order("full", turned=True))) == ["later", "soon", "steady"]


def test_asking_for_a_column_again_turns_the_order_round() -> None:
    once = Order().by("cpu")
    assert once == Order("cpu")
    assert once.descending
    assert not once.by("cpu").descending
    assert once.by("cpu").by("cpu") == once
    assert not Order("name").descending


def test_the_sorting_column_moves_and_stops_at_the_ends() -> None:
    columns = list(SORT_KEYS)
    assert Order("status").moved(1, columns).column == columns[1]
    assert Order("status").moved(-1, columns) == Order("status")
    assert Order(columns[-1]).moved(1, columns) == Order(columns[-1])


def test_lines_kept_steady_stay_while_servers_come_and_go() -> None:
    fleet = {monitor.name: monitor for monitor in small_fleet()}
    before = [fleet["web-1"].id, fleet["mail"].id, fleet["lab"].id]
    now_down = replace(fleet["web-1"], status=Status.DOWN, last_report_at=NOW)
    assert names(steady([fleet["vpn"], fleet["mail"], now_down], before, Order())) == ["web-1", "mail", "vpn"]
