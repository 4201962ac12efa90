"""Log lines are single, safe and private."""

import contextlib
import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmon import logs


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_one_line_whatever_it_holds() -> None:
    record = logging.LogRecord("agentmon.x", logging.WARNING, "", 0, "a\nb %s", ("\x1b[31m",), None)
    line = logs.LineFormatter().format(record)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning agentmon\.x [^\n\x1b]+", line)


def test_the_log_file_is_private_also_after_it_rotated(
    tmp_path: Path, root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    before = os.umask(0)
    try:
        path = logs.log_to_file(tmp_path / "a.db")
        for n in range(200):
            logging.getLogger("agentmon.x").info("line %d of many", n)
    finally:
        os.umask(before)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["a.db.log", "a.db.log.1", "a.db.log.2"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert "line 199 of many" in path.read_text()


def test_a_reader_who_stalls_holds_nobody_up_and_gets_the_lines_later(
    root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(writer, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        handler = logs.log_to_stderr()
        for n in range(2 * logs.MAX_WAITING):
            root_logger.info("%d %s", n, "x" * 1000)
        assert not handler.written(0.01)
        lines = b""
        while not handler.written(0.001):
            with contextlib.suppress(BlockingIOError):
                lines += os.read(reader, 65536)
    lines += os.read(reader, 65536)
    os.close(reader)
    assert logs.MAX_WAITING <= lines.count(b"\n") < 2 * logs.MAX_WAITING


def test_a_log_is_written_through_no_link_and_waits_for_no_reader(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.touch()
    (tmp_path / "a.db.log").symlink_to(precious)
    os.mkfifo(tmp_path / "b.db.log")
    for name in ("a.db", "b.db"):
        with pytest.raises(OSError, match="only a regular file"):
            logs.log_to_file(tmp_path / name)
    assert precious.read_text() == ""
