"""What a courier makes of what it hears: reasons without secrets, problems of URLs and commands."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.courier import NOT_TAKEN, reason, run_command
from server.messages import make_test

SECRET = "tk_hunter2"
CONTENT = make_test("bastion", "phone")


def said(*lines: tuple[int, str]) -> list[logging.LogRecord]:
    return [logging.LogRecord("apprise", level, "", 0, text, None, None) for level, text in lines]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Failed to send JSON POST notification: Internal Server Error, error=500.", "HTTP 500"),
        ("Failed to send ntfy notification: error=403.", "HTTP 403"),
        (f"Socket Exception: HTTPConnectionPool(/{SECRET}): [Errno 111] Connection refused", "connection refused"),
        (f"Socket Exception: Max retries: /{SECRET} (Read timed out. (read timeout=4.0))", "did not answer in time"),
        ("Socket Exception: NameResolutionError: Failed to resolve 'x'", "name of its host cannot be resolved"),
        ("SMTP Exception: [Errno -2] Name or service not known", "name of its host cannot be resolved"),
        ("Socket Exception: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate"),
        ("SMTP Exception: (535, b'5.7.8 Authentication credentials invalid')", "login was refused"),
        (f"Something about {SECRET} that nobody foresaw", NOT_TAKEN),
    ],
)
def test_a_reason_is_said_in_our_words(line: str, words: str) -> None:
    told = reason(said((logging.WARNING, "A Connection error occurred."), (logging.DEBUG, "Payload"), (30, line)))
    assert words in told
    assert SECRET not in told


def test_what_the_message_itself_says_is_no_reason() -> None:
    lines = said((logging.DEBUG, "JSON Payload: {'title': 'web-1: certificate timed out'}"), (30, "It failed."))
    assert reason(lines) == NOT_TAKEN
    assert reason([]) == NOT_TAKEN


def test_a_command_gets_the_message_as_one_line_of_json(tmp_path: Path) -> None:
    assert run_command(f"cat > {tmp_path}/got", CONTENT) is None
    (line,) = (tmp_path / "got").read_text().splitlines()
    assert json.loads(line) == CONTENT


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("exit 3", "exit code 3"),
        ("echo first >&2; echo '  it broke\033[2J' >&2; exit 4", "exit code 4: it broke\ufffd[2J"),
        ("no-such-program-anywhere", "exit code 127: "),
        ("kill -KILL $$", "killed by SIGKILL"),
        ("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1", "exit code 1: xxx"),
    ],
)
def test_a_command_that_fails_says_why_in_a_few_words(command: str, problem: str) -> None:
    told = run_command(command, CONTENT)
    assert told is not None
    assert told.startswith(problem)
    assert len(told) < 200


@pytest.mark.parametrize("command", ["true", "exec 0<&-; true", "sleep 60 & true"])
def test_a_command_need_not_read_nor_be_waited_for_beyond_its_end(command: str) -> None:
    large = CONTENT | {"events": ["x" * 300_000]}
    imports = "import json, sys; from server.courier import run_command"
    script = f"{imports}; print(run_command({command!r}, json.load(sys.stdin)))"
    run = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(large), capture_output=True, text=True, timeout=30, check=True
    )
    assert run.stdout.strip() == "None"


def ask(errand: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Run a courier as the receiver does, and return its exit code and answer."""
    run = subprocess.run(
        [sys.executable, "-P", "-m", "server.courier"],
        input=json.dumps(errand | {"limit_s": 30}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, json.loads(run.stdout)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"nosuch://{SECRET}", "Apprise knows no service nosuch://"),
        (f"https://host/{SECRET}", "for a web hook write jsons:// in place of https://"),
        (f"http://host/{SECRET}", "for a web hook write json:// in place of http://"),
        (f"tgram://{SECRET}", "that is no complete tgram:// URL"),
        (
            f"slack://{SECRET};en#with%chars",
            "that is no complete slack:// URL; what is special in a user name, password or token is written in"
            " percent-encoding: # as %23, % as %25",
        ),
        (SECRET, "that is no URL of a service, such as ntfy://TOPIC or mailto://USER:PASSWORD@HOST"),
    ],
)
def test_a_url_that_will_not_do_is_refused_without_repeating_it(url: str, problem: str) -> None:
    assert ask({"check": url}) == (1, {"problem": problem})


def test_a_url_is_known_by_its_service_and_shown_without_secrets() -> None:
    code, answer = ask({"check": f"json://me:{SECRET}@127.0.0.1:9/{SECRET}/?-X-Token={SECRET}&+k={SECRET}"})
    assert (code, answer) == (0, {"service": "JSON", "shown": "json://me:****@127.0.0.1:9/****"})
