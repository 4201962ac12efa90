"""A receiver that is away for many intervals, as the psutil agent takes it: the real loop and real calls, sped up."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from agent.collect import Report
from agent.config import AgentSettings
from agent.readings.cpu import CpuReading
from agent.run import Machine, Say, run_agent
from tests.agent.receiver import OK, Receiver, trouble
from tests.e2e.harness import wait_for

INTERVAL_S = 0.02


class Numbered:
    """A machine whose reports are numbered in the order in which they were measured."""

    def __init__(self) -> None:
        self.measured = 0

    def collect(self, before: CpuReading, after: CpuReading, note: Say) -> Report:
        """Measure once more."""
        self.measured += 1
        return {"number": self.measured}


@contextmanager
def reporting(receiver: Receiver) -> Iterator[Numbered]:
    """Let an agent report at a quick interval while the block lasts."""
    numbered, stop = Numbered(), threading.Event()
    settings = AgentSettings(receiver.url, "secret", use_proxies=False)
    machine = Machine(read_cpu=lambda: {"idle": 0.0}, collect=numbered.collect)
    arguments = (settings, INTERVAL_S, stop, lambda line: None, machine)
    thread = threading.Thread(target=run_agent, args=arguments, daemon=True)
    thread.start()
    try:
        yield numbered
    finally:
        receiver.answering.set()
        stop.set()
        thread.join(10)


def numbers(receiver: Receiver) -> list[object]:
    return [body["number"] for body in list(receiver.bodies)]


def test_while_a_call_waits_for_its_answer_no_other_report_is_made(receiver: Receiver) -> None:
    receiver.answering.clear()
    with reporting(receiver) as machine:
        wait_for("the first call", lambda: receiver.bodies)
        time.sleep(20 * INTERVAL_S)  # nothing must happen, and that takes its time
        assert (machine.measured, numbers(receiver)) == (1, [1])
        receiver.answering.set()
        wait_for("the calls to go on", lambda: len(receiver.bodies) >= 5)
    assert receiver.most_waiting == 1
    assert numbers(receiver) == list(range(1, machine.measured + 1))


def test_after_an_outage_comes_a_fresh_report_and_nothing_that_was_measured_during_it(receiver: Receiver) -> None:
    receiver.says(503, trouble("disk full"))
    with reporting(receiver) as machine:
        wait_for("several tries", lambda: len(receiver.bodies) >= 5)
        missed = machine.measured
        receiver.says(200, OK)
        wait_for("reports that are taken", lambda: len(receiver.bodies) >= missed + 5)
    assert receiver.most_waiting == 1
    assert numbers(receiver) == list(range(1, machine.measured + 1))  # each report once, none again
