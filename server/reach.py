"""Where agents are sent, and what may keep them from getting there: other addresses, a container around."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.address import WILDCARDS, host_of, interface_addresses, is_local, reachable_url

MOST_SHOWN = 6
"""Addresses that are named at once: a machine that runs containers has dozens."""

CONTAINER_FILES = (".dockerenv", "run/.containerenv", "run/systemd/container")
_CONTAINER_GROUP = re.compile(r"docker|kubepods|libpod|containerd|crio|/lxc|lxc\.payload")


@dataclass(frozen=True, slots=True)
class Reach:
    """What install lines name as the receiver: `url`, the machine's `others`, and whether it is in a container.

    Where people have said how agents reach it, there is nothing to add to the URL.
    """

    url: str
    others: tuple[str, ...] = ()
    in_container: bool = False

    @property
    def address(self) -> str:
        """The host that the URL names."""
        return host_of(self.url)


def find_reach(host: str | None, port: int, public_url: str | None, *, tls: bool = False) -> Reach:
    """Return where agents reach a receiver that is bound to `host` (None: all interfaces) and `port`, as it is now."""
    if public_url:
        return Reach(public_url)
    url = reachable_url(host, port, tls=tls)
    listened = interface_addresses(WILDCARDS.get(host, ()))
    others = tuple(each for each in listened if each != host_of(url))
    return Reach(url, others, not is_local(url) and is_in_container(Path("/"), os.environ))


def is_in_container(root: Path, environ: Mapping[str, str]) -> bool:
    """Return whether a process whose files begin at `root` seems to run in a container."""
    if environ.get("container") or any((root / name).exists() for name in CONTAINER_FILES):
        return True
    try:
        return _CONTAINER_GROUP.search((root / "proc/1/cgroup").read_text(errors="replace")) is not None
    except OSError:
        return False


def container_warning(url: str) -> str:
    """Return what to say of a URL that only a container's own network may know."""
    return (
        f"This receiver seems to run in a container: agents elsewhere may not reach {host_of(url)}."
        " Set public_url (--public-url) to where they do."
    )


def others_note(url: str, others: Sequence[str]) -> str | None:
    """Return which address was taken and which others there are, None if there are none."""
    if not others:
        return None
    more = f" and {len(others) - MOST_SHOWN} more" if len(others) > MOST_SHOWN else ""
    return (
        f"Agents are sent to {host_of(url)}; this machine is also {', '.join(others[:MOST_SHOWN])}{more}."
        " For another address: agentmon monitor key NAME --line linux --url URL."
    )
