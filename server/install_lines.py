"""The line to paste on a server so that it gets its agent: one for each platform, with URL and key in place.

The key stands in no argument list and no environment. For sh it is a line of shell ahead of the script, on the pipe,
written by a builtin; so a download that fails installs nothing, and `sudo` need not hand any variable on.
"""

import shlex

from store.models import InstallLine

SH = ("Linux", "a shell")
POWERSHELL = ("Windows", "PowerShell as administrator")
PROTOCOLS = "[Net.ServicePointManager]::SecurityProtocol"


def install_lines(url: str, agent_key: str, pin: str | None = None) -> tuple[InstallLine, ...]:
    """Return the lines for agents that report to `url`.

    `pin` is the receiver's public key as curl has it (`sha256//BASE64`), where no public CA vouches for it.
    """
    return _for_sh(url, agent_key, pin), _for_powershell(url, agent_key)


def _for_sh(url: str, agent_key: str, pin: str | None) -> InstallLine:
    script, url = shlex.quote(f"{url}/agent.sh"), shlex.quote(url)
    fetch = f"curl -fsSLk --pinnedpubkey {pin} {script}" if pin else f"curl -fsSL {script}"
    install = f"install --url {url}" + (f" --pin {pin}" if pin else "")
    quoted = shlex.quote(agent_key)
    if quoted == agent_key:
        before, key = "(echo AGENTMON_KEY=", agent_key
    else:  # two shells read it; and echo would do as it likes with a backslash
        before, key = r"(printf '%s\n' ", shlex.quote(f"AGENTMON_KEY={quoted}")
    return InstallLine(*SH, before, key, f"; {fetch}) | `command -v sudo` sh -s -- {install}")


def _for_powershell(url: str, agent_key: str) -> InstallLine:
    key = "'" + agent_key.replace("'", "''") + "'"
    # What an older Windows PowerShell offers by itself may lack TLS 1.2; 0 is what Windows itself has, 1.3 included.
    modern = f"if ({PROTOCOLS} -ne 0) {{ {PROTOCOLS} = 'Tls12' }}; " if url.startswith("https:") else ""
    after = (
        f"; {modern}$f = \"$env:TEMP\\agent.ps1\"; iwr '{url}/agent.ps1' -UseBasicParsing -OutFile $f; "
        f"if ($?) {{ powershell -ExecutionPolicy Bypass -File $f install -Url '{url}' }}; $env:AGENTMON_KEY = ''"
    )
    return InstallLine(*POWERSHELL, "$env:AGENTMON_KEY = ", key, after)
