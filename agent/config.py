"""Where an agent reports to and with which key: arguments, then the environment, then what `install` wrote."""

import os
import re
import ssl
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from agent.errors import SettingsError, UsageError

SYSTEM_CONF = Path("/etc/agentmon-agent/agent.conf")
"""What `agent.sh install` writes as root; lines of NAME=value, as in the user's own file."""

KEY_SHAPE = re.compile(r"[!-~]{1,128}")
OUR_KEY = re.compile(r"amk_[0-9A-Za-z]{40}")
HIDDEN_KEY = re.compile(r"(amk_)?[*\u2022\u25cf\u00b7\u2219\u2026.]+")
"""What stands for a key that is not revealed, in our console and elsewhere: dots, asterisks, an ellipsis."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """A receiver's URL without a trailing slash and the key; `repr()` does not show the key.

    `cacert` is a PEM file to trust instead of the system's; `use_proxies` off ignores the proxy variables,
    as one must on loopback. `trust` makes the TLS context of each report, for whoever knows the receiver better.
    """

    url: str
    key: str = field(repr=False)
    cacert: Path | None = None
    use_proxies: bool = True
    trust: Callable[[], ssl.SSLContext] | None = None

    def __post_init__(self) -> None:
        """Raise SettingsError for a URL or a key of the wrong shape."""
        object.__setattr__(self, "url", checked_url(self.url))
        object.__setattr__(self, "key", checked_key(self.key))


def resolve_settings(
    url: str | None, key_file: Path | None, cacert: Path | None, environ: Mapping[str, str]
) -> AgentSettings:
    """Return the settings in force: each argument wins over the environment, that over what `install` wrote.

    Raises SettingsError, of which UsageError if one is missing.
    """
    stored = stored_settings(environ)
    where = url or environ.get("AGENTMON_URL") or stored.get("AGENTMON_URL")
    if not where:
        raise UsageError("nothing says where the receiver is: give --url or set AGENTMON_URL")
    ca = cacert or _path(environ, "AGENTMON_CA") or _path(stored, "AGENTMON_CA")
    if ca is not None:
        _check_ca(ca)
    return AgentSettings(where, _find_key(key_file, environ, stored), ca)


def _find_key(key_file: Path | None, environ: Mapping[str, str], stored: Mapping[str, str]) -> str:
    named = key_file or _path(environ, "AGENTMON_KEY_FILE")
    if named is not None:
        return read_key_file(named)
    if environ.get("AGENTMON_KEY"):
        return environ["AGENTMON_KEY"]
    named = _path(stored, "AGENTMON_KEY_FILE")
    if named is not None:
        return read_key_file(named)
    raise UsageError("no key: give --key-file, or set AGENTMON_KEY_FILE or AGENTMON_KEY")


def _check_ca(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise SettingsError(f"cannot use the CA certificate {path}: there is none in it") from error
    except OSError as error:
        raise SettingsError(f"cannot use the CA certificate {path}: {error.strerror}") from error


def _path(values: Mapping[str, str], name: str) -> Path | None:
    value = values.get(name)
    return Path(value) if value else None


def stored_settings(environ: Mapping[str, str], system: Path = SYSTEM_CONF) -> dict[str, str]:
    """Return what `agent.sh install` wrote: the system's file if it can be read, else the user's; else nothing."""
    base = environ.get("XDG_CONFIG_HOME") or (environ.get("HOME", "/nonexistent") + "/.config")
    for path in (system, Path(base, "agentmon-agent", "agent.conf")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        pairs = (line.partition("=") for line in text.splitlines())
        return {name: value for name, _, value in pairs}
    return {}


def read_key_file(path: Path) -> str:
    """Return the key on the first line of `path`; SettingsError if it is unreadable, malformed or not private."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            line = file.readline(1024)
    except OSError as error:
        raise SettingsError(f"cannot read the key file {path}: {error.strerror}") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"others may read the key file {path}: chmod 600 it")
    return checked_key(line.decode("utf-8", errors="replace"))


def checked_key(key: str) -> str:
    """Return `key` without blanks around it; raise SettingsError, which does not repeat it, if it can be none.

    A receiver also takes keys that it did not make, of any shape; one that begins like ours has to be whole.
    """
    key = key.strip()
    if not key:
        raise SettingsError("the agent key is empty")
    if HIDDEN_KEY.fullmatch(key):
        raise SettingsError("the agent key was copied while hidden: press v or i in the console")
    if not KEY_SHAPE.fullmatch(key):
        raise SettingsError("the agent key is malformed: 1 to 128 printable ASCII characters without spaces")
    if key.startswith("amk_") and not OUR_KEY.fullmatch(key):
        raise SettingsError("the agent key is not whole: amk_ and 40 letters and digits; copy it again")
    return key


def checked_url(url: str) -> str:
    """Return the receiver's URL without trailing slashes; raise UsageError if it can be none."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise UsageError("the receiver's URL looks like http://HOST:PORT or https://HOST:PORT")
    if not _plain(parts, url):
        raise UsageError("the receiver's URL holds something that does not belong there (user, query, space)")
    return url.rstrip("/")


def _plain(parts: SplitResult, url: str) -> bool:
    return not (parts.query or parts.fragment or "@" in parts.netloc) and re.fullmatch("[!-~]+", url) is not None
