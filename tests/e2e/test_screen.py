"""The console in GNU screen and in tmux: what arrives through them is what a plain terminal gets."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from server.install_lines import install_lines
from tests.e2e.harness import Served, Station, make_report, wait_for
from tests.e2e.inside import SCREEN, TMUX, Inside, clipboard, inside
from tests.e2e.reports import FULL
from tests.e2e.tmux import Pane, in_tmux

COLUMNS, LINES = 80, 24
STORM_SIZES = [(60, 15), (120, 40), (100, 24), (79, 30), (90, 20)]
ELSEWHERE = (120, 40)
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


@contextmanager
def both_inside(station: Station) -> Iterator[list[Inside]]:
    """Start a console in screen and one in tmux."""
    with inside(SCREEN, station, COLUMNS, LINES) as first, inside(TMUX, station, COLUMNS, LINES) as second:
        yield [first, second]


def expect_the_same(shown: Pane, right: Pane) -> None:
    """Wait until two terminals show the same, cell by cell and colour by colour, but for ages."""
    try:
        wait_for("the same picture", lambda: AGE.sub(" ", shown.colours()) == AGE.sub(" ", right.colours()))
    except AssertionError as error:
        raise AssertionError(f"{error}; the screen shows:\n{shown.screen()}\nand not:\n{right.screen()}") from None


def test_colours_and_shapes_arrive_as_on_a_plain_terminal(station: Station) -> None:
    keys = station.create("web-1", "web-2", "web-3", "Ελλάς 漢字")
    station.ok("monitor", "pause", "web-3")
    with station.serving() as served, both_inside(station) as both, plain(station) as right:
        served.accept(make_report(keys[0]))
        served.accept({"agent_key": keys[1], **FULL})
        for console in both:
            console.pane.expect("degraded .*web-2 ")
            console.pane.expect("up .*web-1 ")
            expect_the_same(console.pane, right)
            colours = {word: colour for colour, word in STATUS_WORD.findall(console.pane.colours())}
            assert set(colours) == {"up", "degraded", "pending", "paused"}
            assert len(set(colours.values())) == 4
            assert console.left() == "0"


def test_screen_hands_the_key_and_the_install_command_on_to_the_terminals_clipboard(station: Station) -> None:
    key = "k" * 128  # the longest: its command goes through screen in several pieces
    station.ok("monitor", "create", "web-1", "--key", key)
    with station.serving() as served, inside(SCREEN, station, COLUMNS, LINES) as console:
        console.pane.expect("web-1")
        console.pane.keys("K")
        console.pane.expect("Run this on web-1")
        console.pane.keys("c")
        wait_for("the key in the terminal's clipboard", lambda: clipboard(console.pane) == key)
        console.pane.keys("i")
        url = f"http://127.0.0.1:{served.port}"
        install = install_lines(url, key)[0].command
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


def attach_at(size: tuple[int, int], console: Inside) -> None:
    """Leave a console's multiplexer and come back on a terminal of another size."""
    console.detach()
    console.pane.resize(*size)
    console.attach()


def test_resize_storms_and_coming_back_at_another_size_leave_the_picture_right(station: Station) -> None:
    keys = station.create(*(f"web-{number}" for number in range(40)))
    with station.serving() as served:
        for key in keys:
            served.accept(report(key, 1))
        with both_inside(station) as both:
            storm(both, served, keys)
            for size in (STORM_SIZES[-1], ELSEWHERE, (COLUMNS, LINES)):
                with plain(station, *size) as right:
                    for console in both:
                        if size != STORM_SIZES[-1]:
                            attach_at(size, console)
                        expect_the_same(console.pane, right)
            served.accept(report(keys[0], 49))
            for console in both:
                console.pane.expect(r"web-0 .*\b49%")
                assert console.left() == "0"
