"""The receiver stops under a console that is attached to it, and comes back."""

from contextlib import ExitStack

from tests.e2e.harness import Served, Station, make_report, wait_for
from tests.e2e.tmux import Pane, in_tmux

GONE = r"✗ no receiver is running on this database: last report \d+[sm] ago"
SOON_S = 15.0
"""The most that "within a few seconds" is on a busy machine: the receiver is asked every five."""


def open_server(pane: Pane) -> None:
    """Attach a console and look at the one server."""
    pane.command("agentmon tui; echo exit=$?")
    pane.expect(r"up .*web-1 .*\b55%")
    pane.keys("Enter")
    pane.expect(r"CPU +55\.0%")


def expect_told(pane: Pane) -> None:
    """See a banner soon, and the last values, marked with their age."""
    wait_for("the banner", lambda: "no receiver is running" in pane.screen(), SOON_S)
    pane.expect(GONE)
    pane.expect(r"CPU +55\.0%")
    pane.expect(r"last report \d+[sm] ago from 127\.0\.0\.1")


def expect_changes_refused(pane: Pane) -> None:
    """See why nothing can be changed, and no question asked."""
    pane.keys("p")
    pane.expect("Not possible now: no receiver is")
    assert "for how long" not in pane.screen()


def expect_back(pane: Pane, served: Served, key: str) -> None:
    """See the banner go, new values come, and a change be made."""
    pane.expect_gone(GONE)
    served.accept(make_report(key, cpu_usage=66))
    pane.expect(r"CPU +66\.0%")
    pane.keys("p")
    pane.expect("for how long")
    pane.keys("u")
    pane.expect("‖ paused")


def test_a_receiver_that_ends_is_missed_and_found_again(station: Station) -> None:
    ends = {"term": Served.stop, "kill": Served.kill}
    stations = {name: Station.at(station.folder, station.folder / name / "agentmon.db") for name in ends}
    keys = {name: each.create("web-1")[0] for name, each in stations.items()}
    with ExitStack() as stack:
        panes = {name: stack.enter_context(in_tmux(each, 80, 24)) for name, each in stations.items()}
        for name, each in stations.items():
            served = stack.enter_context(each.serving())
            served.accept(make_report(keys[name], cpu_usage=55))
            open_server(panes[name])
            ends[name](served)
        for pane in panes.values():
            expect_told(pane)
            expect_changes_refused(pane)
        again = {name: stack.enter_context(each.serving()) for name, each in stations.items()}
        for name, pane in panes.items():
            expect_back(pane, again[name], keys[name])
            pane.keys("q")
            pane.expect("^exit=0$")
