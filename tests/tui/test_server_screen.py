"""What tui/screens/server.py promises: everything about one server, live, absent values and bad luck included."""

from dataclasses import replace

import pytest
from textual.widgets import Static

from store.errors import StoreUnavailableError
from store.models import AgentInfo, Monitor, MountUsage, Report, Sample, Status
from store.policy import Breach, Level
from tests.tui.house import House, SnapCompare, shown, steps, toasts, until
from tests.tui.house import utc as utc
from tests.tui.standins import MINUTE, NOW, REPORT, hour, key_of, monitor
from tui.screens.confirm import ConfirmDelete
from tui.screens.fleet import FleetScreen
from tui.screens.key import KeyScreen
from tui.screens.server import SLICE_MS, ServerScreen
from tui.widgets.course import SPAN_MS

BARE = Report(cpu_usage=12.0, memory_usage=40.0, memory_total_mb=512)


pytestmark = pytest.mark.usefixtures("utc")


def line_of(house: House, label: str) -> str:
    """Return the text from a label to the end of its line on the screen."""
    line = next(line for line in shown(house.app).splitlines() if label in line)
    return line[line.index(label) :].rstrip()


async def test_everything_essential_is_on_a_small_screen() -> None:
    house = House(monitor(), samples=hour())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        screen = shown(house.app)
        essentials = [
            " web-1 ",
            "● up since 2026-03-01 09:53:00, for 3h 12m",
            "last report 3s ago from 192.0.2.7, every 1m",
            "web-1.example.org",
            "Debian GNU/Linux 12 (bookworm)",
            "6.1.0-28-amd64  agent 0.2.0 (sh, linux)",
            "5.4G of 8.0G",
            "•" * 24,
            "3 mounts",
        ]
        assert [text for text in essentials if text not in screen] == []
        readings = ["CPU       23.5%", "iowait     1.2%", "memory    67.4%", "swap       5.0%"]
        readings += ["net in   1.2M/s", "net out  340K/s", "load 1m    0.52", "load 5m    0.38", "load 15m   0.21"]
        assert [text for text in readings if text not in screen] == []
        assert line_of(house, "/var/lib/postgresql").split()[-4:] == ["84%", "200G", "167G", "33G"]
        assert line_of(house, "/boot").split()[-4:] == ["31%", "954M", "298M", "591M"]
        assert line_of(house, "/  ").split()[-4:] == ["45%", "50G", "22G", "28G"]


async def test_traffic_of_this_month_and_the_last_is_told_and_added_up_anew_in_time() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        # The stand-in moves a byte per millisecond: 13 hours of March, all of February.
        await until(pilot, lambda: "this month 45M in, 22M out · last month 2.3G in, 1.1G out" in shown(house.app))
        house.seconds += 86_400
        await house.app.refresh_fleet()
        await until(pilot, lambda: "this month 127M in, 64M out" in shown(house.app))


async def test_traffic_that_cannot_be_read_is_said() -> None:
    house = House(monitor())
    house.store.error = StoreUnavailableError("the database cannot be read: disk I/O error")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await until(pilot, lambda: "disk I/O error" in shown(house.app))
        assert line_of(house, "traffic").split() == ["traffic", "\N{EN DASH}"]


async def test_mounts_that_fill_say_when_they_are_full_and_others_show_a_dash() -> None:
    filling = {"/var/lib/postgresql": NOW + 12 * 1440 * MINUTE, "/boot": NOW + 90 * MINUTE, "/gone": NOW}
    house = House(replace(monitor(), full_at=filling))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert shown(house.app).count("full in") == 1
        assert line_of(house, "/var/lib/postgresql").split()[-1] == "12d"
        assert line_of(house, "/boot").split()[-1] == "1h"
        assert line_of(house, "/  ").split()[-1] == "\N{EN DASH}"


async def test_absent_values_show_a_dash_and_no_course() -> None:
    report = replace(BARE, disk_usage=(MountUsage("C:", 31.0),))
    bare = replace(
        monitor(report=report),
        network_rx_rate=None,
        network_tx_rate=None,
        interval_s=None,
        address=None,
        agent=None,
    )
    house = House(bare, samples=[Sample(NOW - 3000, report)])
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        for label in ("iowait", "swap", "net in", "net out", "load 1m", "load 5m", "load 15m"):
            assert line_of(house, label).split()[len(label.split())] == "\N{EN DASH}"
        for label in ("host", "system", "kernel"):
            assert line_of(house, label).split() == [label, "\N{EN DASH}"]
        assert line_of(house, "C:").split()[-4:] == ["31%", *["\N{EN DASH}"] * 3]
        assert line_of(house, "last report") == "last report 3s ago"


async def test_a_new_report_is_drawn_and_only_what_is_new_is_read() -> None:
    house = House(monitor(), samples=hour())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await until(pilot, lambda: len(house.store.asked) == SPAN_MS // SLICE_MS)
        assert "▄" in line_of(house, "CPU")
        fresh = replace(REPORT, cpu_usage=91.0, disk_usage=(MountUsage("/new", 95.0),))
        house.seconds += 60
        at = NOW - 3000 + MINUTE
        house.store.stored.append(Sample(at, fresh))
        house.store.put(replace(monitor(report=fresh), last_report_at=at))
        await house.app.refresh_fleet()
        await until(pilot, lambda: "91.0%" in line_of(house, "CPU") and "/new" in shown(house.app))
        await until(pilot, lambda: len(house.store.asked) == SPAN_MS // SLICE_MS + 1)
        assert house.store.asked[-1] == (NOW - 3000 + 1, NOW + MINUTE + 1)


async def test_clocks_tick_without_news() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        house.seconds += 60
        await house.app.refresh_fleet()
        await until(pilot, lambda: "last report 1m ago" in shown(house.app))
        assert "for 3h 13m" in shown(house.app)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": Status.DOWN}, "✗ down since 2026-03-01 09:53:00"),
        ({"status": Status.PAUSED}, "for 3h 12m, until resumed"),
        ({"status": Status.PAUSED, "paused_until": NOW + 2 * 60 * MINUTE}, "until 2026-03-01 15:05:00"),
        ({"settings": {"down_after": 600.0}}, "settings  down after 10m"),
        ({"settings": {"late_after": 90.0, "down_after": 600.0}}, "settings  late after 1m 30s · down after 10m"),
        ({}, "settings  defaults"),
    ],
)
async def test_status_and_settings_are_said_in_words(changed: dict[str, object], said: str) -> None:
    house = House(replace(monitor(), **changed))  # type: ignore[arg-type]
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert said in shown(house.app)


async def test_512_mounts_start_with_the_fullest_and_scroll_to_the_last() -> None:
    mounts = tuple(MountUsage(f"/mnt/{number:03}", number / 512 * 100) for number in range(512))
    house = House(monitor(report=replace(REPORT, disk_usage=mounts)))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert "512 mounts" in shown(house.app)
        assert "/mnt/511" in shown(house.app)
        await pilot.press("G")
        await until(pilot, lambda: "/mnt/000" in shown(house.app))
        assert "512 mounts" in shown(house.app)
        for key, mount in (("k", "/mnt/006"), ("g", "/mnt/511"), ("pagedown", "/mnt/501"), ("pageup", "/mnt/511")):
            await pilot.press(key)
            await until(pilot, lambda mount=mount: mount in shown(house.app))  # type: ignore[misc]


async def test_a_course_that_cannot_be_read_is_said_and_read_later() -> None:
    house = House(monitor(), samples=hour())
    house.store.error = StoreUnavailableError("the database cannot be read: [/] disk I/O error")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await until(pilot, lambda: "the database cannot be read: [/] disk I/O error" in shown(house.app))
        house.store.error = None
        await house.app.refresh_fleet()
        await until(pilot, lambda: "cannot be read" not in shown(house.app) and "▄" in line_of(house, "CPU"))


@pytest.mark.parametrize(
    ("read_only", "said"), [(False, "Press K: the key screen has the command"), (True, "This server has not reported")]
)
async def test_a_monitor_that_never_reported_says_what_to_do(read_only: bool, said: str) -> None:
    house = House(monitor("db-1", report=None), read_only=read_only)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        assert "○ pending" in shown(house.app)
        assert said in shown(house.app)
        assert ("Press K" in shown(house.app)) is not read_only
        house.store.put(monitor("db-1"))
        await house.app.refresh_fleet()
        await until(pilot, lambda: "CPU       23.5%" in shown(house.app) and said not in shown(house.app))


async def test_pause_key_and_delete_work_from_here() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("p", "enter")
        await until(pilot, lambda: "paused since" in shown(house.app))
        await pilot.press("p")
        await until(pilot, lambda: "● up since" in shown(house.app))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(house.app.screen, ConfirmDelete))
        await pilot.press(*"web-1", "enter")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        assert house.admin.calls == ["pause web-1", "resume web-1", "delete web-1"]


async def test_escape_leads_back() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))


async def test_a_monitor_deleted_meanwhile_is_said_and_left() -> None:
    house = House(monitor("[/]"))
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        del house.store.monitors[1]
        await house.app.refresh_fleet()
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        await until(pilot, lambda: "[/] was deleted" in toasts(house.app))


async def test_a_monitor_deleted_under_another_screen_takes_only_its_own_screen_along() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("question_mark")
        await until(pilot, lambda: not isinstance(house.app.screen, ServerScreen))
        help_screen = house.app.screen
        del house.store.monitors[1]
        await house.app.refresh_fleet()
        await pilot.pause()
        assert house.app.screen is help_screen
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        await until(pilot, lambda: "web-1 was deleted" in toasts(house.app))


async def test_nothing_is_drawn_under_another_screen() -> None:
    house = House(monitor())
    async with house.app.run_test(size=(80, 24)) as pilot:
        server = ServerScreen(1)
        await house.show(pilot, server)
        await pilot.press("K")
        await until(pilot, lambda: "received" in shown(house.app))
        head = server.query_one("#head", Static)
        before = head.content
        house.seconds += 60
        await house.app.refresh_fleet()
        await until(pilot, lambda: "received 1 m ago" in shown(house.app))
        assert head.content is before


@pytest.mark.parametrize("key", ["v", "c", "p", "d", "K"])
async def test_a_read_only_console_offers_no_change_and_no_key(key: str) -> None:
    house = House(monitor(), read_only=True)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(house.app.screen, ServerScreen)
        assert house.admin.calls == []
        assert "v shows it" not in shown(house.app)
        assert "Pause" not in shown(house.app)


def hostile() -> Monitor:
    """Return a monitor all of whose text tries to steer the terminal or the console."""
    report = replace(
        REPORT,
        hostname="\x1b[31m[/]\u202eevil\x07",
        os="[@click=app.quit]x" + "\u0301" * 10_000,
        kernel="\x9b2J" + "\u2028" + "漢" * 200,
        disk_usage=(MountUsage("/[/]\x1b]0;t\x07", 45.0, "\x1b[5m", "漢漢漢漢漢", "[b]"), MountUsage("x" * 1024, 1.0)),
    )
    return replace(monitor("[@click=app.quit]x[/]", report=report), address="\x1b[2J")


@pytest.mark.parametrize("size", [(80, 24), (40, 20), (160, 50)])
async def test_hostile_text_is_drawn_literally_in_its_place(size: tuple[int, int]) -> None:
    house = House(hostile(), samples=hour())
    async with house.app.run_test(size=size) as pilot:
        await house.show(pilot, ServerScreen(1))
        screen = shown(house.app)
        assert " [@click=app.quit]x[/] " in screen
        assert "\ufffd[31m[/]\ufffdevil\ufffd" in screen
        assert all(char == "\n" or char.isprintable() for char in screen)
        assert {strip.cell_length for strip in house.app.screen._compositor.render_strips(house.app.size)} == {size[0]}
        assert isinstance(house.app.screen, ServerScreen)


async def test_in_few_lines_what_is_read_stands_before_what_is_looked_up() -> None:
    house = House(monitor(), samples=hour())
    async with house.app.run_test(size=(60, 15)) as pilot:
        await house.show(pilot, ServerScreen(1))
        screen = shown(house.app)
        assert "load 15m" in screen and "3 mounts" in screen
        assert "kernel" not in screen
        await pilot.press("v")
        await until(pilot, lambda: key_of(1) in shown(house.app))


async def test_hostile_names_are_literal_in_the_questions_of_this_screen() -> None:
    house = House(hostile())
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, ServerScreen(1))
        await pilot.press("d")
        await until(pilot, lambda: "Delete [@click=app.quit]x[/] and its history?" in shown(house.app))
        await pilot.press("escape", "K")
        await until(pilot, lambda: isinstance(house.app.screen, KeyScreen))
        await until(pilot, lambda: "Run this on [@click=app.quit]x[/]:" in shown(house.app))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_a_server_looks_as_it_did(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    house = House(monitor(), samples=hour())
    assert snap_compare(house.app, terminal_size=size, run_before=steps(house, ServerScreen(1), "▄"))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_a_server_in_trouble_looks_as_it_did(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    mounts = tuple(MountUsage(f"/srv/volume-{number:02}", 97.5 - number * 4, "1.8T") for number in range(20))
    report = replace(REPORT, cpu_usage=96.0, cpu_iowait=31.0, swap_usage=88.0, memory_usage=93.1, disk_usage=mounts)
    why = (
        Breach("cpu", None, Level.CRITICAL, 96.0, 90.0, NOW - 12 * MINUTE),
        Breach("memory", None, Level.CRITICAL, 93.1, 90.0, NOW - 70 * MINUTE),
        Breach("disk", "/srv/volume-00", Level.CRITICAL, 97.5, 90.0, NOW - 3000 * MINUTE),
    )
    degraded = replace(
        monitor("db-1", report=report),
        status=Status.DEGRADED,
        settings={"down_after": 600.0},
        breaches=why,
        rotated_at=NOW - 120 * MINUTE,
        old_key_used=True,
        shared_at=NOW - 5 * MINUTE,
        agent=AgentInfo("0.1.0", "sh", "linux"),
    )
    house = House(degraded, samples=hour(report)[:20] + hour(report)[40:])
    assert snap_compare(house.app, terminal_size=size, run_before=steps(house, ServerScreen(1), "▄"))


def test_a_server_that_never_reported_looks_as_it_did(snap_compare: SnapCompare) -> None:
    house = House(monitor("db-1", report=None))
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=steps(house, ServerScreen(1), "Press K"))
