"""How rows of the tables become models: shared by the reader and by the writer's memory."""

import json
import sqlite3
from dataclasses import fields

from store.agents import parse_user_agent
from store.codec import REPORT_FIELDS, decode_course, decode_gaps, decode_report
from store.live import Live, learn_interval
from store.models import Monitor, MountUsage, Report, Sample, Status
from store.policy import read_policy
from store.thresholds import breaches, decode_tracks

MONITOR_QUERY = """
SELECT monitor.id, name, created_at, paused_until, settings, rotated_at, old_key_used, tags, note,
       seq, status, status_since, last_report_at, address, gaps, report,
       network_rx_rate, network_tx_rate, cpu_course, tracks, unsaid, shared_at, user_agent,
       (SELECT json_patch(configured, settings) FROM defaults) AS defaults,
       (SELECT json_group_object(path, full_at) FROM mount
        WHERE mount.monitor_id = monitor.id AND gone_at IS NULL AND full_at IS NOT NULL) AS full_at
FROM monitor JOIN latest ON latest.monitor_id = monitor.id
"""

REPORT_COLUMNS = ", ".join(
    field.name if field.name in ("os", "hostname", "kernel") else f"sample.{field.name}"
    for field in fields(Report)
    if field.name != "disk_usage"
)

SAMPLE_QUERY = f"""
SELECT at, {REPORT_COLUMNS}
FROM sample LEFT JOIN host ON host.id = sample.host_id
WHERE sample.monitor_id = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?
"""

MOUNT_QUERY = """
SELECT at, path, usage, size, used, avail
FROM sample_mount JOIN mount ON mount.id = sample_mount.mount_id
WHERE sample_mount.monitor_id = ? AND at >= ? AND at <= ? ORDER BY at, position
"""


def monitor_of(row: sqlite3.Row) -> Monitor:
    """Return the monitor that a row of `MONITOR_QUERY` describes."""
    policy = read_policy(row["defaults"], row["settings"])
    return Monitor(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        status=Status(row["status"]),
        status_since=row["status_since"],
        seq=row["seq"],
        paused_until=row["paused_until"],
        last_report_at=row["last_report_at"],
        address=row["address"],
        agent=parse_user_agent(row["user_agent"] or ""),
        interval_s=learn_interval(decode_gaps(row["gaps"])),
        report=decode_report(row["report"]) if row["report"] else None,
        network_rx_rate=row["network_rx_rate"],
        network_tx_rate=row["network_tx_rate"],
        cpu_course=decode_course(row["cpu_course"]),
        full_at=json.loads(row["full_at"]),
        settings=json.loads(row["settings"]),
        policy=policy,
        breaches=breaches(decode_tracks(row["tracks"]), policy),
        rotated_at=row["rotated_at"],
        old_key_used=bool(row["old_key_used"]),
        shared_at=row["shared_at"],
        tags=tuple(json.loads(row["tags"])),
        note=row["note"],
    )


def live_of(row: sqlite3.Row) -> Live:
    """Return the writer's view of a row of `MONITOR_QUERY`, nothing heard yet."""
    return Live(
        monitor_of(row),
        course=row["cpu_course"],
        gaps=decode_gaps(row["gaps"]),
        tracks=decode_tracks(row["tracks"]),
        unsaid=bool(row["unsaid"]),
    )


def samples_of(samples: list[sqlite3.Row], mounts: list[sqlite3.Row]) -> list[Sample]:
    """Join the rows of `SAMPLE_QUERY` and `MOUNT_QUERY` over the same period."""
    disks: dict[int, list[MountUsage]] = {}
    for at, *mount in mounts:
        disks.setdefault(at, []).append(MountUsage(*mount))
    return [Sample(row["at"], report_of(row, tuple(disks.get(row["at"], ())))) for row in samples]


def report_of(row: sqlite3.Row, disk_usage: tuple[MountUsage, ...]) -> Report:
    """Return the report in a row that holds `REPORT_COLUMNS`."""
    return Report(**{name: row[name] for name in REPORT_FIELDS}, disk_usage=disk_usage)
