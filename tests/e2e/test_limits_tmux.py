"""Limits, pauses and alerts as a person sets them: typed in a real tmux, in force with the next report."""

from tests.e2e.harness import Station, make_report, post
from tests.e2e.test_events_tmux import start_console
from tests.e2e.tmux import in_tmux


def test_a_limit_is_set_where_it_is_seen_and_its_breach_is_said(station: Station) -> None:
    (key,) = station.create("web-1")
    with in_tmux(station, 80, 24) as pane:
        port = start_console(pane)
        assert post(port, make_report(key, cpu_usage=50)) == (200, {"status": "ok"})
        pane.expect("● up")
        pane.type("s")
        pane.expect(r"^ CPU +80% +90% +5m +50%  built in")
        pane.keys("j", "j", "Enter")
        pane.expect("CPU ▸ 80 90 5m")
        pane.keys("C-u")
        pane.type("95")
        pane.expect("critical from 90, before the warning from 95")
        pane.keys("BSpace", "BSpace")
        pane.type("20 40 0")
        pane.expect("warning from 20%, critical from 40%, at once")
        pane.keys("Enter")
        pane.expect(r"CPU +20%\* +40%\* +at once\* +50%  own")
        pane.keys("Escape")
        assert post(port, make_report(key, cpu_usage=50)) == (200, {"status": "ok"})
        pane.expect("▲ degraded")
        pane.keys("Enter")
        pane.expect("▲ CPU 50%, critical from 40%, for")
        pane.type("s")
        pane.expect("3 of its own")
        pane.keys("j", "j", "x")
        pane.expect(r"CPU +80% +90% +5m +50%  built in")
        pane.keys("q")
        pane.expect("exit=0")


def test_a_pause_has_the_end_that_was_typed_and_can_be_taken_back(station: Station) -> None:
    (key,) = station.create("web-1")
    with in_tmux(station, 80, 24) as pane:
        port = start_console(pane)
        assert post(port, make_report(key)) == (200, {"status": "ok"})
        pane.expect("● up")
        pane.type("pt90m")
        pane.expect(r"until \w+ \d+-\d\d-\d\d \d\d:\d\d: enter pauses")
        pane.keys("Enter")
        pane.expect(r"‖ paused .* web-1")
        pane.keys("Enter")
        pane.expect(r"‖ paused since .*, until \d+-\d\d-\d\d")
        pane.type("p")
        pane.expect(r"● up since")
        pane.keys("q")
        pane.expect("exit=0")


def test_a_channel_is_added_tested_and_removed(station: Station) -> None:
    got = station.folder / "got"
    with in_tmux(station, 80, 24) as pane:
        start_console(pane)
        pane.type("a")
        pane.expect("Press n and type where they should go")
        pane.type(f"ncritical !cat > {got}")
        pane.expect("Send alerts to ▸ critical !cat")
        pane.keys("Enter")
        pane.expect(r"▌○ cat +critical +never")
        pane.type("s")
        pane.expect("cat: the test message was accepted")
        assert '"level"' in got.read_text(encoding="utf-8")
        pane.expect(r"▌● cat +critical +\ds ago")
        pane.type("dy")
        pane.expect("Press n and type where they should go")
        pane.keys("q")
        pane.expect("exit=0")
