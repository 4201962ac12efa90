"""The checksums that people compare a downloaded agent script with."""

import hashlib
import urllib.request

from tests.e2e.harness import PATIENCE_S, Served


def test_the_checksums_are_those_of_what_the_receiver_serves(shared: Served) -> None:
    shown = [line.split("  ") for line in shared.station.ok("agent", "--checksum").splitlines()]
    assert [name for _, name in shown] == ["agent.ps1", "agent.sh"]
    for checksum, name in shown:
        with urllib.request.urlopen(f"http://127.0.0.1:{shared.port}/{name}", timeout=PATIENCE_S) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == checksum
