"""A report with every field, and what must come back of it."""

from typing import Any

FULL = {
    "cpu_usage": 23.5,
    "cpu_iowait": 1.25,
    "memory_usage": 67.4,
    "memory_total_mb": 8192,
    "swap_usage": 5.0,
    "disk_usage": [
        {"mount": "/", "usage": 45.0, "size": "50G", "used": "22G", "avail": "28G"},
        {"mount": "/srv/data", "usage": 91.25, "size": "1.8T", "used": "1.7T", "avail": "164G"},
    ],
    "network_rx_bytes": 9223372036854775807,
    "network_tx_bytes": 987654321,
    "load_1m": 0.5,
    "load_5m": 0.3,
    "load_15m": 0.25,
    "os": "Debian GNU/Linux 12 (bookworm)",
    "hostname": "wëb-1.example.net",
    "kernel": "6.1.0-18-amd64",
}
"""Every field of the table but the key, with values that binary floating point and 64 bits can hold exactly."""

NUMBERS = {name for name, value in FULL.items() if isinstance(value, int | float)}
MOUNT_FIELDS = ("mount", "usage", "size", "used", "avail")


def as_strings(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report with its numbers as the shell agents now and then send them."""
    texts = {name: str(value) if name in NUMBERS else value for name, value in report.items()}
    texts["disk_usage"] = [mount | {"usage": str(mount["usage"])} for mount in report["disk_usage"]]
    return texts


def coming_back(report: dict[str, Any]) -> dict[str, Any]:
    """Return what `status` and `history` must show of a report in JSON types: absent values are null, mounts whole."""
    shown = {name: report.get(name) for name in FULL}
    shown["disk_usage"] = [{name: mount.get(name) for name in MOUNT_FIELDS} for mount in report["disk_usage"]]
    return shown


def fields_of(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the report's fields of one monitor of `status --json` or of one row of `history --json`."""
    return {name: stored[name] for name in FULL}
