"""What tui/screens/alerts.py promises: one sees whether alerts arrive, adds and tests channels, and no secret stays."""

import pytest
from rich.cells import cell_len
from textual.events import Paste

from store.channels import Channel, ChannelKind
from store.errors import ChangeRefusedError, ReceiverUnreachableError, StoreUnavailableError
from store.policy import Level
from tests.tui.house import House, SnapCompare, dom_text, shown, steps, toasts, until
from tests.tui.standins import MINUTE, NOW, monitor
from tui import draw
from tui.channels import ChannelLine, NewChannel, heading, parse, segments
from tui.screens.alerts import AlertsScreen
from tui.screens.confirm import Confirm
from tui.screens.fleet import FleetScreen
from tui.widgets.field import Field

GOOD = Channel(1, "ntfy", ChannelKind.APPRISE, "ntfy://t****c", Level.WARNING, NOW, sent_at=NOW - 5 * MINUTE)
BAD = Channel(
    2,
    "mail [/]",
    ChannelKind.APPRISE,
    "mailto://user:****@example.org",
    Level.CRITICAL,
    NOW,
    waiting=1234,
    failed_at=NOW - MINUTE,
    problem="the server answered 535 [/] authentication failed\x1b[2J",
    dropped=7,
)
NEW = Channel(3, "command", ChannelKind.COMMAND, "/usr/local/bin/on-alert", Level.WARNING, NOW)


def a_house(*channels: Channel, read_only: bool = False) -> House:
    house = House(monitor(), read_only=read_only)
    house.store.targets = list(channels)
    return house


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("ntfy://topic", NewChannel("ntfy://topic", None, Level.WARNING)),
        (" critical  mailto://a:b@example.org ", NewChannel("mailto://a:b@example.org", None, Level.CRITICAL)),
        ("warning json://host/p?x=!1", NewChannel("json://host/p?x=!1", None, Level.WARNING)),
        ("!/bin/alert --to 'a b'", NewChannel(None, "/bin/alert --to 'a b'", Level.WARNING)),
        ("critical ! run", NewChannel(None, "run", Level.CRITICAL)),
    ],
)
def test_what_is_typed_is_a_url_or_a_command_and_a_level(typed: str, wanted: NewChannel) -> None:
    assert parse(typed) == wanted


@pytest.mark.parametrize("typed", ["", "hunter2", "critical", "critical hunter2", "!", "! "])
def test_what_is_neither_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(ChangeRefusedError) as refused:
        parse(typed)
    assert "hunter2" not in str(refused.value)


async def test_it_opens_from_the_fleet_and_says_of_each_channel_whether_alerts_arrive() -> None:
    house = a_house(GOOD, BAD, NEW)
    async with house.app.run_test(size=(120, 30)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "ntfy://t****c" in shown(house.app))
        good, bad, new = (line.strip("▌ ").split() for line in shown(house.app).splitlines()[2:5])
        assert good == ["●", "ntfy", "warning", "5m", "ago", draw.NONE, "ntfy://t****c"]
        assert bad == ["✗", "mail", "[/]", "critical", "never", "1,234", "mailto://user:****@example.org"]
        assert new == ["○", "command", "warning", "never", draw.NONE, "/usr/local/bin/on-alert"]
        await pilot.press("j")
        await until(pilot, lambda: "535 [/] authentication failed\ufffd[2J" in shown(house.app))
        assert "failed 1m ago" in shown(house.app)
        assert "takes critical alerts alone" in shown(house.app)
        assert "1,234 waiting to be sent · 7 given up, as too many waited" in shown(house.app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))


async def test_it_follows_what_becomes_of_the_channels() -> None:
    house = a_house(GOOD)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: "5m ago" in shown(house.app))
        house.store.targets.append(BAD)
        house.seconds += 60
        for _ in range(3):
            await house.app.refresh_fleet()
        await until(pilot, lambda: "mail [/]" in shown(house.app) and "6m ago" in shown(house.app))


@pytest.mark.parametrize(("read_only", "said"), [(False, "Press n"), (True, "agentmon notify add")])
async def test_without_a_channel_it_says_what_to_do(read_only: bool, said: str) -> None:
    house = a_house(read_only=read_only)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: said in shown(house.app) and "ntfy://TOPIC" in shown(house.app))
        footer = shown(house.app).splitlines()[-1]
        assert ("New" in footer) is not read_only
        assert "Test" not in footer and "Delete" not in footer
        await pilot.press("s", "d")
        assert isinstance(house.app.screen, AlertsScreen)


async def test_a_channel_is_added_and_its_secret_is_nowhere_afterwards() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: "Press n" in shown(house.app))
        await pilot.press("n")
        await until(pilot, lambda: "!COMMAND" in shown(house.app))
        await pilot.press(*"critical json://u:hunter2@host/")
        await until(pilot, lambda: "hunter2" in shown(house.app))
        await pilot.press("enter")
        await until(pilot, lambda: "json://****" in shown(house.app))
        assert house.store.targets[0].level is Level.CRITICAL
        await until(pilot, lambda: any("s tests it" in toast for toast in toasts(house.app)))
        assert "hunter2" not in dom_text(house.app)
        assert "n New" in shown(house.app)


async def test_a_refusal_is_said_and_what_was_typed_can_be_corrected() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await pilot.press("n", *"nonsense", "enter")
        await until(pilot, lambda: "a URL has :// in it" in shown(house.app))
        await pilot.press("ctrl+u", *"what://x")
        house.admin.error = ChangeRefusedError("Apprise does not know [/] such a URL")
        await pilot.press("enter")
        await until(pilot, lambda: "Apprise does not know [/] such a URL" in shown(house.app))
        assert "what://x" in shown(house.app)
        await pilot.press("escape")
        await until(pilot, lambda: "what://x" not in shown(house.app))
        assert "what://x" not in dom_text(house.app)


async def test_adding_twice_by_impatience_adds_once() -> None:
    house = a_house()
    house.admin.gate.clear()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await pilot.press("n", *"ntfy://a", "enter", "enter")
        await until(pilot, lambda: "adding…" in shown(house.app))
        house.admin.gate.set()
        await until(pilot, lambda: "ntfy://****" in shown(house.app))
        assert len(house.store.targets) == 1


async def test_whoever_leaves_while_a_channel_is_added_learns_how_it_ended() -> None:
    house = a_house()
    house.admin.gate.clear()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await pilot.press("n", *"ntfy://a", "enter", "escape", "escape")
        await until(pilot, lambda: isinstance(house.app.screen, FleetScreen))
        house.admin.gate.set()
        await until(pilot, lambda: any("alerts go to channel 1" in toast for toast in toasts(house.app)))


@pytest.mark.parametrize(
    ("problem", "said"), [(None, "ntfy: the test message was accepted"), ("[/] timed out", "ntfy: [/] timed out")]
)
async def test_a_test_takes_its_time_and_its_result_is_said(problem: str | None, said: str) -> None:
    house = a_house(GOOD, NEW)
    house.admin.delivery_problem = problem
    house.admin.gate.clear()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: "5m ago" in shown(house.app))
        await pilot.press("s", "s")
        await until(pilot, lambda: "testing…" in shown(house.app))
        await pilot.press("j")
        await until(pilot, lambda: "/usr/local/bin/on-alert" in shown(house.app).splitlines()[-6])
        assert house.admin.calls == ["test_channel ntfy"]
        house.admin.gate.set()
        await until(pilot, lambda: said in toasts(house.app))
        await until(pilot, lambda: "testing…" not in shown(house.app))


async def test_a_channel_is_removed_after_a_yes() -> None:
    house = a_house(BAD)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: "1,234" in shown(house.app))
        await pilot.press("d")
        await until(pilot, lambda: "Send no more alerts to mail [/]?" in shown(house.app))
        assert "1,234 that wait to be sent are lost" in shown(house.app)
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(house.app.screen, Confirm))
        assert house.admin.calls == []
        await pilot.press("d", "y")
        await until(pilot, lambda: "Press n" in shown(house.app))
        assert house.admin.calls == ["remove_channel mail [/]"]


@pytest.mark.parametrize("keys", [("s",), ("d", "y")])
async def test_what_the_receiver_refuses_is_said(keys: tuple[str, ...]) -> None:
    house = a_house(GOOD)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: "5m ago" in shown(house.app))
        house.admin.error = ReceiverUnreachableError("no receiver runs on this database")
        await pilot.press(*keys)
        await until(pilot, lambda: any("no receiver runs" in toast for toast in toasts(house.app)))
        assert "ntfy" in shown(house.app)


@pytest.mark.parametrize("key", ["n", "s", "d"])
async def test_a_read_only_console_shows_channels_and_changes_none(key: str) -> None:
    house = a_house(GOOD, read_only=True)
    async with house.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: "5m ago" in shown(house.app))
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(house.app.screen, AlertsScreen)
        assert "n New" not in shown(house.app)
        assert house.admin.calls == []


async def test_channels_that_cannot_be_read_are_said_and_shown_once_they_can() -> None:
    house = a_house(GOOD)
    house.store.error = StoreUnavailableError("the database cannot be read: disk I/O error")
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await until(pilot, lambda: "disk I/O error" in shown(house.app))
        assert "Press n" not in shown(house.app)
        house.store.error = None
        for _ in range(3):
            await house.app.refresh_fleet()
        await until(pilot, lambda: "5m ago" in shown(house.app) and "disk I/O error" not in shown(house.app))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
@pytest.mark.parametrize("keys", [("j",), ("n", *"json://host/x")], ids=["channels", "typing"])
def test_alerts_look_as_they_did(snap_compare: SnapCompare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    house = a_house(GOOD, BAD, NEW)
    assert snap_compare(house.app, terminal_size=size, run_before=steps(house, AlertsScreen(), "5m ago", *keys))


def test_no_alerts_look_as_they_did(snap_compare: SnapCompare) -> None:
    house = a_house()
    assert snap_compare(house.app, terminal_size=(80, 24), run_before=steps(house, AlertsScreen(), "Press n"))


def test_a_narrow_list_leaves_out_what_its_detail_tells_and_keeps_where_alerts_go() -> None:
    titles = {cells: "".join(piece.text for piece in heading(cells)).split() for cells in (78, 58, 48)}
    assert titles[78] == ["NAME", "LEVEL", "SENT", "WAITING", "TO"]
    assert titles[58] == ["NAME", "LEVEL", "SENT", "TO"]
    assert titles[48] == ["NAME", "SENT", "TO"]
    for cells in titles:
        line = "".join(piece.text for piece in segments(ChannelLine(GOOD, "5m ago"), cells))
        assert cell_len(line) == cells
        assert "ntfy://t****c" in line


async def test_of_two_pasted_lines_none_is_dropped() -> None:
    house = a_house()
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, AlertsScreen())
        await pilot.press("n")
        await until(pilot, lambda: house.app.screen.query_one(Field).has_focus)
        house.app.post_message(Paste("ntfy://one\r\n\r\n  ntfy://two\n"))
        await until(pilot, lambda: house.app.screen.query_one(Field).value == "ntfy://one ntfy://two")
