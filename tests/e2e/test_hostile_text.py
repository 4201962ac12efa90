"""Names like `[/]` and reports full of escape sequences: drawn as text everywhere, and no byte of them steers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Served, Station
from tests.e2e.reports import FULL
from tests.e2e.terminal import Pty, console, opened

NAMES = ["[/]", "[@click=app.quit]x"]

STEERING = [
    "\x1b]0;HOSTILE\x07",
    "\x1b[31;HOSTILEm",
    "\x9b32m",
    "\x90HOSTILE\x9c",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ue000",
]
TOWER = "\u0301" * 60
PAYLOAD = "HOSTILE" + "HOSTILE".join(STEERING) + "a" + TOWER + "[bold red][/bold]"

NEVER = [b"\x1b]0;HOSTILE", b"\x1b[31;HOSTILE", b"HOSTILE\x07"] + [
    sign.encode() for sign in ("\x9b", "\x90", "\x9c", "\u202e", "\u2066", "\u2028", "\ue000", "\u0301" * 3)
]
"""Bytes that only the payload could bring to the terminal."""

HOSTILE_REPORT = FULL | {
    "os": PAYLOAD,
    "hostname": PAYLOAD,
    "kernel": PAYLOAD,
    "disk_usage": [
        {"mount": "/" + PAYLOAD * 3, "usage": 99, "size": "\x1b[31;HOSTILEm", "used": "\u202e5G", "avail": "[/]"}
    ],
}

CLICK_ON_SECOND = "\x1b[<0;24;5M\x1b[<0;24;5m"
"""What a terminal sends for a click on the name in the fleet's second line, below header and titles."""

FLEET = "TATUS"
"""The fleet's first title, whose first letter is underlined and so comes apart."""


class Person:
    """Types into a console and watches what that brings."""

    def __init__(self, terminal: Pty) -> None:
        """Sit down in front of it."""
        self._terminal = terminal

    def does(self, keys: str, *sees: str) -> None:
        """Type keys, then see something that matches each of the patterns, drawn after that."""
        since = len(self._terminal.written)
        self._terminal.type(keys)
        for pattern in sees:
            self._terminal.expect(pattern, since)


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[Served, Pty]]:
    """A console on two servers whose names and reports mean harm."""
    with tempfile.TemporaryDirectory(prefix="amt-") as folder:
        station = Station.at(Path(folder))
        keys = station.create(*NAMES)
        with opened(160, 50) as terminal, console(station, terminal) as served:
            for key in keys:
                served.accept({"agent_key": key, **HOSTILE_REPORT})
            yield served, terminal


def test_no_command_prints_hostile_text_as_it_came(hostile: tuple[Served, Pty]) -> None:
    station = hostile[0].station
    for command in (["status"], ["monitor", "list"], ["monitor", "show", "[/]"], ["history", "[/]"], ["events"]):
        printed = station.run(*command).stdout.encode()  # the full disk shows in the exit code of `status`
        assert b"HOSTILE" in printed
        assert [sequence for sequence in NEVER if sequence in printed] == []
    assert station.history("[/]")[0]["hostname"] == PAYLOAD  # what is drawn as text is kept as it was sent
    assert station.monitor("[@click=app.quit]x")["disk_usage"][0]["mount"] == "/" + PAYLOAD * 3


def test_a_click_on_a_name_selects_and_opens_and_runs_nothing(hostile: tuple[Served, Pty]) -> None:
    served, terminal = hostile
    name = r"\[@click=app\.quit\]x"
    terminal.expect(rf"{name}.*HOSTILE")
    person = Person(terminal)
    person.does(CLICK_ON_SECOND, rf"▌.*{name}")
    person.does(CLICK_ON_SECOND, rf"{name}.*", "last hour")
    person.does("\x1b", FLEET)
    assert served.process.poll() is None


def test_no_screen_lets_hostile_text_steer_the_terminal(hostile: tuple[Served, Pty]) -> None:
    served, terminal = hostile
    name = r"\[/\]"
    person = Person(terminal)
    for pattern in (r"\[@click=app\.quit\]x", rf"{name} .*HOSTILE"):
        terminal.expect(pattern)
    person.does("/", "Filter /")
    person.does("[/]", "1 of 2")
    person.does("\x1b", r"\[@click")
    person.does("g\r", name, "HOSTILE", "last hour")
    person.does("?", "Show or hide the agent key")
    person.does("?", name)
    person.does("K", name, "received")
    person.does("r", rf"Give {name} a new agent key")
    person.does("y", "This is the new key")
    person.does("\x1b", FLEET, name)
    person.does("p", rf"Pause {name} for how long")
    person.does("u", rf"{name} is paused")
    person.does("p", rf"{name} is judged again")
    person.does("s", rf"Limits of {name}", "HOSTILE")
    person.does("\x1b", FLEET)
    person.does("E", "Events", name, "key rotated", "disk .*HOSTILE")
    person.does("\x1b", FLEET)
    person.does("n", "New monitor")
    person.does("[/]", "already a monitor")
    person.does("[red]\r", r"\[/\]\[red\]", "waiting for the first report")
    person.does("\x1b", FLEET)
    person.does("gd", r"Delete .*and its history")
    person.does("\x1b", FLEET)
    person.does("\x10", "Find an action by its name|Open")
    person.does("[/]", name)
    assert served.process.poll() is None
    assert [sequence for sequence in NEVER if sequence in terminal.written] == []
