"""When a mount will be full, in words and by how worrying that is."""

from tui import draw

FULL_STEPS_S = (86_400.0, 7 * 86_400.0)
"""Seconds until a mount is full below which that is critical, and a warning."""


def until_full(full_at: int | None, now: int) -> tuple[str, draw.Level]:
    """Return how long (both in ms) until a mount is full, in at most 5 characters, and how worrying that is."""
    if full_at is None:
        return draw.NONE, "none"
    left = (full_at - now) / 1000
    critical, warn = FULL_STEPS_S
    # Beneath an hour the forecast is not that good.
    text = "now" if left <= 0 else "<1h" if left < 3600 else draw.ago(left)
    return text, "critical" if left < critical else "warn" if left < warn else "none"
