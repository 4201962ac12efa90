"""Copying over SSH: what is asked of terminal, tmux and screen, and which way the console says it went."""

import ast
import base64
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.house import House, toasts, until
from tests.tui.standins import key_of, monitor
from tui import clipboard
from tui.clipboard import DIRECTLY, INTO_TMUX, NOT_TMUX, VIA_SCREEN, give_to_tmux, osc52, through_screen
from tui.screens.key import KeyScreen

pytestmark = pytest.mark.real_time

SECRET = key_of(1)

RECORDING = """#!{python}
import sys
from pathlib import Path
with (Path(__file__).parent / "told").open("a") as told:
    told.write(repr((sys.argv[1:], sys.stdin.read())) + "\\n")
sys.exit({code})
"""


@pytest.fixture
def fake_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a tmux into the way that writes down what it is given; returns that file."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMUX", "/tmp/tmux-1000/default,1,0")
    put_tmux(tmp_path, "0")
    return tmp_path / "told"


def put_tmux(folder: Path, code: str) -> None:
    """Let tmux end with the value of `code`, an expression in which `sys.argv` is known."""
    script = folder / "tmux"
    script.write_text(RECORDING.format(python=sys.executable, code=code))
    script.chmod(0o755)


def calls(told: Path) -> list[tuple[list[str], str]]:
    """Return arguments and input of each time that tmux was run."""
    return [ast.literal_eval(line) for line in told.read_text().splitlines()]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_terminal_is_asked_to_take_the_very_text(text: str) -> None:
    match = re.fullmatch("\x1b]52;c;([A-Za-z0-9+/=]*)\a", osc52(text))
    assert match
    assert base64.b64decode(match[1]).decode() == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=2000))
def test_screen_passes_on_the_very_sequence_in_pieces_that_it_takes(text: str) -> None:
    wrapped = through_screen(osc52(text))
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", wrapped, re.DOTALL)
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == wrapped
    assert "".join(pieces) == osc52(text)
    assert all(len(piece) <= 250 for piece in pieces)


async def test_tmux_is_given_the_text_on_its_input_and_not_in_its_arguments(fake_tmux: Path) -> None:
    assert await give_to_tmux(SECRET)
    assert calls(fake_tmux) == [(["load-buffer", "-w", "-"], SECRET)]


async def test_an_older_tmux_has_it_in_its_buffer_alone(fake_tmux: Path) -> None:
    put_tmux(fake_tmux.parent, "'-w' in sys.argv")
    assert await give_to_tmux(SECRET)
    assert calls(fake_tmux)[1:] == [(["load-buffer", "-"], SECRET)]


async def test_a_tmux_that_fails_is_no_error(fake_tmux: Path) -> None:
    put_tmux(fake_tmux.parent, "1")
    assert not await give_to_tmux(SECRET)
    (fake_tmux.parent / "tmux").unlink()
    assert not await give_to_tmux(SECRET)


async def test_a_tmux_that_hangs_is_given_up_and_ended(fake_tmux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clipboard.TMUX_LIMIT_S == 2.0
    monkeypatch.setattr(clipboard, "TMUX_LIMIT_S", 0.2)
    script = fake_tmux.parent / "tmux"
    script.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    assert not await give_to_tmux(SECRET)


async def copied(key: str = "c") -> tuple[House, list[str]]:
    """Copy on the key screen; returns what was written to the terminal besides pictures."""
    house = House(monitor())
    written: list[str] = []
    async with house.app.run_test(size=(80, 24)) as pilot:
        await house.show(pilot, KeyScreen("web-1"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(house.app._driver, "write", written.append)
            await pilot.press(key)
            await until(pilot, lambda: any("copied" in toast for toast in toasts(house.app)))
        said = [toast for toast in toasts(house.app) if "copied" in toast]
    return house, [*written, *said]


async def test_without_tmux_and_screen_the_terminal_is_asked() -> None:
    house, seen = await copied()
    assert seen == [osc52(SECRET), f"Agent key {DIRECTLY}"]
    assert house.app.clipboard == SECRET


async def test_in_screen_the_terminal_is_asked_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STY", "1.pts-0.host")
    house, seen = await copied("i")
    assert seen == [through_screen(osc52(house.app.clipboard)), f"Install line for Linux {VIA_SCREEN}"]
    assert SECRET in house.app.clipboard


@pytest.mark.usefixtures("fake_tmux")
async def test_in_tmux_both_are_asked() -> None:
    _, seen = await copied()
    assert seen == [osc52(SECRET), f"Agent key {INTO_TMUX}"]


async def test_in_a_tmux_that_fails_the_toast_says_what_it_takes(fake_tmux: Path) -> None:
    put_tmux(fake_tmux.parent, "1")
    _, seen = await copied()
    assert seen == [osc52(SECRET), f"Agent key {NOT_TMUX}"]
