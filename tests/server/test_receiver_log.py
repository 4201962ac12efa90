"""Log lines: one each, no flood, no input."""

import logging

from server.receiver_log import LINES_PER_MINUTE, NOISY_LIBRARIES, FoldingFilter, calm_logs
from tests.server.test_limits import Clock


def record(message: str, *args: object, exc: Exception | None = None, kind: str | None = None) -> logging.LogRecord:
    """Return a log record."""
    exc_info = None if exc is None else (type(exc), exc, None)
    made = logging.LogRecord("x", logging.WARNING, "x.py", 1, message, args, exc_info)
    if kind is not None:
        made.kind = kind
    return made


def test_of_one_kind_so_many_pass_a_minute() -> None:
    keep = FoldingFilter(3, clock=Clock())
    assert [keep.filter(record("refused %s", number)) for number in range(5)] == [True] * 3 + [False] * 2
    assert keep.filter(record("another"))


def test_the_next_minute_tells_how_many_were_left_out() -> None:
    clock = Clock()
    keep = FoldingFilter(3, clock=clock)
    for number in range(10):
        keep.filter(record("refused %s", number))
    clock.now += 60
    later = record("refused %s", "x")
    assert keep.filter(later)
    assert later.getMessage() == "refused x (7 more like it were left out)"
    clock.now += 60
    again = record("refused %s", "y")
    assert keep.filter(again)
    assert again.getMessage() == "refused y"


def test_a_kind_of_its_own_separates_equal_messages() -> None:
    keep = FoldingFilter(1, clock=Clock())
    assert [keep.filter(record("refused", kind=kind)) for kind in ("404", "422", "404")] == [True, True, False]


def test_kinds_are_bounded() -> None:
    keep = FoldingFilter(1, clock=Clock())
    for number in range(5000):
        keep.filter(record(f"kind {number}"))
    assert len(keep._kinds) <= 256


def test_a_bare_filter_keeps_the_type_of_an_error_and_not_its_words() -> None:
    line = record("Error handling request\nfrom %s", "192.0.2.7", exc=ValueError("amk_secret"))
    assert FoldingFilter(bare=True, clock=Clock()).filter(line)
    shown = logging.Formatter().format(line)
    assert "ValueError" in shown
    assert "amk_secret" not in shown
    assert "\n" not in shown


def test_the_noisy_libraries_are_calmed_once() -> None:
    calm_logs()
    calm_logs()
    for name in NOISY_LIBRARIES:
        filters = [each for each in logging.getLogger(name).filters if isinstance(each, FoldingFilter)]
        assert len(filters) == 1
    assert LINES_PER_MINUTE == 10
