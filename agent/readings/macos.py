"""What macOS' own tools tell better than psutil."""

import re

from agent.errors import ToolError
from agent.system import output_of

CARD = re.compile(r"en\d+")


def memory_used() -> int:
    """Return the bytes of "Memory Used" in Activity Monitor; raises ToolError.

    psutil's rule (active and wired) does not know the compressor and counts cached files as used.
    """
    return used_of(output_of("vm_stat"))


def used_of(vm_stat: str) -> int:
    """Return the bytes in use by what `vm_stat` prints; raises ToolError if that is something else."""
    size = re.search(r"page size of (\d+) bytes", vm_stat)
    pages = {name: int(count) for name, count in re.findall(r'^"?([^":\n]+)"?:\s+(\d+)\.?$', vm_stat, re.MULTILINE)}
    try:
        used = pages["Anonymous pages"] - pages["Pages purgeable"]
        used += pages["Pages wired down"] + pages["Pages occupied by compressor"]
    except KeyError as error:
        raise ToolError(f"vm_stat does not tell {error}") from error
    if size is None:
        raise ToolError("vm_stat does not tell the size of a page")
    return used * int(size[1])


def network_bytes() -> dict[str, tuple[int, int]]:
    """Return bytes in and out of each card since boot; raises ToolError.

    Since macOS 26 all programs but netstat get these counters cut to 32 bits.
    """
    return counters_of(output_of("netstat", "-ibn"))


def counters_of(netstat: str) -> dict[str, tuple[int, int]]:
    """Return bytes in and out of each card by what `netstat -ibn` prints.

    Columns are counted from the right, since a line without an address has one less.
    """
    counters = {}
    for line in netstat.splitlines():
        row = line.split()
        if len(row) < 10 or not row[2].startswith("<Link#") or not (row[-5].isdecimal() and row[-2].isdecimal()):
            continue
        name = row[0].rstrip("*")  # an asterisk says that it is down
        if CARD.fullmatch(name):
            counters[name] = int(row[-5]), int(row[-2])
    return counters
