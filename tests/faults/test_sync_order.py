"""The answer leaves after the sync: shown by the order of system calls, which no `kill -9` can show."""

import re
from pathlib import Path

from tests.e2e.harness import Served, Station, make_report, wait_for
from tests.e2e.tracing import traceable

REPORTS = 5
CALLS = "trace=read,readv,recvfrom,recvmsg,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync"

CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
UNFINISHED = " <unfinished ...>"


def steps(trace: str) -> list[str]:
    """Return what matters of a trace, in order: `request`, `log write`, `log sync` (at its end) and `answer`.

    A call that another thread interrupts in the trace stands twice: what goes out counts where it begins, what
    comes in and a sync where they end.
    """
    begun: dict[str, str] = {}
    found = []
    for line in trace.splitlines():
        if (match := CALL.match(line)) is not None:
            call = match["rest"].removesuffix(UNFINISHED)
            ends = not line.endswith(UNFINISHED)
            begins = True
        elif (match := RESUMED.match(line)) is not None:
            call, begins, ends = begun[match["pid"]] + match["rest"], False, True
        else:
            continue
        begun[match["pid"]] = call
        if step := _step(match["name"], call, begins, ends):
            found.append(step)
    return found


def _step(name: str, call: str, begins: bool, ends: bool) -> str | None:
    if name in ("fsync", "fdatasync"):
        return "log sync" if "-wal>" in call and ends and call.endswith("= 0") else None
    if name.startswith("pwrite"):
        return "log write" if "-wal>" in call and begins else None
    if name in ("write", "writev", "sendto", "sendmsg"):
        return "answer" if "HTTP/1.1 200" in call and begins else None
    return "request" if "POST /agent/report" in call and ends else None


def trace_reports(served: Served, trace: Path, key: str) -> str:
    """Send a few reports, one after the other, and return the trace up to the last answer."""
    for _ in range(REPORTS):
        served.accept(make_report(key))
    wait_for("the last answer in the trace", lambda: steps(trace.read_text()).count("answer") == REPORTS)
    return trace.read_text()


def test_a_report_is_answered_after_its_commit_is_on_disk(station: Station) -> None:
    (key,) = station.create("web")
    trace = station.folder / "trace"
    # With -D it is the receiver that is our child and gets the signal, not the tracer.
    wrapper = (traceable(), "-D", "-f", "-y", "-s", "64", "-e", CALLS, "-o", str(trace))
    with station.serving(wrapper=wrapper) as served:
        taken = trace_reports(served, trace, key)
        served.stop()
    between = " ".join(steps(taken)).split("request")[1:]
    assert len(between) == REPORTS
    for course in between:
        assert re.search(r"log write.* log sync.* answer", course), f"a report went {course}"
        assert "log write" not in course.split("log sync")[-1].split("answer")[0]


def test_the_reading_of_traces_sees_an_answer_that_comes_too_early() -> None:
    trace = (
        '7 recvfrom(9<socket:[1]>, "POST /agent/report HTTP/1.1", 65536, 0, NULL, NULL) = 26\n'
        '8 pwrite64(12</x/a.db-wal>, "..", 4096, 0) = 4096\n'
        "8 fdatasync(12</x/a.db-wal> <unfinished ...>\n"
        '7 write(9<socket:[1]>, "HTTP/1.1 200 OK", 64) = 64\n'
        "8 <... fdatasync resumed>) = 0\n"
    )
    assert steps(trace) == ["request", "log write", "answer", "log sync"]
