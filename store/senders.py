"""Who sends with one key: noticing that two machines do, as cloned ones are apt to.

Pure. What tells them apart is the hostname or the address; what makes it a matter of two machines and not of one that
was renamed or has moved is that they alternate.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

RUNS_REMEMBERED = 6
WITHIN_S = 3600.0
"""Only changes within an hour count: a laptop that goes home and back each day is one machine."""

RETURNS = 2
"""A, B, A, B: each has come back once."""


@dataclass(frozen=True, slots=True)
class Run:
    """Reports in a row from one sender; `began_s` is on the listening clock.

    `rewound` means that the network counters were not higher than those of the run before (or that there are none):
    one machine whose address changes goes on counting.
    """

    hostname: str | None
    address: str
    began_s: float
    rewound: bool


def extend_runs(
    runs: tuple[Run, ...], hostname: str | None, address: str, heard_s: float, rewound: bool
) -> tuple[Run, ...]:
    """Return the runs after one more report."""
    if runs and runs[-1].address == address and runs[-1].hostname == hostname:
        return runs
    recent = [run for run in runs[-RUNS_REMEMBERED + 1 :] if heard_s - run.began_s <= WITHIN_S]
    # What went before is forgotten, but who sent last is not: else it could not be seen to come back.
    kept = recent or list(runs[-1:])
    return (*kept, Run(hostname, address, heard_s, rewound))


def two_machines(runs: Sequence[Run]) -> tuple[Run, Run] | None:
    """Return two runs of the machines that alternate, None if one machine may have sent all."""
    if len(runs) <= RETURNS + 1:
        return None
    if _returns([run.hostname for run in runs]) >= RETURNS:
        return runs[-2], runs[-1]
    # Hosts with IPv4 and IPv6 change between the two at will.
    same_kind = [run for run in runs if _version(run.address) == _version(runs[-1].address)]
    if _returns([run.address for run in same_kind]) >= RETURNS and any(run.rewound for run in same_kind[1:]):
        return same_kind[-2], same_kind[-1]
    return None


def _returns(names: Sequence[str | None]) -> int:
    return sum(
        names[i] is not None and names[i] != names[i - 1] and names[i] in names[: i - 1] for i in range(2, len(names))
    )


def _version(address: str) -> int:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).version
    except ValueError:
        return 0
