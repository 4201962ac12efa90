"""What a program has switched on at its terminal and not off again, read out of all that it wrote."""

import re

SWITCH = re.compile(rb"\x1b\[(?:\?(?P<mode>\d+)(?P<way>[hl])|(?P<keyboard>[<>])\d*u)")
USUALLY_ON = {b"7", b"25"}
"""Line wrap and the cursor: on before, so it is off that has to be undone."""


def left_behind(written: bytes) -> set[bytes]:
    """Return the private modes (`keyboard` for kitty's protocol) that are not as a terminal is found."""
    found: dict[bytes, bool] = {}
    for match in SWITCH.finditer(written):
        if match["keyboard"]:
            found[b"keyboard"] = match["keyboard"] == b">"
        else:
            found[match["mode"]] = (match["way"] == b"h") != (match["mode"] in USUALLY_ON)
    return {mode for mode, changed in found.items() if changed}
