"""systemd's managers, asked by systemctl: the machine's, or a user's own."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentmon.service_unit import NAME
from store.errors import AgentmonError
from store.files import replace_file, require_replaceable

BOOTED = Path("/run/systemd/system")
"""Is there if systemd runs the machine (sd_booted(3))."""

SYSTEM_UNITS = Path("/etc/systemd/system")
LINGERING = Path("/var/lib/systemd/linger")

TIMEOUT_S = 960.0
"""Beyond the time that the unit itself may take to start."""

PROPERTIES = "UnitFileState,ActiveState,SubState,ActiveEnterTimestampMonotonic,StatusText"


class SystemdError(AgentmonError):
    """systemd is not there or has refused; the message is its own."""


@dataclass(frozen=True, slots=True)
class Systemd:
    """A manager of units, and the folder for those that an administrator, or the user, writes."""

    system: bool
    folder: Path

    @property
    def unit(self) -> Path:
        """The receiver's unit file."""
        return self.folder / NAME

    @property
    def journal(self) -> str:
        """The command that shows what the unit said."""
        return f"journalctl {'--unit' if self.system else '--user-unit'} {NAME}"

    def do(self, *words: str) -> str:
        """Run systemctl and return what it prints; raises `SystemdError`."""
        return run("systemctl", *(() if self.system else ("--user",)), *words)

    def show(self) -> Mapping[str, str]:
        """Return the unit's `PROPERTIES`."""
        lines = self.do("show", NAME, f"--property={PROPERTIES}").splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def write(self, text: str) -> bool:
        """Write the unit; returns whether it is another than before. Raises `SystemdError`."""
        try:
            require_replaceable(self.unit)  # a unit that was masked is a link to the null device
            if self.unit.exists() and self.unit.read_text(encoding="utf-8") == text:
                return False
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.unit, text, 0o644)
        except OSError as error:
            raise SystemdError(f"cannot write {self.unit}: {error.strerror}") from error
        return True

    def last_words(self) -> str:
        """Return the last error that agentmon itself wrote to the journal, empty if it cannot be had."""
        try:
            said = run(*self.journal.split(), "--lines=20", "--output=cat", "--no-pager").splitlines()
        except SystemdError:
            return ""
        return next((line for line in reversed(said) if line.startswith("agentmon: ")), "").removeprefix("agentmon: ")


def own_systemd() -> Systemd:
    """Return the manager that this user may tell what to do: the machine's for root."""
    return system_systemd() if os.geteuid() == 0 else user_systemd()


def system_systemd() -> Systemd:
    """Return the machine's manager."""
    return Systemd(True, SYSTEM_UNITS)


def user_systemd() -> Systemd:
    """Return the manager of this user."""
    from agentmon.folders import NO_HOME, config_folder

    folder = config_folder()
    if folder is None:
        raise SystemdError(f"{NO_HOME}, and so no services of its own")
    return Systemd(False, folder.parent / "systemd" / "user")


def require_systemd() -> None:
    """Raise `SystemdError` where systemd does not run the machine."""
    if shutil.which("systemctl") is None or not BOOTED.is_dir():
        raise SystemdError("systemd does not run this machine; agentmon service install --print shows the unit")


def lingers(user: str) -> bool:
    """Return whether a user's services run on without a session."""
    return (LINGERING / user).exists()


def run(*words: str) -> str:
    """Run one of systemd's programs and return what it prints; raises `SystemdError` with what it complains of."""
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else "it takes too long"
        raise SystemdError(f"cannot run {words[0]}: {reason}") from error
    if done.returncode:
        complaint = done.stderr.strip().splitlines()
        raise SystemdError(f"{words[0]}: {complaint[0] if complaint else f'exit {done.returncode}'}")
    return done.stdout
