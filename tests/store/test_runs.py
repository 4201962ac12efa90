"""When the receiver ran is recorded, told, and one day forgotten."""

from functools import partial
from pathlib import Path

from store import runs
from store.reader import Reader
from store.writer import Writer


async def test_a_run_lasts_to_its_end_or_to_its_last_heartbeat(writer: Writer, database: Path) -> None:
    ended = await writer.transact(partial(runs.begin_run, now=1_000))
    await writer.transact(partial(runs.end_run, run_id=ended, now=2_000))
    killed = await writer.transact(partial(runs.begin_run, now=5_000))
    await writer.transact(partial(runs.beat, run_id=killed, now=7_000))
    reader = await Reader.open(database)
    assert await reader.receiver_runs(0, 10_000) == [(1_000, 2_000), (5_000, 7_000)]
    assert await reader.receiver_runs(1_500, 6_000) == [(1_500, 2_000), (5_000, 6_000)]
    assert await reader.receiver_runs(2_500, 4_000) == []
    await reader.close()


async def test_runs_older_than_all_history_are_forgotten(writer: Writer, database: Path) -> None:
    for start in (1_000, 5_000):
        await writer.transact(partial(runs.begin_run, now=start))
    await writer.transact(partial(runs.forget_runs, before=3_000))
    await writer.transact(partial(runs.forget_runs, before=9_000))  # the last one is that of now
    reader = await Reader.open(database)
    assert await reader.receiver_runs(0, 10_000) == [(5_000, 5_000)]
    await reader.close()
