"""Make the README's pictures: the console's screens with the fleet of `agentmon demo`, as SVG.

    python docs/pictures.py [FOLDER]

The same pictures each time: the fleet has a fixed seed, and the clock stands at a Tuesday afternoon.
"""

import argparse
import asyncio
import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from textual.pilot import Pilot

from agentmon.demo import DEMO_URL
from agentmon.demo_intake import PAST, DemoClock, DemoFleet
from server.fleet_judge import FleetJudge
from server.rejected import RejectionLog
from server.upkeep import Upkeep, UpkeepOptions
from store.models import ReceiverInfo
from store.runs import begin_run
from store.schema import prepare_database
from store.writer import Writer
from tui.app import ConsoleApp
from tui.ports import Admin
from tui.settings import ConsoleSettings

SEED = 7
NOW_MS = 1_772_547_615_000
"""Tuesday, 2026-03-03, 14:20:15 UTC."""

FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Loads a font from elsewhere; who looks at a picture asks nobody else for anything."""

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A screen to show: which keys lead there from the fleet, on a terminal of how many columns and lines."""

    name: str
    title: str
    keys: Sequence[str]
    size: tuple[int, int]


PICTURES = (
    Picture("fleet", "agentmon: the fleet", (), (120, 19)),
    Picture("history", "agentmon: a day of a server", ("g", *"jjjjjjj", "h", "3"), (110, 32)),
)


class PictureAdmin:
    """The receiver of the pictures: it is well, and nothing else is asked of it."""

    async def receiver(self) -> ReceiverInfo:
        """Return the receiver."""
        return ReceiverInfo(NOW_MS, DEMO_URL)


async def fill(database: Path) -> None:
    """Let the demo's fleet live until now, and its history be rolled up."""
    prepare_database(database)
    clock = DemoClock(NOW_MS, NOW_MS - round(PAST[0][0] * 1000))
    writer = await Writer.open(database, clock.wall, clock.now)
    try:
        await writer.transact(lambda connection, ledger: begin_run(connection, ledger, now=clock.wall()))
        judge = await FleetJudge.open(writer, clock.wall, clock.now)
        rejected = RejectionLog(clock.wall)
        await DemoFleet(SEED, clock, writer, judge, rejected).live_through()
        await Upkeep(writer, UpkeepOptions(), clock.wall).go_round()
    finally:
        await writer.close()


async def take(database: Path, picture: Picture) -> str:
    """Return a picture as SVG."""
    settings = ConsoleSettings(theme="dark")
    app = ConsoleApp(database, cast(Admin, PictureAdmin()), settings=settings, clock=lambda: NOW_MS / 1000 + 2)
    async with app.run_test(size=picture.size) as pilot:
        await settle(pilot, app)
        for key in picture.keys:
            await pilot.press(key)
            await settle(pilot, app)
        return FONT_FACE.sub("", app.export_screenshot(title=picture.title))


async def settle(pilot: Pilot[None], app: ConsoleApp) -> None:
    """Wait until the console has read and drawn what it was asked for."""
    async with asyncio.timeout(PATIENCE_S):
        while not (app.feed.loaded and app.feed.receiver) or any(not each.is_finished for each in app.workers):
            await pilot.pause(0.01)
        await pilot.pause()
        await pilot.pause()


async def make() -> dict[str, str]:
    """Return all pictures as SVG, by name."""
    with tempfile.TemporaryDirectory(prefix="agentmon-pictures-") as home:
        database = Path(home) / "fleet.db"
        await fill(database)
        return {picture.name: await take(database, picture) for picture in PICTURES}


def main() -> None:
    """Make the pictures, in UTC wherever one is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).with_name("pictures"))
    folder = parser.parse_args().folder
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in asyncio.run(make()).items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
