"""The API is what docs/openapi.json says: a fuzzer reads the document, asks a real receiver, and holds it to that."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.openapi import EXAMPLE, document, text
from server.schema import parse_report
from tests.e2e.harness import AGENTMON, Station

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
FUZZER = AGENTMON.with_name("schemathesis")

CONFIGURATION = """\
[checks.positive_data_acceptance]
expected-statuses = ["200"]
"""
"""What the document allows must be stored: the fuzzer alone would be content with other answers, too."""

LONG_S = 1800.0


def test_the_document_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == text(), "python -m server.openapi > docs/openapi.json"


def test_the_document_has_every_answer_to_a_report_and_its_example_is_one() -> None:
    operation = document()["paths"]["/agent/report"]["post"]
    assert set(operation["responses"]) == {"200", "400", "404", "405", "408", "413", "415", "422", "429", "503"}
    assert parse_report(json.dumps(EXAMPLE).encode())[0] == EXAMPLE["agent_key"]


def document_for(key: str) -> dict[str, Any]:
    """Return the document with one key as the only sound one, since whatever else is right is right for it alone."""
    made = document()
    report = made["components"]["schemas"]["Report"]
    report["properties"]["agent_key"] = {"const": key}
    del report["examples"]
    return made


def fuzz(
    station: Station, port: int, made: dict[str, Any], *options: str, patience_s: float = 120.0
) -> tuple[int, int, str]:
    """Let the fuzzer try a document on a receiver; returns its exit code, how many requests it made, what it said."""
    (station.folder / "schemathesis.toml").write_text(CONFIGURATION)
    (station.folder / "openapi.json").write_text(json.dumps(made))
    done = subprocess.run(
        [FUZZER, "run", "openapi.json", "--url", f"http://127.0.0.1:{port}", "--no-color", "--no-shrink", *options],
        capture_output=True,
        text=True,
        env=station.environ,
        cwd=station.folder,
        timeout=patience_s,
        check=False,
    )
    cases = re.search(r"(\d+) generated", done.stdout)
    return done.returncode, int(cases[1]) if cases else 0, done.stdout + done.stderr


QUICK = ("--generation-deterministic", "--phases", "coverage,fuzzing", "-n", "25")
LONG = ("--phases", "coverage,fuzzing", "-n", "3000")

ENOUGH_STORED = 60
"""A fuzzer that is refused at the door proves nothing; how many of its reports are sound is its dice's affair."""


@pytest.mark.parametrize(
    ("options", "least"), [(QUICK, 250), pytest.param(LONG, 3000, marks=pytest.mark.slow)], ids=["quick", "long"]
)
def test_the_receiver_keeps_to_its_document(station: Station, options: tuple[str, ...], least: int) -> None:
    (key,) = station.create("web")
    with station.serving("--max-report-rate", "0") as served:
        code, cases, said = fuzz(station, served.port, document_for(key), *options, patience_s=LONG_S)
        assert code == 0, said
        assert cases >= least, said
        assert "status=5" not in served.said()
        assert len(station.history("web")) > ENOUGH_STORED
        assert key not in served.said()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("components", "schemas", "Report", "properties", "load_1m"), {"type": "number", "maximum": 2e6}),
        (("components", "schemas", "Ok", "properties", "status"), {"const": "fine"}),
        (("paths", "/healthz", "get", "responses"), {"204": {"description": "It does."}}),
    ],
    ids=["bound", "answer", "status"],
)
def test_a_document_that_is_wrong_is_noticed(station: Station, place: tuple[str, ...], wrong: dict[str, Any]) -> None:
    (key,) = station.create("web")
    made = part = document_for(key)
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = wrong
    with station.serving("--max-report-rate", "0") as served:
        code, _, said = fuzz(station, served.port, made, *QUICK)
    assert code == 1, said
