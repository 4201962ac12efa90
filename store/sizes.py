"""The sizes that agents send as text ("50G", "9.8M", "512"), read back as numbers."""

import re
from functools import lru_cache

UNITS = "KMGTPE"
_SIZE = re.compile(rf"\s*(\d+(?:[.,]\d+)?)\s*([{UNITS}]?)i?B?\s*", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=4096)  # the same few come again and again
def kibibytes(text: str | None) -> int | None:
    """Return a size in KiB, units being powers of 1024 as `df -h` has them; None for what is no size."""
    match = _SIZE.fullmatch(text or "")
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    power = UNITS.index(match[2].upper()) if match[2] else -1
    size = number * 1024.0**power
    return round(size) if size < 2**62 else None
