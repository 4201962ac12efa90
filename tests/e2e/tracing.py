"""System calls, as strace writes them down."""

import subprocess

import pytest

from tests.agent.shells import need


def traceable() -> str:
    """Return the path of an strace that may trace here."""
    strace = need("strace")
    if subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace processes here")
    return strace
