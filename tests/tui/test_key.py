"""What tui/screens/key.py promises: a key that hides until asked for, and whether its agent has reported."""

from dataclasses import replace

import pytest

from store.errors import ReceiverUnreachableError, StoreUnavailableError
from tests.tui.house import House, SnapCompare, dom_text, shown, steps, toasts, until
from tests.tui.standins import NOW, install_lines, key_of, monitor
from tui.screens.fleet import FleetScreen
from tui.screens.key import ROTATED, TAKEN_UP, KeyScreen

INSTALL, WINDOWS = (line.command for line in install_lines(key_of(1)))
MASK = "amk_" + "•" * 40


def drawn_command(house: House) -> str:
    """Return the command as a shell would put the rows of the screen together."""
    rows = shown(house.app).splitlines()
    first = next(number for number, row in enumerate(rows) if row.startswith("(echo"))
    last = next(number for number in range(first, len(rows)) if not rows[number].endswith("\\"))
    return "".join(row.removesuffix("\\") for row in rows[first : last + 1]).rstrip()


async def test_the_key_is_nowhere_until_it_is_revealed_and_gone_when_hidden_again() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: MASK in shown(house.app))
        assert key_of(1) not in dom_text(house.app)
        assert drawn_command(house) == INSTALL.replace(key_of(1), MASK)
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) in shown(house.app))
        assert drawn_command(house) == INSTALL
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) not in shown(house.app))
        assert key_of(1) not in dom_text(house.app)


@pytest.mark.parametrize("width", [60, 80, 160])
async def test_key_and_command_stand_alone_from_the_edge_and_break_only_in_the_last_column(width: int) -> None:
    house = House(monitor())
    async with house.app.run_test(size=(width, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) in shown(house.app))
        rows = shown(house.app).splitlines()
        assert key_of(1) in [row.rstrip() for row in rows]
        assert any(row.startswith("(echo") for row in rows)
        assert all(row.endswith("\\") and len(row) == width for row in rows if "\\" in row)
        assert drawn_command(house) == INSTALL


@pytest.mark.parametrize(("size", "windows"), [((80, 24), "$env:AGENTMON_KEY = "), ((60, 15), "w copies its line")])
async def test_the_line_for_windows_stands_there_too_or_how_to_copy_it(size: tuple[int, int], windows: str) -> None:
    house = House(monitor())
    async with house.app.run_test(size=size) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: windows in shown(house.app))
        assert "received 3 s ago" in shown(house.app)
        assert house.app.screen.max_scroll_y == 0
        assert key_of(1) not in dom_text(house.app)


async def test_what_keeps_the_lines_from_working_is_said() -> None:
    house = House(monitor())
    house.admin.warning = "Only this machine can reach http://127.0.0.1:8420"
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: "Only this machine can reach" in shown(house.app))


@pytest.mark.parametrize("width", [80, 160])
async def test_the_other_addresses_of_the_receiver_are_named(width: int) -> None:
    house = House(monitor())
    house.admin.note = (
        "Agents are sent to 10.8.0.2; this machine is also 192.168.1.5, 100.64.0.3. " + "For another: " * 5
    )
    async with house.app.run_test(size=(width, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: "also 192.168.1.5" in shown(house.app))
        assert drawn_command(house) == INSTALL.replace(key_of(1), MASK)
        assert house.app.screen.max_scroll_y == 0


@pytest.mark.parametrize(("key", "copied"), [("c", key_of(1)), ("i", INSTALL), ("w", WINDOWS)])
async def test_key_and_command_are_copied_without_being_shown(key: str, copied: str) -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await pilot.press(key)
        await until(pilot, lambda: house.app.clipboard == copied)
        await until(pilot, lambda: any("copied" in toast for toast in toasts(house.app)))
        assert key_of(1) not in dom_text(house.app)


async def test_the_screen_waits_for_the_first_report_and_turns_when_it_comes() -> None:
    house = House(monitor("db-1", report=None))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("db-1"))
        await until(pilot, lambda: "waiting for the first report…" in shown(house.app))
        house.store.put(monitor("db-1"))
        await house.app.refresh_fleet()
        await until(pilot, lambda: "received 3 s ago from 192.0.2.7" in shown(house.app))
        house.seconds += 5
        await house.app.refresh_fleet()
        await until(pilot, lambda: "received 8 s ago from 192.0.2.7" in shown(house.app))


async def test_a_monitor_that_reports_already_says_so_at_once() -> None:
    house = House(replace(monitor(), address=None))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: "received 3 s ago" in shown(house.app))
        assert "waiting" not in shown(house.app)


async def test_rotation_asks_gives_the_new_key_and_says_how_long_the_old_one_works() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await pilot.press("v", "r")
        await until(pilot, lambda: "Give web-1 a new agent key?" in shown(house.app))
        assert "rotate web-1" not in house.admin.calls
        await pilot.press("y")
        await until(pilot, lambda: key_of(9) in shown(house.app))
        assert ROTATED in shown(house.app)
        assert key_of(1) not in dom_text(house.app)


async def test_the_screen_turns_when_the_new_key_is_used() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await pilot.press("r")
        await until(pilot, lambda: "Give web-1 a new agent key?" in shown(house.app))
        await pilot.press("y")
        await until(pilot, lambda: "New key not used yet, rotated 0s ago; the old one still works" in shown(house.app))
        assert TAKEN_UP not in shown(house.app)
        house.store.put(replace(house.store.monitors[1], old_key_used=True))
        await house.app.refresh_fleet()
        await until(pilot, lambda: "still works and is used" in shown(house.app))
        house.store.put(monitor())
        await house.app.refresh_fleet()
        await until(pilot, lambda: TAKEN_UP in shown(house.app))
        assert ROTATED not in shown(house.app)


async def test_a_rotation_begun_earlier_is_said_too() -> None:
    house = House(replace(monitor(), rotated_at=NOW - 7_200_000))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: "New key not used yet, rotated 2h ago; the old one still works" in shown(house.app))
        assert ROTATED not in shown(house.app)


async def test_rotation_can_be_called_off_and_asked_again() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        for key in ("escape", "n"):
            await pilot.press("r")
            await until(pilot, lambda: "a new agent key?" in shown(house.app))
            await pilot.press(key)
            await until(pilot, lambda: isinstance(house.app.screen, KeyScreen))
        assert "rotate web-1" not in house.admin.calls


async def test_a_second_press_while_it_rotates_does_not_rotate_twice() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: MASK in shown(house.app))
        house.admin.gate.clear()
        await pilot.press("r")
        await until(pilot, lambda: "a new agent key?" in shown(house.app))
        await pilot.press("y")
        await until(pilot, lambda: "rotate web-1" in house.admin.calls)
        await pilot.press("r", "y")
        assert isinstance(house.app.screen, KeyScreen)
        house.admin.gate.set()
        await until(pilot, lambda: ROTATED in shown(house.app))
        assert house.admin.calls.count("rotate web-1") == 1


@pytest.mark.parametrize("error", [ReceiverUnreachableError("no receiver runs"), StoreUnavailableError("disk full")])
async def test_what_is_wrong_stands_on_the_screen_and_asking_again_may_help(error: Exception) -> None:
    house = House(monitor())
    house.admin.error = error  # type: ignore[assignment]
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: str(error) in shown(house.app))
        await pilot.press("c")
        await until(pilot, lambda: str(error) in toasts(house.app))
        assert house.app.clipboard == ""
        house.admin.error = None
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) in shown(house.app))
        assert not house.app.screen.query_one("#problem").display


async def test_a_rotation_that_fails_is_shown_and_the_old_key_stays() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await pilot.press("v", "r")
        await until(pilot, lambda: "a new agent key?" in shown(house.app))
        house.admin.error = ReceiverUnreachableError("no receiver runs")
        await pilot.press("y")
        await until(pilot, lambda: "no receiver runs" in shown(house.app))
        assert key_of(1) in shown(house.app)
        assert ROTATED not in shown(house.app)


async def test_escape_leads_to_the_fleet_from_wherever_the_screen_was_opened() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.app.refresh_fleet()
        house.app.open_monitor(1)
        await until(pilot, lambda: "web-1.example.org" in shown(house.app))
        await pilot.press("K")
        await until(pilot, lambda: MASK in shown(house.app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        assert len(house.app.screen_stack) == 1


async def test_a_monitor_deleted_meanwhile_is_said_and_left() -> None:
    house = House(monitor("[/]"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("[/]"))
        await until(pilot, lambda: MASK in shown(house.app))
        del house.store.monitors[1]
        await house.app.refresh_fleet()
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        await until(pilot, lambda: "[/] was deleted" in toasts(house.app))


async def test_names_that_look_like_markup_are_drawn_literally() -> None:
    name = "[@click=app.quit]x[/]"
    house = House(monitor(name))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen(name))
        await until(pilot, lambda: MASK in shown(house.app))
        assert f" {name}  agent key" in shown(house.app)
        assert f"Run this on {name}:" in shown(house.app)
        await pilot.press("r")
        await until(pilot, lambda: f"Give {name} a new agent key?" in shown(house.app))


async def test_a_hostile_address_reaches_the_screen_as_plain_characters() -> None:
    house = House(replace(monitor(), address="\x1b[2J\u202e[/]", last_report_at=NOW))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        await until(pilot, lambda: "from \ufffd[2J\ufffd[/]" in shown(house.app))


@pytest.mark.parametrize("keys", [(), ("v",)])
def test_a_key_looks_as_it_did(snap_compare: SnapCompare, keys: tuple[str, ...]) -> None:
    house = House(monitor("db-1", report=None))
    run = steps(house, KeyScreen("db-1"), "waiting for the first report", *keys)
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=run)
