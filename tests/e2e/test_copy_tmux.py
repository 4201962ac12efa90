"""Copying in tmux: its buffer holds the key, and so does the clipboard of the terminal around it."""

from server.install_lines import install_lines
from tests.e2e.harness import Station, wait_for
from tests.e2e.inside import TMUX, clipboard, inside


def test_the_copied_key_is_in_tmuxs_buffer_and_in_the_terminals_clipboard(station: Station) -> None:
    station.create("web-1")
    with station.serving() as served, inside(TMUX, station, 80, 24) as console:
        console.pane.expect("web-1")
        console.pane.keys("K")
        console.pane.expect("Run this on web-1")
        console.pane.keys("v")
        key = console.pane.expect(r"^(amk_[0-9A-Za-z]{40})$")[1]
        console.pane.keys("c")
        wait_for("the key in tmux's buffer", lambda: console.tell("show-buffer") == key)
        wait_for("the key in the terminal's clipboard", lambda: clipboard(console.pane) == key)
        console.pane.expect("copied into tmux's buffer")
        console.pane.keys("i")
        url = f"http://127.0.0.1:{served.port}"
        install = install_lines(url, key)[0].command
        wait_for("the install command in tmux's buffer", lambda: console.tell("show-buffer") == install)
        wait_for("the install command in the terminal's clipboard", lambda: clipboard(console.pane) == install)
