"""How a report writes percentages, sizes and text: as the shell agent does, to the digit."""

import math
import re

UNITS = "KMGTPE"


def percent(part: float, whole: float) -> float:
    """Return `part` of `whole` in percent, 0 to 100, with one decimal; 0 of nothing is 0."""
    if whole <= 0:
        return 0.0
    return round(min(100.0, max(0.0, 100 * part / whole)), 1)


def human(size: int) -> str:
    """Return `size` bytes as `df -h` writes them: powers of 1024, rounded up, "9.8G", "50G", "0"."""
    kib = math.ceil(size / 1024)
    if kib <= 0:
        return "0"
    value, unit = float(kib), 0
    while math.ceil(value) >= 1024:
        value, unit = value / 1024, unit + 1
    tenths = math.ceil(value * 10)
    return f"{tenths / 10:.1f}{UNITS[unit]}" if tenths < 100 else f"{math.ceil(value)}{UNITS[unit]}"


def valid_text(text: str) -> str:
    """Return `text` with each byte that was no UTF-8 (a lone surrogate in Python's file names) as U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
