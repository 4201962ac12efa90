"""What happens and what is refused, as a person meets it: toast, bell, events, charts and the refused reports."""

from tests.e2e.harness import Station, make_report, post, wait_for
from tests.e2e.test_console_tmux import leave_the_filter
from tests.e2e.tmux import Pane, in_tmux

LOST_KEY = f"amk_{'x' * 40}"


def start_console(pane: Pane, *options: str) -> int:
    """Start receiver and console from the prompt and return the port that the header names."""
    pane.command(f"agentmon serve --tui --host 127.0.0.1 --port 0 {' '.join(options)}; echo exit=$?")
    return int(pane.expect(r"http://127\.0\.0\.1:(\d+) .* healthy")[1])


def test_a_server_that_falls_silent_interrupts_and_its_events_lead_to_its_charts(station: Station) -> None:
    keys = station.create("web-1", "web-2")
    with in_tmux(station, 80, 24) as pane:
        port = start_console(pane, "--bell")
        station.ok("monitor", "set", "web-1", "late_after=1", "down_after=2")
        for key in keys:
            assert post(port, make_report(key)) == (200, {"status": "ok"})
        pane.expect("2 up")
        assert pane.display("#{window_bell_flag}") == "0"
        pane.expect(r"web-1: down, silent for")
        wait_for("the bell", lambda: pane.display("#{window_bell_flag}") == "1")
        pane.keys("E")
        pane.expect(r"^ Events  of all servers")
        pane.expect(r"▌ .* ✗ web-1 +down, silent for")
        assert post(port, make_report(keys[0])) == (200, {"status": "ok"})
        pane.expect(r"▌ .* ● web-1 +up again, was down for")
        pane.keys("Tab", "/")
        pane.expect("Filter /")
        pane.type("down")
        pane.expect(r"\d of \d+ ")
        leave_the_filter(pane)
        pane.keys("Enter")
        pane.expect(r"c CPU")
        pane.keys("Escape")
        pane.expect("Filter / down")
        pane.keys("Escape")
        pane.expect_gone("Filter / down")
        pane.keys("Escape")
        pane.expect("STATUS")
        pane.keys("j", "Enter", "e")
        pane.expect(r"^ Events  of web-")
        pane.keys("q")
        pane.expect("exit=0")


def test_why_a_new_server_does_not_show_is_a_key_away(station: Station) -> None:
    station.create("web-1")
    with in_tmux(station, 80, 24) as pane:
        port = start_console(pane)
        pane.keys("!")
        pane.expect("No report was refused")
        assert post(port, make_report(LOST_KEY))[0] == 404
        pane.expect(r"▌ .* 1  127\.0\.0\.1 .* unknown agent key")
        pane.expect("No monitor has this key")
        assert post(port, make_report(LOST_KEY))[0] == 404
        pane.expect(r" 2  127\.0\.0\.1 ")
        assert LOST_KEY not in pane.screen()
        pane.keys("Escape")
        pane.expect("1 refused: !")
        pane.keys("K")
        pane.expect("Reports were refused in the last minutes: ! shows why")
        pane.type("!")
        pane.expect("Refused reports  1 kind")
        pane.keys("q")
        pane.expect("exit=0")
