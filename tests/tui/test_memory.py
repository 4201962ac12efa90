"""What the console remembers between two runs: it comes back, and what is broken harms nobody."""

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.text import safe_text
from tui.memory import MOST_BYTES, Memory, Remembered, decode, encode

LEFT = Remembered(
    sort="cpu",
    turned=True,
    filter='status:down "a b"',
    columns=("name", "cpu"),
    hidden=("cpu",),
    group="tag",
    theme="agentmon-light",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "agentmon" / "console.json"


def left(path: Path, remembered: Remembered = LEFT) -> Path:
    """Leave a console like that."""
    memory = Memory(path)
    memory.value = remembered
    memory.flush()
    return path


def test_a_console_comes_up_as_it_was_left(path: Path) -> None:
    assert Memory(path).value == Remembered()
    assert Memory(left(path)).value == LEFT


def test_the_file_and_the_folder_are_the_users_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        left(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_nothing_is_written_until_something_changes(path: Path) -> None:
    memory = Memory(path)
    memory.flush()
    memory.remember(sort="status")
    memory.flush()
    assert not path.exists()
    memory.remember(sort="cpu")
    memory.flush()
    first = path.stat()
    memory.flush()
    assert path.stat().st_ino == first.st_ino
    assert path.stat().st_mtime_ns == first.st_mtime_ns


def test_without_a_file_nothing_is_remembered(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.remember(theme="x")
    memory.flush()
    assert memory.value.theme == "x"
    assert list(tmp_path.iterdir()) == []


def test_of_two_consoles_the_last_one_wins(path: Path) -> None:
    one, other = Memory(path), Memory(path)
    one.remember(sort="cpu")
    one.flush()
    other.remember(theme="light")
    other.flush()
    assert Memory(path).value == Remembered(theme="light")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000, b" " * (MOST_BYTES + 1), b'{"sort": "\\ud800'],
    ids=range(8),
)
def test_a_broken_file_is_passed_over_and_logged(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    left(path).write_bytes(content)
    assert Memory(path).value == Remembered()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(path) in caplog.text


def test_of_a_foreign_file_what_is_good_is_taken(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    left(path).write_text(json.dumps({"sort": 7, "turned": "yes", "hidden": ["a", 1], "theme": "x", "more": {}}))
    assert Memory(path).value == Remembered(theme="x")
    assert "sort, turned, hidden" in caplog.text


@pytest.mark.parametrize("text", ["\x1b[2J", "\ud800", "x" * 201, "a\nb"], ids=range(4))
def test_text_that_would_harm_a_terminal_is_not_taken(path: Path, text: str) -> None:
    left(path).write_text(json.dumps({"filter": text, "theme": text, "columns": [text]}))
    assert Memory(path).value == Remembered()


def test_a_folder_that_cannot_be_written_to_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("a file where the folder should be")
    memory = Memory(path)
    memory.remember(sort="cpu")
    caplog.clear()
    memory.flush()
    memory.flush()
    assert len(caplog.records) == 1
    assert memory.value.sort == "cpu"


def test_a_write_that_fails_leaves_the_old_file_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    memory = Memory(path)
    memory.remember(sort="name")
    memory.flush()
    monkeypatch.undo()
    assert Memory(path).value == LEFT
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert "No space left" in caplog.text


texts = st.text(max_size=50).map(lambda text: safe_text(text, 200))
names = st.lists(texts, max_size=20).map(tuple)


@given(
    st.builds(
        Remembered,
        sort=texts,
        turned=st.booleans(),
        filter=texts,
        columns=names,
        hidden=names,
        group=texts,
        theme=st.none() | texts,
    )
)
def test_what_is_written_is_read_again(remembered: Remembered) -> None:
    assert decode(encode(remembered)) == (remembered, [])


json_values = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.none() | st.text())


@given(st.dictionaries(st.sampled_from(list(json.loads(encode(LEFT)))), json_values))
def test_any_object_is_read_without_a_crash(said: dict[str, object]) -> None:
    remembered, wrong = decode(json.dumps(said))
    assert set(wrong) <= set(said)
    assert decode(encode(remembered)) == (remembered, [])
