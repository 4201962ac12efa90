"""What the system, the host and the kernel call themselves."""

import platform
import re
import socket
from collections.abc import Mapping

from agent.figures import valid_text
from agent.readings import freebsd
from agent.system import below_root, this_system

MAX_TEXT = 255


def read_names() -> dict[str, object]:
    """Return the names of the operating system, the host and the kernel, as far as they have one."""
    names = {"os": os_name(), "hostname": socket.gethostname(), "kernel": platform.release()}
    return {name: valid_text(value).replace("\0", "")[:MAX_TEXT] or None for name, value in names.items()}


def os_name() -> str:
    """Return what the distribution calls itself; elsewhere the system and its version."""
    system = this_system()
    if system == "linux":
        return _linux_name()
    if system == "macos":
        return f"macOS {platform.mac_ver()[0]}".strip()
    if system == "freebsd" and (version := freebsd.version()):
        return f"FreeBSD {version}"
    return f"{platform.system()} {platform.release()}".strip()


def _linux_name() -> str:
    synology = assignments(_text("etc.defaults/VERSION"))
    if "productversion" in synology:
        return f"Synology {synology.get('os_name') or 'DSM'} {synology['productversion']}"
    values = assignments(_text("etc/os-release") or _text("usr/lib/os-release"))
    name = values.get("PRETTY_NAME") or f"{values.get('NAME', '')} {values.get('VERSION', '')}".strip()
    return name or "Linux"


def _text(path: str) -> str:
    try:
        return below_root(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def assignments(text: str) -> Mapping[str, str]:
    """Return the variables of an os-release file, as freedesktop describes it; of a name twice the last one holds.

    It is read, never run. What is no plain assignment is passed over.
    """
    values = {}
    for line in text.split("\n"):
        match = re.fullmatch(r"""\s*([A-Za-z_][A-Za-z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']*))\s*""", line)
        if match:
            name, double, single, plain = match.groups()
            quoted = double if double is not None else plain
            values[name] = single if single is not None else re.sub(r"\\([\\$\"'`])", r"\1", quoted or "")
    return values
