"""Senders of reports at a steady pace, and how long each answer took."""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from tests.e2e.harness import PATIENCE_S, make_report, send


@dataclass
class Latencies:
    """Seconds from sending a report to its answer, and every answer that was not 200."""

    taken_s: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def p99(self) -> float:
        """Return what 99 of 100 answers did not exceed."""
        return sorted(self.taken_s)[int(len(self.taken_s) * 0.99)]


@contextmanager
def reporting(port: int, keys: Sequence[str], every_s: float, senders: int = 4) -> Iterator[Latencies]:
    """Let each key report every so many seconds with new values until the end of the block."""
    latencies, stop = Latencies(), threading.Event()
    shares = [keys[place::senders] for place in range(senders)]
    threads = [threading.Thread(target=_send, args=(port, share, every_s, stop, latencies)) for share in shares]
    for thread in threads:
        thread.start()
    try:
        yield latencies
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _send(port: int, keys: Sequence[str], every_s: float, stop: threading.Event, into: Latencies) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    for turn in count():
        for key in keys:
            began = time.monotonic()
            usage = (turn * 37 + len(key)) % 100
            disks = [{"mount": f"/srv/{turn % 7}", "usage": usage}]
            status, _ = send(connection, make_report(key, cpu_usage=usage, memory_usage=99 - usage, disk_usage=disks))
            into.taken_s.append(time.monotonic() - began)
            if status != 200:
                into.refused.append(status)
            if stop.wait(max(0.0, every_s / len(keys) - into.taken_s[-1])):
                connection.close()
                return
