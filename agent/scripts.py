"""The agent scripts that this package carries, for whoever serves them."""

from importlib.resources import files


def read_script(name: str) -> bytes:
    """Return the script `name` ("agent.ps1") as it goes to a machine; FileNotFoundError if there is none."""
    if name not in SCRIPTS:
        raise FileNotFoundError(name)
    return files("agent").joinpath(name).read_bytes()


SCRIPTS = frozenset({"agent.sh", "agent.ps1"})
