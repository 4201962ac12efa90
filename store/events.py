"""What happened: the events that people read and alerts are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from store.models import Monitor


class EventKind(StrEnum):
    """What an event tells of; the comment is what stands in its detail beside nothing."""

    UP = "up"  # was: pending or down; for_s: for how long
    DOWN = "down"  # silence_s
    DEGRADED = "degraded"  # metric, mount, level, value, limit, since (ms), for_s
    RECOVERED = "recovered"  # the same; value None if it is reported no more
    REBOOTED = "rebooted"  # silence_s
    SILENCE = "silence"  # monitors: how many; silence_s; before, address: if the receiver has moved meanwhile
    REPORTS_AGAIN = "reports_again"  # for_s
    SHARED_KEY = "shared_key"  # hostnames, addresses: lists of two
    KEY_ROTATED = "key_rotated"
    OLD_KEY_USED = "old_key_used"  # address
    NEW_KEY_USED = "new_key_used"  # for_s: how long the old key still worked
    CREATED = "created"
    RENAMED = (
        "renamed"  # before: the old name; normalised: true if agentmon did it, as names that read the same are one
    )
    EDITED = "edited"  # tags: all that it has now, note: whether it has one now; only what was changed
    DELETED = "deleted"
    PAUSED = "paused"  # for_s, None until resumed
    RESUMED = "resumed"  # for_s; by_itself: whether its time was over
    SET = "set"  # settings: what was changed
    RECEIVER_STARTED = "receiver_started"  # off_s: since the last one ran, None for the first; killed
    RECEIVER_STOPPED = "receiver_stopped"  # for_s: how long it ran
    RECEIVER_MOVED = "receiver_moved"  # before, address: what install lines named and name now
    CLOCK_SET = "clock_set"  # by_s: less than 0 if back; says (ms) if that is not believed, else None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at `at` (ms); `id` rises with time and is 0 before it is stored.

    `monitor` is the name that the monitor had then; it may have another now, or be gone. None for what is about no
    single one. `detail` holds JSON values, see `EventKind`.
    """

    kind: EventKind
    at: int
    monitor_id: int | None = None
    monitor: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0

    @classmethod
    def of(cls, kind: EventKind, at: int, monitor: Monitor, **detail: Any) -> "Event":
        """Return an event of a monitor."""
        return cls(kind, at, monitor.id, monitor.name, detail)
