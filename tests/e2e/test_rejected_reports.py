"""What a running receiver refuses is in the database for people: at once, after its end, and counted on."""

import asyncio
from pathlib import Path

from store.reader import Reader
from store.rejections import DELETED, Refusal, Rejection, advice, fingerprint
from tests.e2e.harness import Served, Station, make_report, wait_for


def rejections(database: Path) -> list[Rejection]:
    """Return what the database holds, the latest first."""

    async def read() -> list[Rejection]:
        reader = await Reader.open(database)
        try:
            return await reader.rejections()
        finally:
            await reader.close()

    return asyncio.run(read())


def refuse(served: Served, key: str) -> None:
    """Send a report with a key that belongs to no monitor."""
    assert served.post(make_report(key))[0] == 404


def test_an_agent_whose_monitor_was_deleted_is_told_by_name_and_counted_over_a_restart(station: Station) -> None:
    (key,) = station.create("web-1")
    with station.serving() as served:
        served.accept(make_report(key))
        station.ok("monitor", "delete", "web-1", "--yes")
        refuse(served, key)
        (line,) = wait_for("the refusal in the database", lambda: rejections(station.database))
        assert (line.address, line.fingerprint, line.reason) == ("127.0.0.1", fingerprint(key), Refusal.UNKNOWN_KEY)
        assert (line.monitor, line.ended) == ("web-1", DELETED)
        assert "web-1, deleted" in advice(line)
        refuse(served, key)
    with station.serving() as served:
        refuse(served, key)
    (line,) = rejections(station.database)
    assert line.count == 3
