"""Which events reports, verdicts and changes leave in the database."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from store import changes, runs
from store.event_log import expire_events, read_events
from store.events import Event, EventKind
from store.ledger import Ledger, read_contents
from store.models import MountUsage, Status
from store.policy import Setting
from store.reader import Reader
from store.tags import Edit
from store.wording import sentence
from store.writer import Writer
from tests.conftest import START_MS, Clock, Create, make_report, ruled

Told = list[tuple[EventKind, dict[str, Any]]]
FULL = (MountUsage("/var", 91.0),)


async def events(database: Path) -> list[Event]:
    """Return all events, oldest first."""
    reader = await Reader.open(database)
    try:
        return list(reversed(await reader.events()))
    finally:
        await reader.close()


async def told(database: Path) -> Told:
    """Return what was told after the monitors were created."""
    return [(e.kind, dict(e.detail)) for e in await events(database) if e.kind is not EventKind.CREATED]


async def test_the_first_report_is_up_and_the_next_ones_are_nothing(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    clock.advance(30)
    for _ in range(3):
        await writer.store(key, make_report(), "::1")
        clock.advance(60)
    found = await events(database)
    assert [(e.kind, e.monitor, e.monitor_id, e.at) for e in found] == [
        (EventKind.CREATED, "web-1", 1, START_MS),
        (EventKind.UP, "web-1", 1, START_MS + 30_000),
    ]
    assert found[1].detail == {"was": "pending", "for_s": 30.0}
    assert sentence(found[1]) == "first report: up"


async def test_a_report_ends_down_and_says_how_long_it_was(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "::1")
    await writer.rejudge(ruled(Status.DOWN, clock.ms))
    clock.advance(720)
    await writer.store(key, make_report(), "::1")
    last = (await events(database))[-1]
    assert (last.kind, last.detail, sentence(last)) == (
        EventKind.UP,
        {"was": "down", "for_s": 720.0},
        "up again, was down for 12m",
    )


async def test_a_full_mount_degrades_with_the_very_report_and_recovers_with_another(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(disk_usage=FULL), "::1")
    monitor = writer.lives[1].monitor
    assert (monitor.status, [b.mount for b in monitor.breaches]) == (Status.DEGRADED, ["/var"])
    clock.advance(60)
    await writer.store(key, make_report(disk_usage=(MountUsage("/var", 50.0),)), "::1")
    assert writer.lives[1].monitor.status is Status.UP
    said = [sentence(event) for event in await events(database)][1:]
    assert said == [
        "first report: up",
        "disk /var 91%, critical from 90%",
        "disk /var back at 50%, was beyond 90% for 1m",
    ]


async def test_a_server_that_returns_too_full_is_up_and_degraded_at_once(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "::1")
    await writer.rejudge(ruled(Status.DOWN, clock.ms))
    await writer.store(key, make_report(disk_usage=FULL), "::1")
    assert [kind for kind, _ in (await told(database))[1:]] == [EventKind.UP, EventKind.DEGRADED]
    assert writer.lives[1].monitor.status is Status.DEGRADED


async def test_what_is_broken_is_known_after_a_restart(writer: Writer, create: Create) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(cpu_usage=85, disk_usage=FULL), "::1")
    stored = (await writer.transact(lambda connection, _: read_contents(connection))).lives[1]
    assert stored.monitor.breaches == writer.lives[1].monitor.breaches != ()
    assert stored.tracks == writer.lives[1].tracks
    assert len(stored.tracks) == 3  # the mount is critical, and CPU is on its way


@pytest.mark.parametrize(
    ("counters", "count"),
    [((10, 10), 1), ((10, None), 1), ((2_000, 10), 0), ((1_000, 1_000), 0), ((None, None), 0)],
)
async def test_counters_that_went_back_are_a_reboot(
    writer: Writer, database: Path, create: Create, clock: Clock, counters: tuple[int | None, int | None], count: int
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(network_rx_bytes=1_000, network_tx_bytes=1_000), "::1")
    clock.advance(90)
    await writer.store(key, make_report(network_rx_bytes=counters[0], network_tx_bytes=counters[1]), "::1")
    reboots = [detail for kind, detail in await told(database) if kind is EventKind.REBOOTED]
    assert reboots == [{"silence_s": 90.0}] * count


async def test_two_machines_with_one_key_are_told_of_once_and_are_no_reboots(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    for number in range(12):
        counter = (5_000 if number % 2 else 100) + number
        report = make_report(hostname=f"clone-{number % 2}", network_rx_bytes=counter, network_tx_bytes=counter)
        await writer.store(key, report, "::1")
        clock.advance(30)
    found = [event for event in await events(database) if event.kind not in (EventKind.CREATED, EventKind.UP)]
    assert [sentence(event) for event in found] == ["two machines use its key: clone-0 and clone-1"]
    assert writer.lives[1].monitor.shared_at is not None


async def test_rotation_tells_who_still_uses_the_old_key_and_when_that_is_over(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (old,) = await create("web-1")
    await writer.store(old, make_report(), "::1")
    await writer.change(partial(changes.rotate_key, name="web-1", now=clock.ms, make_key=lambda: "amk_new"))
    assert (writer.lives[1].monitor.rotated_at, writer.lives[1].monitor.old_key_used) == (clock.ms, False)
    for key in (old, old, "amk_new", "amk_new"):
        clock.advance(60)
        await writer.store(key, make_report(), "192.0.2.7")
        if key == old:
            assert writer.lives[1].monitor.old_key_used
    assert (writer.lives[1].monitor.rotated_at, writer.lives[1].monitor.old_key_used) == (None, False)
    assert (await told(database))[1:] == [
        (EventKind.KEY_ROTATED, {}),
        (EventKind.OLD_KEY_USED, {"address": "192.0.2.7"}),
        (EventKind.NEW_KEY_USED, {"for_s": 180.0}),
    ]
    reader = await Reader.open(database)
    monitor = await reader.monitor("web-1")
    await reader.close()
    assert monitor is not None
    assert (monitor.rotated_at, monitor.old_key_used) == (None, False)


async def test_whoever_is_paused_is_not_spoken_of_until_the_pause_ends(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "::1")
    await writer.change(partial(changes.pause_monitor, name="web-1", now=clock.ms, until=clock.ms + 60_000))
    clock.advance(60)
    await writer.store(key, make_report(disk_usage=FULL, network_rx_bytes=1, network_tx_bytes=1), "::1")
    assert writer.lives[1].monitor.status is Status.PAUSED
    resume = partial(changes.resume_monitor, name="web-1", now=clock.ms, verdict=lambda _: Status.DEGRADED)
    await writer.change(resume)
    assert [(kind, detail.get("for_s")) for kind, detail in (await told(database))[1:]] == [
        (EventKind.PAUSED, 60.0),
        (EventKind.RESUMED, 60.0),
        (EventKind.DEGRADED, 0.0),
    ]


async def test_changes_are_told_with_the_name_of_then(
    writer: Writer, database: Path, create: Create, clock: Clock
) -> None:
    await create("web-1")
    steps: list[Callable[..., Any]] = [
        partial(changes.set_monitor, name="web-1", settings={"cpu.warn": 70.0, "down_after": None}, now=clock.ms),
        partial(changes.edit_monitor, name="web-1", edit=Edit(new_name="web-2"), now=clock.ms),
        partial(changes.edit_monitor, name="web-2", edit=Edit(new_name="web-2"), now=clock.ms),
        partial(changes.set_defaults, settings={"cpu.warn": 75.0}, now=clock.ms),
        partial(changes.set_defaults, settings={"cpu.warn": 75.0}, now=clock.ms),
        partial(changes.delete_monitor, name="web-2", now=clock.ms),
    ]
    for step in steps:
        await writer.change(step)
    assert [(e.monitor, sentence(e)) for e in await events(database)] == [
        ("web-1", "created"),
        ("web-1", "set cpu.warn=70"),
        ("web-2", "renamed, was web-1"),
        (None, "set cpu.warn=75"),
        ("web-2", "deleted"),
    ]


async def test_defaults_reach_every_monitor_that_has_nothing_of_its_own(writer: Writer, create: Create) -> None:
    await create("web-1", "web-2")
    await writer.change(partial(changes.set_monitor, name="web-2", settings={"cpu.warn": 60.0}, now=START_MS))
    before = writer.lives[1].monitor.seq
    await writer.change(partial(changes.set_defaults, settings={"cpu.warn": 70.0}, now=START_MS))
    assert [writer.lives[i].monitor.policy.limits("cpu").warn for i in (1, 2)] == [70, 60]
    assert writer.lives[1].monitor.seq > before


@pytest.mark.parametrize(
    "settings",
    [
        {"disk./var.crit": "off", "disk./var.warn": "off"},
        {"disk./var.ignore": 1.0},
        {"disk.warn": 91.5, "disk.crit": 92.0},
    ],
)
@pytest.mark.parametrize("for_all", [False, True])
async def test_a_limit_that_goes_away_ends_what_was_told_of_it(
    writer: Writer, database: Path, create: Create, settings: dict[str, Setting], for_all: bool
) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(disk_usage=FULL), "::1")
    assert writer.lives[1].monitor.status is Status.DEGRADED
    change: Callable[..., Any] = changes.set_defaults if for_all else partial(changes.set_monitor, name="web-1")
    await writer.change(partial(change, settings=settings, now=START_MS))
    assert (writer.lives[1].monitor.status, writer.lives[1].monitor.breaches) == (Status.UP, ())
    assert sentence((await events(database))[-1]) == "disk /var 91% is no longer too high, was beyond 90%"


async def test_a_limit_moved_below_a_reading_is_told_at_once(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    await writer.store(key, make_report(), "::1")
    await writer.change(partial(changes.set_defaults, settings={"disk.warn": 60.0}, now=START_MS))
    assert writer.lives[1].monitor.status is Status.DEGRADED
    assert [(e.kind, e.monitor) for e in (await events(database))[-2:]] == [
        (EventKind.SET, None),
        (EventKind.DEGRADED, "web-1"),
    ]


async def test_the_receivers_runs_are_told_also_one_that_was_killed(
    writer: Writer, database: Path, clock: Clock
) -> None:
    first = await writer.transact(partial(runs.begin_run, now=clock.ms))
    clock.advance(600)
    await writer.transact(partial(runs.end_run, run_id=first, now=clock.ms))
    clock.advance(60)
    await writer.transact(partial(runs.begin_run, now=clock.ms))
    clock.advance(30)
    await writer.transact(partial(runs.begin_run, now=clock.ms))
    assert [sentence(event) for event in await events(database)] == [
        "receiver started for the first time",
        "receiver stopped, it ran for 10m",
        "receiver started, it was off for 1m",
        "receiver started, it had ended without notice for 30s",
    ]


async def test_events_that_are_old_or_too_many_are_forgotten(writer: Writer, database: Path, create: Create) -> None:
    await create(*(f"web-{number}" for number in range(30)))
    assert not await writer.transact(partial(expire_events, before=START_MS, keep=10))
    kept = await events(database)
    assert [event.monitor for event in kept] == [f"web-{number}" for number in range(20, 30)]
    await writer.transact(partial(expire_events, before=START_MS + 1))
    assert await events(database) == []


async def test_events_are_read_newest_first_in_pages(writer: Writer, create: Create) -> None:
    await create("a", "b", "c")

    async def read(connection: Any, _: Ledger, **wanted: Any) -> list[str | None]:
        return [event.monitor for event in await read_events(connection, **wanted)]

    assert await writer.transact(partial(read, limit=2)) == ["c", "b"]
    assert await writer.transact(partial(read, before=2)) == ["a"]
    assert await writer.transact(partial(read, after=2)) == ["c"]
    assert await writer.transact(partial(read, monitor_id=2)) == ["b"]
    assert await writer.transact(partial(read, since=START_MS + 1)) == []


async def test_every_kind_of_event_has_a_sentence() -> None:
    detail = {
        "was": "down", "for_s": 5.0, "silence_s": 5.0, "metric": "load", "mount": None, "level": "warning",
        "value": None, "limit": 4.0, "monitors": 3, "hostnames": [None, None], "addresses": ["::1", "::2"],
        "address": None, "before": "a\x1b", "by_itself": True, "by_s": 1.0, "says": None,
        "settings": {f"disk./{n}.warn": "off" for n in range(9)},
        "off_s": 3.0, "killed": True, "tags": ["a\x1b"], "note": True,
    }  # fmt: skip
    for kind in EventKind:
        value = 5.0 if kind is EventKind.DEGRADED else None
        words = sentence(Event(kind, 0, detail=detail | {"value": value}))
        assert words
        assert "\x1b" not in words
