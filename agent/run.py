"""The psutil agent at work: once, or at its interval until it is stopped."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from agent import hanging
from agent.collect import Report, collect
from agent.config import AgentSettings
from agent.errors import MeasureError
from agent.policy import Course, after, wait_s
from agent.readings.cpu import CpuReading, read_cpu
from agent.send import Outcome, send

Say = Callable[[str], None]
"""Takes one line for a person: a log, standard error."""

MEASURE_S = 1.0
"""How long CPU usage is measured where no earlier report marks the beginning."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the loop needs from the world; tests bring their own."""

    read_cpu: Callable[[], CpuReading] = read_cpu
    collect: Callable[[CpuReading, CpuReading, Say], Report] = collect
    send: Callable[[AgentSettings, Report], Outcome] = send
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


THIS_MACHINE = Machine()


def run_agent(
    settings: AgentSettings, interval_s: float, stop: Event, say: Say, machine: Machine = THIS_MACHINE
) -> None:
    """Report now and then every `interval_s` seconds until `stop` is set; for a thread of its own.

    `stop` ends a wait at once, a call in flight at its next timeout, so let the thread be a daemon. `say` gets
    a line when the answer changes, and when a disk begins to be left out. Figures that cannot be measured are said and
    tried again at the interval.
    """
    reporter = _Reporter(settings, interval_s, say, machine)
    while not stop.wait(reporter.report()):
        pass


class _Reporter:
    """What an agent remembers from one report to the next."""

    def __init__(self, settings: AgentSettings, interval_s: float, say: Say, machine: Machine) -> None:
        self._settings = settings
        self._interval_s = interval_s
        self._say = say
        self._machine = machine
        self._before: CpuReading | None = None
        self._course = Course()
        self._noted: list[str] = []

    def report(self) -> float:
        """Send a report and return the seconds to wait before the next; the first time only CPU is read."""
        began = self._machine.clock()
        try:
            now = self._machine.read_cpu()
            if self._before is None:
                self._before = now
                return MEASURE_S
            report = self._collect(self._before, now)
        except MeasureError as error:
            self._say(str(error))
            return self._interval_s
        self._before = now
        outcome = self._machine.send(self._settings, report)
        self._course, line = after(self._course, outcome, self._machine.clock())
        if line is not None:
            self._say(line)
        elapsed_s = self._machine.clock() - began
        return wait_s(outcome, self._course.failures, self._interval_s, elapsed_s, self._machine.chance())

    def _collect(self, before: CpuReading, now: CpuReading) -> Report:
        notes: list[str] = []
        report = self._machine.collect(before, now, notes.append)
        for line in notes:
            if line not in self._noted:
                self._say(line)
        self._noted = notes
        return report


def measure(note: Say, measure_s: float = MEASURE_S) -> Report:
    """Return one report with CPU usage over the next `measure_s` seconds, which this takes; raises MeasureError."""
    before = read_cpu()
    time.sleep(measure_s)
    with hanging.noted():
        return collect(before, read_cpu(), note)


def send_once(settings: AgentSettings, note: Say) -> Outcome:
    """Send one report and return how that ended; takes a second to measure. Raises MeasureError.

    `note` gets a line for each disk that is left out.
    """
    return send(settings, measure(note))


def print_report(say: Say, note: Say) -> None:
    """Hand `say` the report that would be sent, as one line of JSON without the key; `note` as in `send_once`.

    Raises MeasureError.
    """
    say(json.dumps(measure(note)))
