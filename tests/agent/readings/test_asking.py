"""Disks that answer, late or never."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import hanging
from agent.readings.asking import Asker
from tests.e2e.harness import wait_for


class Shelf:
    """Disks that answer with their name, but those whose gate is shut wait for it."""

    def __init__(self, *dead: str) -> None:
        self.gates = {name: threading.Event() for name in dead}
        self.asked: list[str] = []

    def questions(self, *names: str) -> dict[str, Callable[[], str]]:
        """Return a question to each."""
        return {name: lambda name=name: self.answer(name) for name in names}  # type: ignore[misc]

    def answer(self, name: str) -> str:
        """Answer, in the end."""
        self.asked.append(name)
        if name in self.gates:
            self.gates[name].wait(60)
        return name


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """Three dead disks."""
    shelf = Shelf("dead", "gone", "lost")
    yield shelf
    for gate in shelf.gates.values():
        gate.set()


@pytest.fixture
def asker() -> Asker[str]:
    """One that does not wait long."""
    return Asker(limit_s=0.3)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where notes of what hangs are kept."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_all_disks_answer_on_one_thread(asker: Asker[str], shelf: Shelf) -> None:
    threads = set[int]()

    def answer() -> str:
        threads.add(threading.get_ident())
        return "x"

    questions = {str(number): answer for number in range(9)}
    assert asker.ask(questions) == dict.fromkeys(questions, "x")
    assert len(threads) == 1


def test_no_disks_are_no_question() -> None:
    assert Asker[str](limit_s=60).ask({}) == {}


def test_dead_disks_cost_none_of_the_others(asker: Asker[str], shelf: Shelf) -> None:
    questions = shelf.questions("dead", "a", "gone", "lost", "b")
    assert asker.ask(questions) == {"a": "a", "b": "b"}


def test_a_dead_disk_is_not_asked_again_and_leaves_no_thread_more(asker: Asker[str], shelf: Shelf) -> None:
    questions = shelf.questions("dead", "a")
    asker.ask(questions)
    before = threading.active_count()
    for _ in range(5):
        assert asker.ask(questions) == {"a": "a"}
    assert shelf.asked.count("dead") == 1
    assert threading.active_count() <= before


def test_a_disk_that_comes_back_is_asked_again(asker: Asker[str], shelf: Shelf) -> None:
    questions = shelf.questions("dead", "a")
    asker.ask(questions)
    shelf.gates["dead"].set()
    wait_for("the disk to answer", lambda: asker.ask(questions) == {"dead": "dead", "a": "a"})


def test_threads_that_cannot_be_started_cost_no_more_than_their_disks(
    asker: Asker[str], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert asker.ask(shelf.questions("a", "b")) == {}
    assert asker.ask(shelf.questions("a", "b")) == {"a": "a", "b": "b"}


def test_a_later_run_does_not_ask_what_still_hangs_in_an_earlier_one(shelf: Shelf, notes: Path) -> None:
    with hanging.noted():
        Asker[str](limit_s=0.2).ask(shelf.questions("dead", "a"))
        assert hanging.names() == {"dead"}
        assert Asker[str]().ask(shelf.questions("dead", "a")) == {"a": "a"}
    assert shelf.asked.count("dead") == 1


def test_what_a_run_that_ended_left_is_asked_again(shelf: Shelf, notes: Path) -> None:
    with hanging.noted():
        hanging.note("dead", 2**22 + 1)  # no process has this number
        hanging.note("a", 1)
        assert hanging.names() == {"a"}


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[["a", "x", 1]]', "[" * 9999, "\xff"], ids=range(6))
def test_spoilt_notes_are_none(notes: Path, text: str) -> None:
    with hanging.noted():
        hanging.note("a", 1)
        (file,) = notes.iterdir()
        file.write_text(text, encoding="latin-1")
        assert hanging.names() == set()


def test_notes_of_somebody_else_are_not_heeded(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging.noted():
        hanging.note("a", 1)
        (file,) = notes.iterdir()
        somebody = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: somebody)
        file.rename(hanging._path())
        assert hanging.names() == set()


def test_an_agent_that_goes_on_needs_no_notes(asker: Asker[str], shelf: Shelf, notes: Path) -> None:
    asker.ask(shelf.questions("dead"))
    assert list(notes.iterdir()) == []
