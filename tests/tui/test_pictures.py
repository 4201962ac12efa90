"""How every screen looks, in every look and at every size: to be looked at when it changes.

The pictures are text (see `gallery.picture`); `pytest --snapshot-update` takes them anew.
"""

from difflib import unified_diff
from itertools import product
from pathlib import Path

import pytest
from textual.events import Resize
from textual.geometry import Size

from tests.tui.fleet_pilot import Fleet, running
from tests.tui.gallery import full_house, picture, settled, walk
from tui import look

FOLDER = Path(__file__).with_name("pictures")
SIZES = ((80, 24), (60, 15), (120, 40), (200, 60))
LOOKS = ("dark", "light", "ansi")

View = tuple[tuple[int, int], str]
"""A size of the terminal and the name of a look."""

ESSENTIAL: tuple[View, ...] = (((80, 24), "dark"), ((60, 15), "light"), ((200, 60), "ansi"))
"""Each look once, and what a size may break; a change of the look costs more than all else."""

THE_REST = tuple(view for view in product(SIZES, LOOKS) if view not in ESSENTIAL)


async def turn_to(fleet: Fleet, view: View) -> None:
    """Let the console be of a size and in a look."""
    size, name = view
    app = fleet.house.app
    while look.current.name != name:
        app.action_next_look()
    if app.size != size:
        await fleet.pilot.resize_terminal(*size)
        await settled(fleet)  # some screens lay out anew what they wrote for the new size
    await settled(fleet)


async def pictures_of(views: tuple[View, ...]) -> dict[View, dict[str, str]]:
    """Return pictures of all screens by how they are viewed."""
    found: dict[View, dict[str, str]] = {view: {} for view in views}
    async with running(full_house(), (80, 24)) as fleet:
        async for name in walk(fleet):
            for view in views:
                await turn_to(fleet, view)
                found[view][name] = picture(fleet.house.app)
    return found


def file_of(view: View) -> Path:
    (width, height), name = view
    return FOLDER / f"{width}x{height}-{name}.txt"


def as_stored(pictures: dict[str, str]) -> str:
    return "\n".join(f"======== {name}\n{each}\n" for name, each in pictures.items())


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    "views", [pytest.param(ESSENTIAL, id="essential"), pytest.param(THE_REST, id="rest", marks=pytest.mark.slow)]
)
async def test_every_screen_looks_as_it_did(views: tuple[View, ...], request: pytest.FixtureRequest) -> None:
    taken = {file_of(view): as_stored(found) for view, found in (await pictures_of(views)).items()}
    if request.config.getoption("update_snapshots"):
        FOLDER.mkdir(exist_ok=True)
        for path, text in taken.items():
            path.write_text(text, encoding="utf-8")
    for path, text in taken.items():
        stored = path.read_text(encoding="utf-8") if path.exists() else ""
        difference = list(unified_diff(stored.splitlines(), text.splitlines(), path.name, "now", lineterm="", n=2))
        assert stored == text, "\n".join(difference[:80])


async def test_no_screen_fails_in_a_tiny_terminal() -> None:
    async with running(full_house(), (80, 24)) as fleet:
        async for _ in walk(fleet):
            for size in ((20, 5), (80, 24)):
                await fleet.pilot.resize_terminal(*size)
                assert fleet.house.app.size == size
                assert fleet.text.strip()


async def test_a_storm_of_sizes_leaves_the_picture_of_the_last_one() -> None:
    async with running(full_house(), (80, 24)) as fleet:
        for keys in ((), ("j", "enter"), ("h",), ("escape", "escape", "E"), ("question_mark",)):
            await fleet.press(*keys)
            await settled(fleet)
            before = picture(fleet.house.app)
            for width in (20, 200, 61, 140, 33, 119):
                size = Size(width, max(5, width // 4))
                fleet.house.app.post_message(Resize(size, size))
            await fleet.pilot.resize_terminal(80, 24)
            await settled(fleet)
            assert picture(fleet.house.app) == before
