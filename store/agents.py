"""Which agent sent a report, by its User-Agent, and whether it is older than those that this release ships."""

import re
from functools import lru_cache

from store.models import AgentInfo

SHIPPED_VERSION = "0.2.0"
"""That of the package and of the agents in it, as a test makes sure: looking it up would slow every command down."""

MAX_USER_AGENT = 96
"""Characters; none of our agents sends more."""

_OURS = re.compile(
    r"agentmon-agent/([0-9A-Za-z][0-9A-Za-z.+-]{0,31}) \((sh|psutil|powershell); (linux|freebsd|macos|windows)\)"
)
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def parse_user_agent(user_agent: str) -> AgentInfo | None:
    """Return the agent that a User-Agent names, None for any but ours; what is returned is safe to show."""
    return _parse(user_agent) if len(user_agent) <= MAX_USER_AGENT else None


@lru_cache(maxsize=256)
def _parse(user_agent: str) -> AgentInfo | None:
    # A fleet has few different ones: its monitors share the result, and a report that is like others costs a look-up.
    match = _OURS.fullmatch(user_agent)
    return AgentInfo(*match.groups()) if match else None


def user_agent_of(agent: AgentInfo) -> str:
    """Return the User-Agent that names an agent."""
    return f"agentmon-agent/{agent.version} ({agent.kind}; {agent.system})"


def is_old(agent: AgentInfo, shipped: str = SHIPPED_VERSION) -> bool:
    """Return whether an agent has a lower version than the `shipped` one; only dotted numbers are compared."""
    version, newest = _release(agent.version), _release(shipped)
    return version is not None and newest is not None and version < newest


def _release(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a dotted version, without zeros at its end: 0.2 is 0.2.0. None for other versions."""
    if not _RELEASE.fullmatch(version):
        return None
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
