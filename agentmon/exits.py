"""Exit codes: the one place that knows them (CONTRACT section 3)."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ends; `status` alone uses the last three with a meaning of its own."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    STATUS_WARNING = 1
    STATUS_DOWN = 2
    STATUS_UNKNOWN = 3
