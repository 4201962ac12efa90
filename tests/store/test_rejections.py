"""Rejections: what is written is read back with whose key it was, bounded, and with advice that fits."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from store.reader import Reader
from store.rejections import (
    DELETED,
    MANY,
    ROTATED,
    Refusal,
    Rejection,
    advice,
    fingerprint,
    record_ended_keys,
    write_rejections,
)
from store.writer import Writer
from tests.conftest import Create

LINE = Rejection("192.0.2.7", fingerprint("k"), Refusal.UNKNOWN_KEY, "", 404, count=3, first_at=1_000, last_at=5_000)


async def write(writer: Writer, *lines: Rejection, gone: Sequence[Rejection] = (), keep: int = 256) -> None:
    keys = [line.key for line in gone]
    await writer.transact(partial(write_rejections, lines=lines, gone=keys, keep=keep))


async def end_keys(writer: Writer, *keys: str, monitor: str, reason: str, at: int = 1_000) -> None:
    await writer.transact(lambda connection, _: record_ended_keys(connection, keys, monitor, reason, at))


async def read(database: Path) -> list[Rejection]:
    reader = await Reader.open(database)
    lines = await reader.rejections()
    await reader.close()
    return lines


def test_a_fingerprint_is_short_steady_and_not_the_key() -> None:
    assert fingerprint("amk_secret") == "09d3fd8e"
    assert fingerprint("amk_secret") != fingerprint("amk_secret2")


async def test_lines_come_back_latest_first_and_are_written_over(writer: Writer, database: Path) -> None:
    later = replace(LINE, address="192.0.2.8", last_at=6_000)
    await write(writer, LINE, later)
    assert await read(database) == [later, LINE]
    again = replace(LINE, count=4, last_at=7_000)
    await write(writer, again)
    assert await read(database) == [again, later]


async def test_what_is_gone_goes_and_what_was_never_there_does_not_matter(writer: Writer, database: Path) -> None:
    other = replace(LINE, field="cpu_usage")
    await write(writer, LINE, other)
    await write(writer, gone=[LINE, replace(LINE, address="::1")])
    assert await read(database) == [other]


async def test_the_least_recent_lines_go_beyond_what_is_kept(writer: Writer, database: Path) -> None:
    await write(writer, *[replace(LINE, address=f"192.0.2.{n}", last_at=n) for n in range(10)], keep=4)
    assert [line.last_at for line in await read(database)] == [9, 8, 7, 6]


@pytest.mark.parametrize("reason", [ROTATED, DELETED])
async def test_a_line_tells_whose_key_it_was(writer: Writer, database: Path, reason: str) -> None:
    await write(writer, LINE)
    await end_keys(writer, "k", "another", monitor="web-1", reason=reason)
    assert await read(database) == [replace(LINE, monitor="web-1", ended=reason)]


async def test_a_line_tells_whose_key_it_is_now_whatever_it_was(writer: Writer, database: Path, create: Create) -> None:
    (key,) = await create("web-1")
    line = replace(LINE, fingerprint=fingerprint(key))
    await write(writer, line, replace(LINE, fingerprint=""), replace(LINE, fingerprint=MANY))
    await end_keys(writer, key, monitor="before", reason=DELETED)
    assert {each.fingerprint: (each.monitor, each.ended) for each in await read(database)} == {
        fingerprint(key): ("web-1", None),
        "": (None, None),
        MANY: (None, None),
    }


async def test_of_ended_keys_the_oldest_are_forgotten(
    writer: Writer, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.rejections.MAX_ENDED_KEYS", 1)
    other = replace(LINE, fingerprint=fingerprint("other"))
    await write(writer, LINE, other)
    await end_keys(writer, "k", monitor="web-1", reason=DELETED, at=1)
    await end_keys(writer, "other", monitor="web-1", reason=DELETED, at=2)
    assert {line.fingerprint: line.ended for line in await read(database)} == {
        LINE.fingerprint: None,
        other.fingerprint: DELETED,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "no monitor has this key: agentmon monitor key NAME shows the right one, or create the monitor"),
        ({"fingerprint": MANY}, "someone is guessing"),
        ({"monitor": "web-1", "ended": DELETED}, "this was the key of web-1, deleted"),
        ({"monitor": "web-1", "ended": ROTATED}, "this is the old key of web-1, replaced: install the agent anew"),
        ({"monitor": "web-1"}, "the key of web-1 now"),
        ({"reason": Refusal.INVALID_REPORT, "field": "cpu_usage"}, "the agent sends a bad cpu_usage"),
        (
            {"reason": Refusal.INVALID_REPORT, "field": "disk_usage.3.usage", "monitor": "web-1"},
            "the agent of web-1 sends a bad disk_usage.3.usage",
        ),
        ({"reason": Refusal.INVALID_REPORT, "fingerprint": MANY}, "wrong fields"),
        ({"reason": Refusal.INVALID_KEY, "field": "agent_key"}, "agentmon monitor key NAME"),
        ({"reason": Refusal.TOO_LARGE}, "256 KiB"),
        ({"reason": Refusal.ENCODED}, "Content-Encoding"),
        ({"reason": Refusal.MALFORMED}, "https://"),
        ({"reason": Refusal.BODY_LATE}, "did not arrive in time"),
        ({"reason": Refusal.MANY_REPORTS}, "--max-report-rate"),
        ({"reason": Refusal.MANY_NAMES}, "new in each report"),
        ({"reason": Refusal.STORE}, "its log says"),
        ({"reason": "a reason of another version", "status": 418}, "answered 418"),
    ],
    ids=str,
)
def test_advice_fits_what_was_refused(changes: dict[str, str], words: str) -> None:
    assert words in advice(replace(LINE, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", Refusal)
@pytest.mark.parametrize("ended", [None, ROTATED, DELETED])
def test_advice_is_one_safe_sentence_for_every_reason(reason: Refusal, ended: str | None) -> None:
    words = advice(replace(LINE, reason=reason, monitor="\x1b[31m[/]\n", field="\x07", ended=ended))
    assert words.isprintable()
    assert "log may say more" not in words
