"""Learning how often an agent reports, from the seconds between its reports: pure functions.

A gap that is as long as usual moves the learned interval a little. Any other is an outage or a burst of retries until
several alike in a row show that the agent's schedule is another one: were one outage learned, a server that dies after
it would be missed for three times as long.
"""

from dataclasses import dataclass

from store.policy import Policy

GAPS_REMEMBERED = 9
"""Usual gaps that the interval is learned from; their median shrugs off four odd ones."""

ALIKE = 1.5
"""How much longer than the shortest of them the longest of several gaps may be if they are to show a new interval."""

SEVERAL = 3

OUTAGE = 1.5
"""While no interval is known, a gap so many times as long as a server may be silent is an outage; a little longer, and
the agent is slow: one of five minutes is late by a moment each time."""

ALIKE_OUTAGES = 1.1
REGULAR = 5
"""Outages that are the same to a tenth so many times in a row, with one report between each, are a schedule."""

BURST_S = 600.0
"""Gaps that are shorter than usual must fill the usual interval before they are learned, but not more than this."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Unusual gaps in a row that are alike: how many, all their seconds, and those of the shortest and longest."""

    count: int = 0
    total_s: float = 0.0
    least_s: float = 0.0
    most_s: float = 0.0

    def joined_by(self, gap_s: float, alike: float) -> "Trend":
        """Return the trend with a gap; one that is not like the others begins a new one."""
        least_s, most_s = min(self.least_s, gap_s), max(self.most_s, gap_s)
        if not self.count or most_s > alike * least_s:
            return Trend(1, gap_s, gap_s, gap_s)
        return Trend(self.count + 1, self.total_s + gap_s, least_s, most_s)


NO_TREND = Trend()


def extend_gaps(
    gaps: tuple[float, ...], trend: Trend, gap_s: float, interval_s: float | None, policy: Policy
) -> tuple[tuple[float, ...], Trend]:
    """Return the gaps that the interval is learned from, and the trend away from it, after a gap."""
    if _is_usual(gap_s, interval_s, policy):
        return (*gaps, gap_s)[-GAPS_REMEMBERED:], NO_TREND
    was_down = gap_s > policy.down_s(interval_s) * (OUTAGE if interval_s is None else 1)
    trend = trend.joined_by(gap_s, ALIKE_OUTAGES if was_down else ALIKE)
    if trend.count < (REGULAR if was_down else SEVERAL) or trend.total_s < min(interval_s or 0.0, BURST_S):
        return gaps, trend
    return (round(trend.total_s / trend.count, 3),), NO_TREND


def _is_usual(gap_s: float, interval_s: float | None, policy: Policy) -> bool:
    return (interval_s or 0.0) / 2 <= gap_s <= min(policy.late_s(interval_s), policy.down_s(interval_s))
