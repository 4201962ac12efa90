"""The systemd unit of the receiver, as text, and what the walls around it hide."""

import re
import shlex
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentmon.options import SYSTEM_DATABASE, SYSTEM_USER

NAME = "agentmon.service"

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""What the system's service does not see (ProtectHome, PrivateTmp)."""

SYSUSERS_LINE = f'u {SYSTEM_USER} - "agentmon receiver" {SYSTEM_DATABASE.parent}'
"""The account in the words of sysusers.d(5): one of its own that stays, so that a TLS key can be given to it."""

PLAIN = re.compile(r"[A-Za-z0-9_@:,./=+-]+")


@dataclass(frozen=True, slots=True)
class Service:
    """What the unit is to run, for the whole system or for one user.

    `low_port` is one that only the privileged may listen on; `sees_disks` means that the receiver also reports its own
    machine, whose file systems it then must see.
    """

    command: tuple[str, ...]
    system: bool
    low_port: bool = False
    sees_disks: bool = False


def unit_text(service: Service) -> str:
    """Return the unit file."""
    wanted_by = "multi-user.target" if service.system else "default.target"
    sections = (
        ("Unit", ("Description=agentmon, the receiver of the agents' reports", *_order(service))),
        ("Service", (*_running(service), "", *_walls(service))),
        ("Install", (f"WantedBy={wanted_by}",)),
    )
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections)


def database_of(unit: str) -> Path | None:
    """Return the database that a unit file names, None if it names none."""
    line = next((line for line in unit.splitlines() if line.startswith("ExecStart=")), "")
    words = shlex.split(line.partition("=")[2].replace("%%", "%").replace("$$", "$"))
    return Path(words[words.index("--db") + 1]) if "--db" in words[:-1] else None


def out_of_reach(paths: Iterable[Path]) -> Path | None:
    """Return the first of these paths that a hardened service of another user cannot read, None if it can all."""
    return next((path for path in paths if _is_hidden(path.resolve()) or not _is_open(path.resolve())), None)


def _is_hidden(path: Path) -> bool:
    return any(path.is_relative_to(Path(hidden).resolve()) for hidden in HIDDEN)


def _is_open(path: Path) -> bool:
    """Return whether others may read a file or folder and pass through all that it lies in."""
    reads = path.stat().st_mode & stat.S_IROTH
    return bool(reads) and all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents if folder.name)


def _order(service: Service) -> tuple[str, ...]:
    # The address that agents are sent to is looked up at the start.
    return ("Wants=network-online.target", "After=network-online.target") if service.system else ()


def _running(service: Service) -> tuple[str, ...]:
    own = (f"User={SYSTEM_USER}", "StateDirectory=agentmon", "StateDirectoryMode=0700") if service.system else ()
    return (
        *((f"# The user is made by: systemd-sysusers --inline '{SYSUSERS_LINE}'",) if service.system else ()),
        "Type=notify",
        f"ExecStart={' '.join(_quoted(word) for word in service.command)}",
        *own,
        "UMask=0077",
        "# A watchdog that bites leaves a trace in the journal, and no core, which would hold the keys.",
        "Environment=PYTHONFAULTHANDLER=1",
        "LimitCORE=0",
        "LimitNOFILE=65536",
        "# Starting may bring a large database up to date; stopping takes 10 s at most.",
        "TimeoutStartSec=15min",
        "TimeoutStopSec=20s",
        "WatchdogSec=60s",
        "Restart=on-failure",
        "RestartSec=5s",
        "# 2 is wrong usage, which no restart mends.",
        "RestartPreventExitStatus=2",
        "# The receiver ends its couriers itself.",
        "KillMode=mixed",
        "OOMPolicy=continue",
    )


def _walls(service: Service) -> tuple[str, ...]:
    """Return what the service may not do; a user's manager can only set what needs no privilege."""
    anywhere = (
        "NoNewPrivileges=yes",
        "LockPersonality=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallErrorNumber=EPERM",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
    )
    return (*anywhere, *_system_walls(service)) if service.system else anywhere


def _system_walls(service: Service) -> tuple[str, ...]:
    capabilities = "CAP_NET_BIND_SERVICE" if service.low_port else ""
    return (
        f"CapabilityBoundingSet={capabilities}",
        f"AmbientCapabilities={capabilities}",
        # In a user namespace of its own it could not use the capability, and zfs would show it no pool.
        f"PrivateUsers={'no' if service.low_port or service.sees_disks else 'yes'}",
        *_readings(service),
        "PrivateTmp=yes",
        "ProtectClock=yes",
        f"ProtectHome={'read-only' if service.sees_disks else 'yes'}",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectSystem=strict",
        "RemoveIPC=yes",
    )


def _readings(service: Service) -> tuple[str, ...]:
    """Return what of /proc and /dev it sees: nothing but its own, unless it reports its own machine.

    For each of the options on /proc, systemd mounts a new one in containers that allow it (LXC), and that shows the
    host's memory and CPU: what lxcfs put in their place is not in it.
    """
    if service.sees_disks:
        return ("# zfs tells how full its pools are, and opens its device for writing even to read.",
                "DevicePolicy=closed", "DeviceAllow=/dev/zfs rw")  # fmt: skip
    return "PrivateDevices=yes", "ProtectControlGroups=yes", "ProtectKernelTunables=yes", "ProtectProc=invisible"


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back (systemd.service(5), "Command lines")."""
    word = word.replace("%", "%%").replace("$", "$$")
    if PLAIN.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
