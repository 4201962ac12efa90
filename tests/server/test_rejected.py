"""The rejection log: floods stay a line, what a person looks for stays, and the table follows."""

import asyncio
import random
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rejected import KEPT_MS, MAX_HOSTS, MAX_OF_A_KIND, RejectionLog, keep, open_log
from store.errors import StoreUnavailableError
from store.reader import Reader
from store.rejections import MANY, MAX_REJECTIONS, Refusal, Rejection
from store.writer import Writer
from tests.conftest import START_MS, Clock
from tests.server.conftest import until


def guess(log: RejectionLog, address: str, fingerprint: str, times: int = 1) -> None:
    """Refuse reports with an unknown key."""
    for _ in range(times):
        log.note(address, fingerprint, 404, Refusal.UNKNOWN_KEY)


def counts(log: RejectionLog) -> dict[str, int]:
    """Return the counts of all lines by fingerprint."""
    return {line.fingerprint: line.count for line in log.lines}


@pytest.fixture
def log(clock: Clock) -> RejectionLog:
    """An empty log."""
    return RejectionLog(clock.wall)


def test_the_same_again_is_one_line_with_its_times(log: RejectionLog, clock: Clock) -> None:
    guess(log, "192.0.2.7", "aa")
    clock.advance(60)
    guess(log, "192.0.2.7", "aa", times=2)
    assert log.lines == [
        Rejection("192.0.2.7", "aa", Refusal.UNKNOWN_KEY, "", 404, 3, first_at=START_MS, last_at=START_MS + 60_000)
    ]


def test_another_address_key_reason_or_field_is_another_line_latest_last(log: RejectionLog) -> None:
    log.note("192.0.2.7", "aa", 422, Refusal.INVALID_REPORT, "cpu_usage")
    log.note("192.0.2.8", "aa", 422, Refusal.INVALID_REPORT, "cpu_usage")
    log.note("192.0.2.7", "bb", 422, Refusal.INVALID_REPORT, "cpu_usage")
    log.note("192.0.2.7", "aa", 404, Refusal.UNKNOWN_KEY)
    log.note("192.0.2.7", "aa", 422, Refusal.INVALID_REPORT, "load_1m")
    log.note("192.0.2.7", "aa", 422, Refusal.INVALID_REPORT, "cpu_usage")
    assert [line.count for line in log.lines] == [1, 1, 1, 1, 2]


def test_random_keys_from_one_address_become_one_line(log: RejectionLog) -> None:
    guess(log, "192.0.2.1", "first")
    for number in range(1000):
        guess(log, "192.0.2.7", f"{number:08x}")
    assert counts(log) == {"first": 1, MANY: 1000}


def test_up_to_a_few_keys_of_one_address_have_lines_of_their_own(log: RejectionLog) -> None:
    for number in range(MAX_OF_A_KIND):
        guess(log, "192.0.2.7", f"{number:08x}")
    assert len(log.lines) == MAX_OF_A_KIND
    assert MANY not in counts(log)


def test_a_broken_agent_keeps_its_line_when_its_neighbours_keys_are_folded(log: RejectionLog) -> None:
    guess(log, "192.0.2.7", "agent", times=3)
    for number in range(20):
        guess(log, "192.0.2.7", f"{number:08x}")
    guess(log, "192.0.2.7", "agent")
    assert counts(log) == {MANY: 20, "agent": 4}


def test_agents_that_all_come_again_keep_their_lines_and_the_rest_share_one(log: RejectionLog) -> None:
    for number in range(MAX_OF_A_KIND):
        guess(log, "192.0.2.7", f"agent{number}", times=2)
    for number in range(5):
        guess(log, "192.0.2.7", f"{number:08x}", times=2)
    assert counts(log) == {f"agent{number}": 2 for number in range(MAX_OF_A_KIND)} | {MANY: 10}


def test_a_folded_line_begins_with_the_first_of_those_in_it(log: RejectionLog, clock: Clock) -> None:
    for number in range(MAX_OF_A_KIND + 1):
        guess(log, "192.0.2.7", f"{number:08x}")
        clock.advance(1)
    (line,) = log.lines
    assert (line.first_at, line.last_at, line.status) == (START_MS, START_MS + MAX_OF_A_KIND * 1000, 404)


def test_a_machine_that_walks_through_its_network_shares_a_line(log: RejectionLog) -> None:
    for number in range(1, 1000):
        guess(log, f"2001:db8::{number:x}", "aa")
    guess(log, "2001:db8::1", "aa")
    guess(log, "2001:db8:0:1::1", "aa")
    by_address = {line.address: line.count for line in log.lines}
    assert len(by_address) == MAX_HOSTS + 2
    assert by_address["2001:db8::/64"] == 999 - MAX_HOSTS
    assert by_address["2001:db8::1"] == 2
    assert by_address["2001:db8:0:1::1"] == 1


def test_beyond_the_lines_that_are_kept_the_least_recently_seen_goes(log: RejectionLog) -> None:
    addresses = [f"10.0.{number // 256}.{number % 256}" for number in range(MAX_REJECTIONS + 1)]
    for address in addresses[:-1]:
        guess(log, address, "aa")
    guess(log, addresses[0], "aa")
    guess(log, addresses[-1], "aa")
    kept = [line.address for line in log.lines]
    assert len(kept) == MAX_REJECTIONS
    assert addresses[1] not in kept
    assert kept[-2:] == [addresses[0], addresses[-1]]


def test_a_flood_of_random_keys_from_a_thousand_addresses_costs_little_time_and_memory(clock: Clock) -> None:
    log, dice = RejectionLog(clock.wall), random.Random(4)
    addresses = [f"10.0.{n // 256}.{n % 256}" if n % 2 else f"2001:db8:{n:x}::1" for n in range(1000)]
    flood = [(dice.choice(addresses), f"{dice.getrandbits(32):08x}") for _ in range(100_000)]
    started = time.process_time()
    for address, fingerprint in flood:
        guess(log, address, fingerprint)
    took_s = time.process_time() - started
    tracemalloc.start()
    for address, fingerprint in flood[:5000]:
        guess(log, address, fingerprint)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 5
    assert len(log.lines) == MAX_REJECTIONS
    assert grown < 500_000
    assert len(log.changed()[0]) <= MAX_REJECTIONS


NOTES = st.tuples(
    st.sampled_from(["192.0.2.7", "192.0.2.8", "unknown", *(f"2001:db8::{number}" for number in range(12))]),
    st.integers(0, 30).map(lambda number: f"{number:08x}" if number else ""),
    st.sampled_from([Refusal.UNKNOWN_KEY, Refusal.INVALID_REPORT]),
    st.sampled_from(["", "cpu_usage", "load_1m"]),
)


@given(st.lists(NOTES, max_size=300))
def test_every_refusal_is_counted_once_and_no_address_takes_more_than_its_lines(
    notes: list[tuple[str, str, Refusal, str]],
) -> None:
    clock = Clock()
    log = RejectionLog(clock.wall)
    for address, fingerprint, reason, field in notes:
        log.note(address, fingerprint, 404, reason, field)
        clock.advance(1)
    assert sum(line.count for line in log.lines) == len(notes)
    assert [line.last_at for line in log.lines] == sorted(line.last_at for line in log.lines)
    for address in {line.address for line in log.lines}:
        for reason in (Refusal.UNKNOWN_KEY, Refusal.INVALID_REPORT):
            kind = [line for line in log.lines if (line.address, line.reason) == (address, reason)]
            assert len(kind) <= MAX_OF_A_KIND + 1
    assert len({line.address for line in log.lines if ":" in line.address}) <= MAX_HOSTS + 1
    assert RejectionLog(clock.wall, log.lines).lines == log.lines


async def stored(database: Path) -> list[Rejection]:
    reader = await Reader.open(database)
    lines = await reader.rejections()
    await reader.close()
    return lines[::-1]


async def test_the_table_follows_also_what_was_folded_and_forgotten(
    writer: Writer, database: Path, log: RejectionLog, clock: Clock
) -> None:
    guess(log, "192.0.2.1", "old")
    for number in range(30):
        clock.advance(1)
        guess(log, "192.0.2.7", f"{number:08x}")
        await log.flush(writer)
        assert await stored(database) == log.lines
    clock.advance(KEPT_MS / 1000)
    guess(log, "192.0.2.9", "new")
    await log.flush(writer)
    assert [line.fingerprint for line in await stored(database)] == [MANY, "new"]


async def test_counts_go_on_over_a_restart(writer: Writer, database: Path, log: RejectionLog, clock: Clock) -> None:
    guess(log, "192.0.2.7", "aa", times=2)
    await log.flush(writer)
    clock.advance(1)
    after = await open_log(writer, clock.wall)
    guess(after, "192.0.2.7", "aa")
    await after.flush(writer)
    assert await stored(database) == [replace(log.lines[0], count=3, last_at=START_MS + 1000)]


async def test_nothing_is_written_while_nothing_changes(
    writer: Writer, log: RejectionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(log, "192.0.2.7", "aa")
    await log.flush(writer)

    def refuse(*_: object) -> None:
        raise AssertionError("a transaction though nothing changed")

    monkeypatch.setattr(writer, "transact", refuse)
    await log.flush(writer)


async def test_what_the_store_does_not_take_is_kept_for_later(
    writer: Writer, database: Path, log: RejectionLog, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailableError("disk full")

    guess(log, "192.0.2.7", "aa")
    with monkeypatch.context() as patched:
        patched.setattr(writer, "transact", fail)
        await log.flush(writer)
    clock.advance(1)
    guess(log, "192.0.2.8", "bb")
    await log.flush(writer)
    assert await stored(database) == log.lines
    assert len(log.lines) == 2


async def test_the_duty_writes_now_and_then_and_once_more_at_its_end(
    writer: Writer, database: Path, log: RejectionLog
) -> None:
    duty = asyncio.create_task(keep(log, writer, every_s=0.01))
    guess(log, "192.0.2.7", "aa")
    await until(lambda: log.changed() == ([], set()))
    guess(log, "192.0.2.7", "bb")
    duty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await duty
    assert len(await stored(database)) == 2
