"""The command line, run in this process as a user would type it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentmon.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, so that the default database is in no one else's, nor that of a service of the machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("agentmon.options.SYSTEM_DATABASE", tmp_path / "no-service" / "agentmon.db")
    for name in ("DATA", "CONFIG", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    return tmp_path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `agentmon` with these arguments."""

    def invoke(*arguments: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["agentmon", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        code = caught.value.code
        return Ran(code if isinstance(code, int) else 0, out, err)

    return invoke
