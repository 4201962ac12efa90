"""The app around the screens: keys that work anywhere, the feed, the way out."""

import asyncio
from pathlib import Path

import pytest

from store.errors import DatabaseReplacedError, StoreUnavailableError
from store.models import FleetChange
from tests.tui.conftest import MakeHouse
from tests.tui.fleets import a_monitor, small_fleet
from tests.tui.house import House
from tests.tui.standins import NOW, MemoryAdmin, MemoryStore
from tui.app import ConsoleApp
from tui.feed import FleetChanged, FleetFeed, FleetReader


async def test_q_quits_without_asking_and_lets_the_database_go(house: MakeHouse) -> None:
    made = house()
    async with made.app.run_test() as pilot:
        await made.app.refresh_fleet()
        await pilot.press("q")
    assert made.app.return_code == 0
    assert made.store.closed


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_other_keys_of_habit_do_not_quit(house: MakeHouse, key: str) -> None:
    made = house()
    async with made.app.run_test() as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert made.app._exit is False


async def test_ctrl_c_says_how_to_quit(house: MakeHouse) -> None:
    made = house()
    async with made.app.run_test() as pilot:
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert [toast.message for toast in made.app._notifications] == ["q quits"]


async def test_ctrl_z_would_stop_a_receiver_in_the_same_process_and_says_so() -> None:
    app = House(*small_fleet(), serves=True).app
    async with app.run_test() as pilot:
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert [toast.message.partition(":")[0] for toast in app._notifications] == ["Not suspended"]


async def test_the_clock_is_the_one_handed_in(house: MakeHouse) -> None:
    made = house()
    assert made.app.now() == NOW
    made.seconds += 1.5
    assert made.app.now() == NOW + 1500


async def test_a_toast_shows_markup_and_escapes_as_text(house: MakeHouse) -> None:
    made = house()
    async with made.app.run_test() as pilot:
        made.app.say("[/] \x1b[2J", error=True)
        await pilot.pause()
        assert [toast.message for toast in made.app._notifications] == ["[/] \ufffd[2J"]


async def test_the_reader_is_refused_until_the_database_is_open(tmp_path: Path) -> None:
    app = ConsoleApp(tmp_path / "none.db", MemoryAdmin(MemoryStore()))
    async with app.run_test() as pilot:
        await app.refresh_fleet()
        await pilot.pause()
        with pytest.raises(StoreUnavailableError):
            _ = app.reader
        assert app.feed.problem
        assert not app.feed.loaded


async def test_the_store_is_read_by_itself_every_second(house: MakeHouse) -> None:
    made = house()
    seen = asyncio.Event()
    async with made.app.run_test(), asyncio.timeout(10):
        made.app.fleet_changed.subscribe(
            made.app.screen, lambda change: seen.set() if 99 in change.changed_ids else None
        )
        made.store.put(a_monitor(99, "late-comer"))
        await seen.wait()
        assert made.app.feed.monitors[99].name == "late-comer"


def a_feed(store: MemoryStore) -> FleetFeed:
    async def opened() -> FleetReader:
        return store

    return FleetFeed(opened, MemoryAdmin(store))


async def test_the_feed_tells_what_is_new_changed_and_gone() -> None:
    store = MemoryStore(*small_fleet())
    feed = a_feed(store)
    assert await feed.refresh() == FleetChanged(frozenset(range(1, 11)), frozenset())
    assert await feed.refresh() == FleetChanged()
    before = feed.monitors[2]
    store.put(a_monitor(1, "renamed"))
    store.drop(5)
    assert await feed.refresh() == FleetChanged(frozenset({1}), frozenset({5}))
    assert feed.monitors[1].name == "renamed"
    assert 5 not in feed.monitors
    assert feed.monitors[2] is before, "what did not change stays the same object"


async def test_the_feed_keeps_its_picture_through_a_failure_and_misses_nothing() -> None:
    store = MemoryStore(*small_fleet())
    feed = a_feed(store)
    await feed.refresh()
    store.fleet_error = StoreUnavailableError("locked")
    store.put(a_monitor(1, "renamed"))
    assert await feed.refresh() == FleetChanged()
    assert feed.problem == "locked"
    assert len(feed.monitors) == 10
    store.fleet_error = None
    assert await feed.refresh() == FleetChanged(frozenset({1}))
    assert feed.problem is None


async def test_a_database_put_in_the_place_of_the_one_that_is_read_is_read_from_its_beginning() -> None:
    stores = [MemoryStore(*small_fleet()), MemoryStore(a_monitor(3, "other"))]

    async def opened() -> FleetReader:
        return stores.pop(0)

    feed = FleetFeed(opened, MemoryAdmin(stores[0]))
    await feed.refresh()
    first = feed.reader
    assert isinstance(first, MemoryStore)
    first.fleet_error = DatabaseReplacedError("another one")
    await feed.refresh()
    assert (feed.problem, len(feed.monitors)) == ("another one", 10)
    await feed.refresh()
    assert feed.problem is None
    assert [monitor.name for monitor in feed.monitors.values()] == ["other"]


async def test_a_monitor_deleted_while_it_was_read_is_not_kept() -> None:
    store = MemoryStore()
    feed = a_feed(store)

    async def torn(since: int = 0) -> FleetChange:
        return FleetChange(7, (a_monitor(1, "ghost"),), frozenset())

    store.changes = torn  # type: ignore[method-assign]
    await feed.refresh()
    assert feed.monitors == {}


async def test_the_feed_opens_the_database_again_until_it_can() -> None:
    store = MemoryStore(*small_fleet())
    tries: list[int] = []

    async def opened() -> FleetReader:
        tries.append(1)
        if len(tries) < 3:
            raise StoreUnavailableError("not there yet")
        return store

    feed = FleetFeed(opened, MemoryAdmin(store))
    for _ in range(4):
        await feed.refresh()
    assert len(tries) == 3
    assert len(feed.monitors) == 10
