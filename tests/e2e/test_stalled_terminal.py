"""A console whose terminal is read no more (dead SSH link, Ctrl-S) holds up neither reports nor the end."""

import re
import time

import pytest

from tests.e2e.harness import PATIENCE_S, Station, wait_for
from tests.e2e.load import reporting
from tests.e2e.terminal import console, fill, opened

ALTERNATE_SCREEN_OFF, CURSOR_ON = "\x1b[?1049l", "\x1b[?25h"
COLUMNS, LINES, SERVERS = 200, 60, 56


@pytest.mark.parametrize("stalled_s", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_reports_are_answered_while_nobody_reads_the_terminal(station: Station, stalled_s: int) -> None:
    keys = station.create(*(f"web-{number}" for number in range(SERVERS)))
    with opened(COLUMNS, LINES) as terminal:
        modes = terminal.modes()
        with console(station, terminal) as served:
            with reporting(served.port, keys, every_s=0.5) as latencies:
                terminal.expect(r"web-55.*\d%")
                fill(terminal)
                latencies.taken_s.clear()
                until = time.monotonic() + stalled_s
                wait_for("the end of the stall", lambda: time.monotonic() > until, stalled_s + 10)
                assert terminal.is_full()
            assert latencies.refused == []
            assert len(latencies.taken_s) > 10 * stalled_s
            assert latencies.p99() < 1
            served.stop()  # within 10 s, although the console waits for its terminal
        assert terminal.modes() == modes
        terminal.resume()
        terminal.expect(re.escape(ALTERNATE_SCREEN_OFF))
        terminal.expect(re.escape(CURSOR_ON))


@pytest.mark.slow
def test_a_console_that_is_read_again_goes_on(station: Station) -> None:
    (key,) = station.create("web-1")
    with opened(COLUMNS, LINES) as terminal, console(station, terminal) as served:
        fill(terminal)
        with reporting(served.port, [key], every_s=0.1, senders=1):
            terminal.resume()
            terminal.expect("web-1", since=len(terminal.written))
        terminal.type("q")
        assert served.process.wait(PATIENCE_S) == 0
