"""How far apart two reports must be for what their counters moved to be a rate."""

LEAST_ELAPSED_S = 0.2
"""However often a server reports, and while its interval is not known: two reports of one moment make no rate."""

LEAST_PART = 0.25
"""Of the usual interval: a report that comes right after another one has nothing to say of a rate."""

STAMP_SLACK_MS = 50
"""How far the stamps of two reports may be from the time between them before that is stored beside them."""

UNKNOWN_MS = 0
"""Stored as the time between two reports if nothing tells it."""


def least_elapsed_s(interval_s: float | None) -> float:
    """Return the least time between two reports that makes a rate, by the learned interval."""
    return max(LEAST_ELAPSED_S, LEAST_PART * (interval_s or 0.0))


def rate(before: int | None, now: int | None, elapsed_s: float | None, interval_s: float | None) -> float | None:
    """Return by how much a counter moved a second, None if it began anew or the time is unknown or too short."""
    if before is None or now is None or now < before:
        return None
    if elapsed_s is None or elapsed_s < least_elapsed_s(interval_s):
        return None
    return (now - before) / elapsed_s
