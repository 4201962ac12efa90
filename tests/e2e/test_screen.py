"""The console in GNU screen and in tmux: what arrives through them is what a plain terminal gets."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.e2e.harness import Served, Station, make_report, wait_for
from tests.e2e.inside import SCREEN, TMUX, Inside, Multiplexer, clipboard, inside
from tests.e2e.reports import FULL
from tests.e2e.tmux import Pane, in_tmux

COLUMNS, LINES = 80, 24
STORM_SIZES = [(60, 15), (120, 40), (100, 24), (79, 30), (COLUMNS, LINES)]
STORM, STORM_S = 50, 5.0

STATUS_WORD = re.compile(r"\x1b\[(?:\d+;)*38;5;(\d+)m(?:\x1b\[[\d;]*m)*[ ▌]?[●▲○‖] (up|degraded|pending|paused)\b")

AGE = re.compile(r" +\d+[sm]\b")


def report(key: str, usage: int) -> dict[str, Any]:
    """Return a report of a server that is always degraded, so that nothing is told of it."""
    return {"agent_key": key, **FULL, "cpu_usage": usage}


@contextmanager
def plain(station: Station, columns: int = COLUMNS, lines: int = LINES) -> Iterator[Pane]:
    """Start another console on a plain terminal."""
    with in_tmux(station, columns, lines) as pane:
        pane.command("agentmon tui")
        pane.expect("healthy")
        yield pane


def expect_the_same(shown: Pane, right: Pane) -> None:
    """Wait until two terminals show the same, cell by cell and colour by colour, but for ages."""
    try:
        wait_for("the same picture", lambda: AGE.sub(" ", shown.colours()) == AGE.sub(" ", right.colours()))
    except AssertionError as error:
        raise AssertionError(f"{error}; the screen shows:\n{shown.screen()}\nand not:\n{right.screen()}") from None


@pytest.mark.parametrize("which", [SCREEN, TMUX], ids=lambda which: which.name)
def test_colours_and_shapes_arrive_as_on_a_plain_terminal(station: Station, which: Multiplexer) -> None:
    keys = station.create("web-1", "web-2", "web-3", "Ελλάς 漢字")
    station.ok("monitor", "pause", "web-3")
    with station.serving() as served, inside(which, station, COLUMNS, LINES) as console, plain(station) as right:
        served.accept(make_report(keys[0]))
        served.accept({"agent_key": keys[1], **FULL})
        console.pane.expect("degraded .*web-2 ")
        console.pane.expect("up .*web-1 ")
        expect_the_same(console.pane, right)
        colours = {word: colour for colour, word in STATUS_WORD.findall(console.pane.colours())}
        assert set(colours) == {"up", "degraded", "pending", "paused"}
        assert len(set(colours.values())) == 4
        assert console.left() == "0"


def test_screen_hands_the_key_and_the_install_command_on_to_the_terminals_clipboard(station: Station) -> None:
    key = "k" * 128  # the longest: its command has to go through screen in pieces
    station.ok("monitor", "create", "web-1", "--key", key)
    with station.serving() as served, inside(SCREEN, station, COLUMNS, LINES) as console:
        console.pane.expect("web-1")
        console.pane.keys("K")
        console.pane.expect("Run this on web-1")
        console.pane.keys("c")
        wait_for("the key in the terminal's clipboard", lambda: clipboard(console.pane) == key)
        console.pane.keys("i")
        url = f"http://127.0.0.1:{served.port}"
        install = f"curl -fsSL {url}/agent.sh | AGENTMON_KEY={key} sh -s -- install --url {url}"
        wait_for("the command in the terminal's clipboard", lambda: clipboard(console.pane) == install)
        console.pane.expect("copied through screen")
        assert "]52;" not in console.pane.screen()


def storm(consoles: list[Inside], served: Served, keys: list[str]) -> None:
    """Resize the terminals of consoles over and over, at an even pace, while reports arrive."""
    began = time.monotonic()
    for number in range(STORM):
        due = began + number * STORM_S / STORM
        wait_for("its turn", lambda due=due: time.monotonic() >= due)  # type: ignore[misc]
        for console in consoles:
            console.pane.resize(*STORM_SIZES[number % len(STORM_SIZES)])
        served.accept(report(keys[number % len(keys)], 50 + number))


def test_resize_storms_and_coming_back_at_another_size_leave_the_picture_right(station: Station) -> None:
    keys = station.create(*(f"web-{number}" for number in range(40)))
    with ExitStack() as stack:
        served = stack.enter_context(station.serving())
        for key in keys:
            served.accept(report(key, 1))
        both = [stack.enter_context(inside(which, station, COLUMNS, LINES)) for which in (SCREEN, TMUX)]
        storm(both, served, keys)
        with plain(station) as right:
            for console in both:
                expect_the_same(console.pane, right)
        with plain(station, 120, 40) as right:
            for console in both:
                console.detach()
                console.pane.resize(120, 40)
                console.attach()
                expect_the_same(console.pane, right)
        for console in both:
            console.detach()
            console.pane.resize(COLUMNS, LINES)
            console.attach()
        with plain(station) as right:
            served.accept(report(keys[0], 49))
            for console in both:
                console.pane.expect(r"web-0 .*\b49%")
                expect_the_same(console.pane, right)
                assert console.left() == "0"
