"""The recent course of one server's readings, folded into short bins so that an hour stays small.

A server may report once a minute or twenty times a second; either way an hour is `SPAN_MS / BIN_MS` bins, added
to as reports come and cheap to draw in any width.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from store.models import Report, Sample

SPAN_MS = 3_600_000
BIN_MS = 15_000

HOLD_INTERVALS = 1.5
"""Silence of so many intervals is no gap yet: the last value stands until then, as it does for the status."""

DEFAULT_INTERVAL_S = 60.0


class Series(IntEnum):
    """The readings whose course is kept; the rates are bytes per second, computed from the counters."""

    CPU = 0
    IOWAIT = 1
    MEMORY = 2
    SWAP = 3
    RX = 4
    TX = 5
    LOAD_1 = 6
    LOAD_5 = 7
    LOAD_15 = 8


@dataclass(slots=True)
class _Bin:
    """Sums and counts of the values of `BIN_MS`, by series."""

    index: int
    sums: list[float] = field(default_factory=lambda: [0.0] * len(Series))
    counts: list[int] = field(default_factory=lambda: [0] * len(Series))

    def add(self, values: tuple[float | None, ...]) -> None:
        """Count in the values of one report."""
        for series, value in enumerate(values):
            if value is not None:
                self.sums[series] += value
                self.counts[series] += 1


def counter_rate(before: int | None, after: int | None, elapsed_ms: int) -> float | None:
    """Return the bytes per second between two readings of a counter, None if it is absent or was reset."""
    if before is None or after is None or after < before or elapsed_ms <= 0:
        return None
    return (after - before) * 1000 / elapsed_ms


def _values(sample: Sample, previous: Sample | None) -> tuple[float | None, ...]:
    """Return the values of all series in their order, rates against the previous report."""
    new, rx, tx = sample.report, None, None
    if previous is not None:
        old, elapsed = previous.report, sample.at - previous.at
        rx = counter_rate(old.network_rx_bytes, new.network_rx_bytes, elapsed)
        tx = counter_rate(old.network_tx_bytes, new.network_tx_bytes, elapsed)
    usages = (new.cpu_usage, new.cpu_iowait, new.memory_usage, new.swap_usage)
    return (*usages, rx, tx, new.load_1m, new.load_5m, new.load_15m)


class Course:
    """What a server reported during the last hour; reports must be added oldest first, each once."""

    def __init__(self) -> None:
        """Start empty."""
        self._bins: deque[_Bin] = deque()
        self._last: Sample | None = None

    @property
    def last_at(self) -> int | None:
        """When the newest added report came, in UTC milliseconds."""
        return None if self._last is None else self._last.at

    def add(self, samples: Iterable[Sample]) -> None:
        """Count in reports that are newer than all before, and forget what is older than the span."""
        for sample in samples:
            index = sample.at // BIN_MS
            if not self._bins or self._bins[-1].index < index:
                self._bins.append(_Bin(index))
            self._bins[-1].add(_values(sample, self._last))
            self._last = sample
        while self._bins and self._bins[0].index < self._bins[-1].index - SPAN_MS // BIN_MS:
            self._bins.popleft()

    def cells(self, series: Series, now: int, width: int, interval_s: float | None = None) -> list[float | None]:
        """Return the averages of the hour until `now` in `width` cells of equal time, oldest first.

        A cell without a report repeats the one before unless the silence is longer than `HOLD_INTERVALS` of
        `interval_s`; then it is None. Cells start at fixed times, so that a course moves, never flickers.
        """
        if width <= 0:
            return []
        bins_per_cell = math.ceil(SPAN_MS / BIN_MS / width)
        hold_ms = HOLD_INTERVALS * 1000 * (interval_s or DEFAULT_INTERVAL_S)
        first = now // BIN_MS // bins_per_cell - width + 1
        sums, counts = self._fold(series, first, width, bins_per_cell)
        cells: list[float | None] = []
        held, held_until = None, -math.inf
        for cell, (total, count) in enumerate(zip(sums, counts, strict=True)):
            start = (first + cell) * bins_per_cell * BIN_MS
            if count:
                held, held_until = total / count, start + bins_per_cell * BIN_MS + hold_ms
            cells.append(held if start < held_until else None)
        return cells

    def _fold(self, series: Series, first: int, width: int, bins_per_cell: int) -> tuple[list[float], list[int]]:
        """Return sums and counts of one series in `width` cells from cell number `first`."""
        sums, counts = [0.0] * width, [0] * width
        for folded in self._bins:
            cell = folded.index // bins_per_cell - first
            if 0 <= cell < width:
                sums[cell] += folded.sums[series]
                counts[cell] += folded.counts[series]
        return sums, counts


def latest(report: Report | None, rx: float | None, tx: float | None) -> tuple[float | None, ...]:
    """Return the newest values in the order of `Series`; all None before the first report."""
    if report is None:
        return (None,) * len(Series)
    usages = (report.cpu_usage, report.cpu_iowait, report.memory_usage, report.swap_usage)
    return (*usages, rx, tx, report.load_1m, report.load_5m, report.load_15m)
