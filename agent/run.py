"""The psutil agent at work: once, or at its interval until it is stopped."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from agent.collect import Report, collect
from agent.config import AgentSettings
from agent.cpu import CpuReading, read_cpu
from agent.errors import MeasureError
from agent.policy import Course, after, wait_s
from agent.send import Outcome, send

Say = Callable[[str], None]
"""Takes one line for a person: a log, standard error."""

MEASURE_S = 1.0
"""How long CPU usage is measured where no earlier report marks the beginning."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the loop needs from the world; tests bring their own."""

    read_cpu: Callable[[], CpuReading] = read_cpu
    collect: Callable[[CpuReading, CpuReading], Report] = collect
    send: Callable[[AgentSettings, Report], Outcome] = send
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


THIS_MACHINE = Machine()


def run_agent(
    settings: AgentSettings, interval_s: float, stop: Event, say: Say, machine: Machine = THIS_MACHINE
) -> None:
    """Report now and then every `interval_s` seconds until `stop` is set; for a thread of its own.

    `stop` ends a wait at once, a call in flight at its next timeout, so let the thread be a daemon. `say` gets
    a line when the answer changes. Figures that cannot be measured are said and tried again at the interval.
    """
    course = Course()
    before = machine.read_cpu()
    if stop.wait(MEASURE_S):
        return
    while True:
        began = machine.clock()
        now = machine.read_cpu()
        try:
            report = machine.collect(before, now)
        except MeasureError as error:
            say(str(error))
            pause = interval_s
        else:
            outcome = machine.send(settings, report)
            course, line = after(course, outcome, machine.clock())
            if line is not None:
                say(line)
            pause = wait_s(outcome, course.failures, interval_s, machine.clock() - began, machine.chance())
        before = now
        if stop.wait(pause):
            return


def measure(measure_s: float = MEASURE_S) -> Report:
    """Return one report with CPU usage over the next `measure_s` seconds, which this takes; raises MeasureError."""
    before = read_cpu()
    time.sleep(measure_s)
    return collect(before, read_cpu())


def send_once(settings: AgentSettings) -> Outcome:
    """Send one report and return how that ended; takes a second to measure. Raises MeasureError."""
    return send(settings, measure())


def print_report(say: Say) -> None:
    """Hand `say` the report that would be sent, as one line of JSON without the key. Raises MeasureError."""
    say(json.dumps(measure()))
