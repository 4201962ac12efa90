"""Asking disks, any of which may never answer."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from agent import hanging

Answer = TypeVar("Answer")

LIMIT_S = 4.0
"""A disk that has not answered by then is left out."""

TURN = 0.25
"""The part of the limit for which one thread asks all disks in turn; then those not yet asked get a thread each."""


class Asker(Generic[Answer]):
    """Asks disks on other threads, and none that still owes an answer.

    Nothing ends a thread that waits for a dead disk, so there is one for each such disk, and never another one.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._stuck: dict[str, threading.Thread] = {}

    def ask(self, questions: Mapping[str, Callable[[], Answer]]) -> dict[str, Answer]:
        """Return, by disk, the answers to those questions that got one in time; takes no longer than the limit."""
        self._stuck = {disk: thread for disk, thread in self._stuck.items() if thread.is_alive()}
        known = self._stuck.keys() | hanging.names()
        round_ = _Round({disk: question for disk, question in questions.items() if disk not in known})
        began = time.monotonic()
        round_.start(1)
        if not round_.wait(self._limit_s * TURN):
            round_.start(len(round_.todo))
            round_.wait(self._limit_s - (time.monotonic() - began))
        for disk, thread in round_.unanswered().items():
            self._stuck[disk] = thread
            hanging.note(disk, os.getpid())
        return dict(round_.answers)


class _Round(Generic[Answer]):
    """One question to each disk, by threads that share the list of those to be asked."""

    def __init__(self, questions: Mapping[str, Callable[[], Answer]]) -> None:
        self.todo = deque(questions)
        self.answers: dict[str, Answer] = {}
        self._questions = questions
        self._at: dict[str, threading.Thread] = {}
        self._done = threading.Event()
        if not questions:
            self._done.set()

    def start(self, count: int) -> None:
        """Start so many threads, or as many as may be."""
        for _ in range(count):
            try:
                threading.Thread(target=self._work, name="disk", daemon=True).start()
            except RuntimeError:
                return  # no more threads: those that are left do not answer in this round

    def wait(self, seconds: float) -> bool:
        """Wait until all have answered, and return whether they have."""
        return self._done.wait(max(0.0, seconds))

    def unanswered(self) -> dict[str, threading.Thread]:
        """Return who waits for which disk."""
        return {disk: thread for disk, thread in list(self._at.items()) if disk not in self.answers}

    def _work(self) -> None:
        while True:
            try:
                disk = self.todo.popleft()
            except IndexError:
                return
            self._at[disk] = threading.current_thread()
            self.answers[disk] = self._questions[disk]()
            if len(self.answers) == len(self._questions):
                self._done.set()
