"""What keeps an agent from working, as one line that a person can act on."""


class AgentError(Exception):
    """The base of the agent's errors; `str()` of one is its single line and never holds the key."""


class SettingsError(AgentError):
    """The receiver's URL, the key or the CA is missing, malformed, unreadable or readable by others."""


class UsageError(SettingsError):
    """Nothing says where the receiver is or with which key, or its URL is none: wrong usage, for `agent.sh` as well."""


class MeasureError(AgentError):
    """The machine does not tell a figure that a report must have."""


class ToolError(AgentError):
    """A tool of the system (zfs, vm_stat) is missing, fails, or does not end."""
