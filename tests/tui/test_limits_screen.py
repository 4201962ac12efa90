"""What tui/screens/limits.py promises: limits are seen with their origin, changed in place, and refusals are said."""

from dataclasses import replace

import pytest
from textual import events
from textual.widgets import Input

from store.errors import ReceiverUnreachableError, StoreUnavailableError
from store.models import Monitor, MountUsage
from store.policy import Settings, make_policy
from tests.tui.house import House, SnapCompare, shown, steps, toasts, until
from tests.tui.standins import REPORT, monitor
from tui.screens.fleet import FleetScreen
from tui.screens.limits import LimitsScreen
from tui.screens.server import ServerScreen

DEFAULTS: Settings = {"memory.crit": 95.0}
OWN: Settings = {"cpu.warn": 70.0, "disk./boot.ignore": 1.0, "down_after": 600.0}


def a_house(*, own: Settings | None = None, read_only: bool = False, name: str = "web-1") -> House:
    settings = OWN if own is None else own
    one: Monitor = replace(monitor(name), settings=settings, policy=make_policy(DEFAULTS, settings))
    house = House(one, monitor("web-2", 2), read_only=read_only)
    house.store.default_settings = DEFAULTS
    return house


def line_of(house: House, label: str) -> list[str]:
    """Return the words behind a label on its line of the list."""
    lines = (line.lstrip("▌ ") for line in shown(house.app).splitlines())
    return next(line for line in lines if line.startswith(label + " "))[len(label) :].split()


async def test_it_opens_from_server_and_fleet_and_says_where_each_value_comes_from() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("s")
        await until(pilot, lambda: "95%+" in shown(house.app))
        assert line_of(house, "CPU") == ["70%*", "90%", "5m", "24%", "own,", "built", "in"]
        assert line_of(house, "memory") == ["80%", "95%+", "5m", "67%", "built", "in,", "default"]
        assert line_of(house, "/") == ["80%", "90%", "at", "once", "45%", "as", "disk"]
        assert line_of(house, "/boot") == ["ignored*", "31%", "own"]
        assert line_of(house, "down after") == ["10m*", "own"]
        assert "* own   + default for all servers" in shown(house.app)
        await pilot.press("escape", "escape", "s")
        await until(pilot, lambda: isinstance(house.app.screen, LimitsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))


async def test_a_line_is_edited_in_place_and_only_what_is_new_is_asked_for() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "CPU ▸ 70 90 5m" in shown(house.app))
        assert "as it is now" in shown(house.app)
        await pilot.press("ctrl+u", *"60 90% 10m")
        await until(pilot, lambda: "warning from 60%, critical from 90%, once it lasts 10m" in shown(house.app))
        await pilot.press("enter")
        await until(pilot, lambda: line_of(house, "CPU")[:3] == ["60%*", "90%", "10m*"])
        assert house.admin.calls == ["set web-1 {'cpu.warn': 60.0, 'cpu.for': 600.0}"]
        assert "▸" not in shown(house.app)
        assert "enter Edit" in shown(house.app)


async def test_what_is_wrong_is_said_as_one_types_and_is_not_saved() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("j", "j", "enter", "ctrl+u", *"95")
        await until(pilot, lambda: "critical from 90, before the warning from 95" in shown(house.app))
        await pilot.press("enter", "down", "tab")
        assert "CPU ▸ 95" in shown(house.app)
        await pilot.press("escape")
        await until(pilot, lambda: "▸" not in shown(house.app))
        assert isinstance(house.app.screen, LimitsScreen)
        assert house.admin.calls == []


async def test_keys_typed_ahead_go_into_the_line() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        for key in ("enter", "x", "i", "D"):
            house.app.post_message(events.Key(key, "\r" if key == "enter" else key))
        await until(pilot, lambda: house.app.screen.query_one(Input).value == "90sxiD")
        assert house.admin.calls == []


async def test_keys_that_come_all_at_once_do_one_thing_after_the_other() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("j", "j")
        for key in ("enter", "ctrl+u", "6", "0", "space", "8", "0", "backspace", "5", "enter"):
            house.app.post_message(events.Key(key, " " if key == "space" else key if len(key) == 1 else None))
        await until(pilot, lambda: line_of(house, "CPU")[:2] == ["60%*", "85%*"])


async def test_the_receivers_refusal_stands_where_one_types_and_the_text_stays() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        house.admin.error = ReceiverUnreachableError("no receiver runs on [/] this database")
        await pilot.press("enter", "ctrl+u", *"2m", "enter")
        await until(pilot, lambda: "no receiver runs on [/] this database" in shown(house.app))
        assert "late after ▸ 2m" in shown(house.app)
        house.admin.error = None
        await pilot.press("enter")
        await until(pilot, lambda: line_of(house, "late after")[0] == "2m*")


async def test_x_returns_a_line_to_its_default_and_says_if_it_is_there() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("j", "j", "x")
        await until(pilot, lambda: line_of(house, "CPU")[0] == "80%")
        assert house.admin.calls == ["set web-1 {'cpu.warn': None}"]
        await pilot.press("x")
        await until(pilot, lambda: "this line has its default already" in toasts(house.app))


async def test_i_ignores_a_mount_and_heeds_it_again() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("i")
        await until(pilot, lambda: "only a single mount can be ignored" in toasts(house.app))
        await pilot.press("G", "i")
        await until(pilot, lambda: line_of(house, "/boot")[0] == "80%")
        await pilot.press("i")
        await until(pilot, lambda: line_of(house, "/boot")[0] == "ignored*")


@pytest.mark.parametrize("key", ["D", "tab"])
async def test_the_defaults_of_all_are_shown_changed_and_left_again(key: str) -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("j", "j", key)
        await until(pilot, lambda: "Defaults for all servers  2 servers, 1 with values of its own" in shown(house.app))
        assert "OWN IN" in shown(house.app)
        assert line_of(house, "CPU") == ["80%", "90%", "5m", "1", "built", "in"]
        await pilot.press("enter", "ctrl+u", *"75 off", "enter")
        await until(pilot, lambda: line_of(house, "CPU")[:2] == ["75%+", "off+"])
        assert house.admin.calls == ["set_defaults {'cpu.warn': 75.0, 'cpu.crit': 'off'}"]
        await pilot.press(key)
        await until(pilot, lambda: line_of(house, "CPU")[:2] == ["70%*", "off+"])


@pytest.mark.parametrize("key", ["enter", "x", "i"])
async def test_a_read_only_console_shows_them_and_changes_nothing(key: str) -> None:
    house = a_house(read_only=True)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("s")
        await until(pilot, lambda: "95%+" in shown(house.app))
        await pilot.press("G", key)
        await pilot.pause()
        assert "▸" not in shown(house.app)
        assert "Edit" not in shown(house.app)
        assert house.admin.calls == []


async def test_defaults_that_cannot_be_read_are_said_and_nothing_is_edited_upon_them() -> None:
    house = a_house()
    house.store.error = StoreUnavailableError("the database cannot be read: disk I/O error")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "disk I/O error" in shown(house.app))
        await pilot.press("enter")
        assert "▸" not in shown(house.app)
        house.store.error = None
        await house.app.refresh_fleet()
        await until(pilot, lambda: "95%+" in shown(house.app))


async def test_a_monitor_deleted_meanwhile_is_said_and_left() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await pilot.press("enter")
        house.store.drop(1)
        await house.app.refresh_fleet()
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        await until(pilot, lambda: "web-1 was deleted" in toasts(house.app))


async def test_names_and_mounts_from_outside_are_drawn_literally() -> None:
    mounts = (MountUsage("/[/]\x1b]0;t\x07", 45.0), MountUsage("漢" * 400, 1.0))
    house = House(replace(monitor("[@click=app.quit]x[/]"), report=replace(REPORT, disk_usage=mounts)))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, LimitsScreen(1))
        await until(pilot, lambda: "/[/]\ufffd]0;t\ufffd" in shown(house.app))
        assert "Limits of [@click=app.quit]x[/]" in shown(house.app)
        await pilot.press("G", "enter")
        await until(pilot, lambda: "▸" in shown(house.app))
        widths = {strip.cell_length for strip in house.app.screen._compositor.render_strips(house.app.size)}
        assert widths == {80}


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
@pytest.mark.parametrize("keys", [(), ("j", "j", "enter", "ctrl+u", *"95"), ("D",)], ids=["limits", "typing", "all"])
def test_limits_look_as_they_did(snap_compare: SnapCompare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    house = a_house()
    house.store.put(replace(house.store.monitors[1], interval_s=300.0))
    assert snap_compare(house.app, terminal_size=size, run_before=steps(house, LimitsScreen(1), "95%+", *keys))


async def test_limits_can_be_read_while_no_receiver_runs() -> None:
    house = House(monitor())
    house.admin.error = ReceiverUnreachableError("no receiver runs on this database")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.app.feed.ask_receiver()
        await house.app.refresh_fleet()
        await pilot.press("s")
        await until(pilot, lambda: "Limits of web-1" in shown(house.app))
