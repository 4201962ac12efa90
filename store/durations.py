"""Spans of time as people write and read them: "90s", "15m", "2h", "1d"; "3h 12m"."""

import re

_TYPED = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([smhd]?)", re.ASCII)
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float | None:
    """Return the seconds of a time as typed, zero included; None if it is none."""
    match = _TYPED.fullmatch(text.strip())
    return float(match[1]) * _UNIT_S[match[2]] if match else None


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units: "45s", "1m 30s", "3h 12m", "5d 4h"."""
    left = int(max(seconds, 0))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2])
