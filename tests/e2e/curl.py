"""A report as people send it by hand."""

import json
import subprocess
from typing import Any

from tests.agent.shells import need
from tests.e2e.harness import PATIENCE_S, Station

CURL = [
    "-q",
    "-sS",
    "--fail-with-body",
    "--noproxy",
    "*",
    "-H",
    "Content-Type: application/json",
    "--data-binary",
    "@-",
]


def curl_report(station: Station, port: int, report: dict[str, Any]) -> dict[str, Any]:
    """Post a report as people do by hand and return the answer."""
    done = subprocess.run(
        [need("curl"), *CURL, f"http://127.0.0.1:{port}/agent/report"],
        input=json.dumps(report),
        capture_output=True,
        text=True,
        env=station.environ,
        check=True,
        timeout=PATIENCE_S,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
