"""What FreeBSD's own tools tell that psutil does not."""

from functools import lru_cache

from agent.errors import ToolError
from agent.system import output_of

ARC = "kstat.zfs.misc.arcstats"


def zfs_cache() -> int:
    """Return the bytes that ZFS' cache gives back when programs need them; 0 without ZFS."""
    try:
        size, least = (int(word) for word in output_of("sysctl", "-n", f"{ARC}.size", f"{ARC}.c_min").split())
    except (ToolError, ValueError):
        return 0
    return max(0, size - least)


@lru_cache(maxsize=1)
def version() -> str | None:
    """Return the version with its patches ("14.1-RELEASE-p3"), asked once; None where nothing tells it."""
    try:
        return output_of("freebsd-version").strip() or None
    except ToolError:
        return None
