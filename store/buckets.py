"""The statements that make buckets: from raw reports, and wider ones from narrower ones, in the same columns.

The names that are put into the statements come from the constants here and in `store.tiers`, never from outside.
"""

from store.tiers import ROLLED, Tier

SCALES = {
    "cpu_usage": 100,
    "cpu_iowait": 100,
    "memory_usage": 100,
    "memory_total_mb": 1,
    "swap_usage": 100,
    "load_1m": 100,
    "load_5m": 100,
    "load_15m": 100,
}
"""What each number is multiplied by to be stored as an integer."""

USAGE_SCALE = 100
COUNTERS = ("rx_bytes", "tx_bytes", "rx_gap_bytes", "tx_gap_bytes")


def _scaled(expression: str, scale: int, name: str) -> str:
    return ", ".join(
        f"CAST(round({how}({expression}) * {scale}) AS INTEGER) AS {name}_{how}" for how in ("avg", "min", "max")
    )


def _summed(expression: str, condition: str, name: str) -> str:
    # Not sum(), which fails once hostile counters take it beyond 2^63: this is exact to 2^52 and then saturates.
    chosen = f"({expression}) FILTER (WHERE {condition})"
    return f"CAST(round(avg{chosen} * count{chosen}) AS INTEGER) AS {name}"


def _spread(name: str) -> str:
    weight = f"sum(count) FILTER (WHERE {name}_avg IS NOT NULL)"
    return (
        f"CAST(round(sum({name}_avg * count * 1.0) / {weight}) AS INTEGER) AS {name}_avg,"
        f" min({name}_min) AS {name}_min, max({name}_max) AS {name}_max"
    )


_ON_THE_WAY = "forward AND elapsed BETWEEN :least_ms AND :gap_ms"
_IN_GAP = "forward AND elapsed NOT BETWEEN :least_ms AND :gap_ms"

REPORTS_FROM_RAW = f"""
WITH step AS (
    SELECT *, coalesce(elapsed_ms, at - lag(at) OVER w) AS elapsed,
        network_rx_bytes - lag(network_rx_bytes) OVER w AS rx,
        network_tx_bytes - lag(network_tx_bytes) OVER w AS tx
    FROM sample
    WHERE monitor_id = :monitor_id AND at < :until AND at >= coalesce(
        (SELECT max(at) FROM sample WHERE monitor_id = :monitor_id AND at < :since), :since)
    WINDOW w AS (ORDER BY at)
), moved AS (
    -- A counter that went back began anew, with the machine or an interface: how much moved is not known.
    SELECT *, coalesce(rx, 0) >= 0 AND coalesce(tx, 0) >= 0 AND coalesce(rx, tx) IS NOT NULL AS forward FROM step
)
SELECT :monitor_id, at / :width_ms AS bucket, count(*) AS count,
    {", ".join(_scaled(field, scale, field) for field, scale in SCALES.items())},
    CAST(round(sum(elapsed) FILTER (WHERE {_ON_THE_WAY}) / 1000.0) AS INTEGER) AS network_s,
    {_summed("rx", _ON_THE_WAY, "rx_bytes")}, {_summed("tx", _ON_THE_WAY, "tx_bytes")},
    {_summed("rx", _IN_GAP, "rx_gap_bytes")}, {_summed("tx", _IN_GAP, "tx_gap_bytes")}
FROM moved WHERE at >= :since GROUP BY at / :width_ms
"""
"""Parameters: monitor_id, since and until (ms), width_ms, least_ms, gap_ms. Bytes count where they arrived.

Two reports that are closer than `least_ms`, further apart than `gap_ms`, or apart for nobody knows how long make no
rate: what moved between them counts as in a gap.
"""

MOUNTS_FROM_RAW = f"""
SELECT mount_id, at / :width_ms AS bucket, count(*) AS count, {_scaled("usage", USAGE_SCALE, "usage")},
    CAST(round(avg(kibibytes(size))) AS INTEGER) AS size_kb, CAST(round(avg(kibibytes(used))) AS INTEGER) AS used_kb
FROM sample_mount WHERE monitor_id = :monitor_id AND at >= :since AND at < :until
    AND EXISTS (SELECT 1 FROM mount WHERE mount.id = mount_id)
GROUP BY mount_id, at / :width_ms
"""
"""Parameters as above, without least_ms and gap_ms. Mounts that were too many go before the reports that have them."""

REPORTS_FROM_TIER = {
    tier: f"""
SELECT :monitor_id, bucket / :times AS bucket, sum(count) AS count, {", ".join(_spread(field) for field in SCALES)},
    sum(network_s) AS network_s, {", ".join(_summed(counter, "true", counter) for counter in COUNTERS)}
FROM rollup_{tier.name} WHERE monitor_id = :monitor_id AND bucket >= :first AND bucket < :last
GROUP BY bucket / :times ORDER BY bucket
"""
    for tier in ROLLED
}
"""Parameters: monitor_id, first and last (buckets of the tier, half open), times (how many make a point)."""

MOUNTS_FROM_TIER = {
    tier: f"""
SELECT mount_id, bucket / :times AS bucket, sum(count) AS count, {_spread("usage")},
    CAST(round(avg(size_kb)) AS INTEGER) AS size_kb, CAST(round(avg(used_kb)) AS INTEGER) AS used_kb
FROM rollup_mount_{tier.name}
WHERE mount_id IN (SELECT id FROM mount WHERE monitor_id = :monitor_id
    AND (gone_at IS NULL OR gone_at >= :first * {tier.width_ms})) AND bucket >= :first AND bucket < :last
GROUP BY mount_id, bucket / :times ORDER BY bucket
"""
    for tier in ROLLED
}


def insert_reports(tier: Tier) -> str:
    """Return the statement that writes what `REPORTS_FROM_RAW` makes into a tier."""
    return f"INSERT OR REPLACE INTO rollup_{tier.name} {REPORTS_FROM_RAW}"


def insert_mounts(tier: Tier) -> str:
    """Return the statement that writes what `MOUNTS_FROM_RAW` makes into a tier."""
    return f"INSERT OR REPLACE INTO rollup_mount_{tier.name} {MOUNTS_FROM_RAW}"


def merge_reports(tier: Tier) -> str:
    """Return the statement that makes one bucket of two: owner (a monitor), source, target."""
    return f"""
INSERT OR REPLACE INTO rollup_{tier.name}
SELECT monitor_id, :target, sum(count), {", ".join(_spread(field) for field in SCALES)},
    sum(network_s), {", ".join(_summed(counter, "true", counter) for counter in COUNTERS)}
FROM rollup_{tier.name} WHERE monitor_id = :owner AND bucket IN (:source, :target) GROUP BY monitor_id
"""


def merge_mounts(tier: Tier) -> str:
    """Return the statement that does the same for the buckets of a mount."""
    return f"""
INSERT OR REPLACE INTO rollup_mount_{tier.name}
SELECT mount_id, :target, sum(count), {_spread("usage")},
    CAST(round(avg(size_kb)) AS INTEGER), CAST(round(avg(used_kb)) AS INTEGER)
FROM rollup_mount_{tier.name} WHERE mount_id = :owner AND bucket IN (:source, :target) GROUP BY mount_id
"""
