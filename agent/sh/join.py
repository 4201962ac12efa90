"""The parts of `agent.sh`, which is checked, served and run as one file; `python -m agent.sh` joins them."""

from pathlib import Path

PARTS = (
    "head",
    "settings",
    "report",
    "state",
    "disks",
    "linux",
    "netstat",
    "freebsd",
    "macos",
    "send",
    "systemd",
    "launchd",
    "cron",
    "places",
    "users",
    "install",
    "main",
)
"""The parts, in the order in which they are joined."""


def joined() -> str:
    """Return the parts as one script."""
    folder = Path(__file__).parent
    return "\n".join(folder.joinpath(f"{part}.sh").read_text(encoding="utf-8") for part in PARTS)
