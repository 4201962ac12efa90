"""Which servers the fleet shows and in which order: pure functions on lists of monitors."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from store.models import Monitor, MountUsage, Status

WORST_FIRST = (Status.DOWN, Status.LATE, Status.DEGRADED, Status.PENDING, Status.UP, Status.PAUSED)

TEXT_COLUMNS = frozenset({"name", "system"})
"""Columns that start with A; all others start with the largest value."""

MOVING = frozenset({"age", "cpu", "memory", "swap", "disk", "rx", "tx", "load"})
"""Columns whose values change with every report, so that an order by them is never at rest."""

Key = Callable[[Monitor], float | str | None]


@dataclass(frozen=True, slots=True)
class Order:
    """The column that the fleet is sorted by, and whether its natural direction is turned round."""

    column: str = "status"
    turned: bool = False

    @property
    def descending(self) -> bool:
        """Whether the largest (for status the worst) comes first."""
        return (self.column not in TEXT_COLUMNS) != self.turned

    def by(self, column: str) -> "Order":
        """Return the order after `column` was asked for: asked for twice, it is turned round."""
        return replace(self, turned=not self.turned) if column == self.column else Order(column)

    def moved(self, step: int, columns: list[str]) -> "Order":
        """Return the order by the column `step` places to the right among `columns`, stopping at the ends."""
        at = columns.index(self.column) if self.column in columns else 0
        return Order(columns[min(max(at + step, 0), len(columns) - 1)])


def fullest(monitor: Monitor) -> MountUsage | None:
    """Return the mount with the highest usage, None if none was reported; ignored ones do not count."""
    disks = monitor.report.disk_usage if monitor.report else ()
    heeded = (disk for disk in disks if not monitor.policy.ignores(disk.mount))
    return max(heeded, key=lambda disk: disk.usage, default=None)


@lru_cache(maxsize=20_000)
def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts web-2 before web-10 and takes no notice of case."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text.casefold()) if part
    )


def _disk(monitor: Monitor) -> float | None:
    disk = fullest(monitor)
    return disk.usage if disk else None


def soonest_full(monitor: Monitor) -> int | None:
    """Return when (ms) the first of its mounts will be full, None if none that counts grows clearly."""
    return min((at for mount, at in monitor.full_at.items() if not monitor.policy.ignores(mount)), default=None)


def _full(monitor: Monitor) -> float | None:
    soonest = soonest_full(monitor)
    return None if soonest is None else -soonest


def _age(monitor: Monitor) -> float | None:
    return None if monitor.last_report_at is None else -monitor.last_report_at


def _of_report(field: str) -> Key:
    def key(monitor: Monitor) -> float | str | None:
        value: float | str | None = getattr(monitor.report, field, None)
        return value

    return key


def _system(monitor: Monitor) -> str | None:
    return monitor.report.os.casefold() if monitor.report and monitor.report.os else None


SORT_KEYS: dict[str, Key] = {
    "status": lambda monitor: -WORST_FIRST.index(monitor.status),
    "age": _age,
    "name": lambda monitor: 0,
    "cpu": _of_report("cpu_usage"),
    "memory": _of_report("memory_usage"),
    "swap": _of_report("swap_usage"),
    "disk": _disk,
    "full": _full,
    "rx": lambda monitor: monitor.network_rx_rate,
    "tx": lambda monitor: monitor.network_tx_rate,
    "load": _of_report("load_1m"),
    "system": _system,
}
"""What each column sorts by; None goes to the end in both directions."""


def arranged(monitors: Iterable[Monitor], order: Order) -> list[Monitor]:
    """Return the monitors in an order; equals stand by name."""
    turned_names = order.column == "name" and order.descending
    by_name = sorted(monitors, key=lambda monitor: natural(monitor.name), reverse=turned_names)
    if order.column == "name":
        return by_name
    key = SORT_KEYS[order.column]
    keyed = [(value, monitor) for monitor in by_name if (value := key(monitor)) is not None]
    # A column's values are all numbers or all text.
    keyed.sort(key=lambda pair: pair[0], reverse=order.descending)
    if len(keyed) == len(by_name):
        return [monitor for _, monitor in keyed]
    return [monitor for _, monitor in keyed] + [monitor for monitor in by_name if key(monitor) is None]


def steady(monitors: Collection[Monitor], before: Iterable[int], order: Order) -> list[Monitor]:
    """Return the monitors in the places that their ids had `before`, new ones at the end."""
    left = {monitor.id: monitor for monitor in monitors}
    kept = [left.pop(monitor_id) for monitor_id in before if monitor_id in left]
    return kept + arranged(left.values(), order)
