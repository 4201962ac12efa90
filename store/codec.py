"""The compact forms in which the `latest` table holds a monitor's last report and recent course."""

import json
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from store.models import COURSE_LENGTH, MountUsage, Report

REPORT_FIELDS = tuple(f.name for f in fields(Report) if f.name != "disk_usage")
_scalars = attrgetter(*REPORT_FIELDS)
_mount_fields = attrgetter("mount", "usage", "size", "used", "avail")
_encode = json.JSONEncoder(separators=(",", ":")).encode


def encode_report(report: Report) -> str:
    """Return a report as JSON: the values in the order of `REPORT_FIELDS`, then a list of mounts."""
    return _encode([*_scalars(report), [_mount_fields(mount) for mount in report.disk_usage]])


def decode_report(text: str) -> Report:
    """Return the report that `encode_report` wrote."""
    *values, mounts = json.loads(text)
    scalars: dict[str, Any] = dict(zip(REPORT_FIELDS, values, strict=True))
    return Report(**scalars, disk_usage=tuple(MountUsage(*mount) for mount in mounts))


def extend_course(course: bytes, cpu_usage: float) -> bytes:
    """Return a course with one more CPU usage (percent) and without what is older than `COURSE_LENGTH`."""
    return (course + bytes((round(cpu_usage * 2),)))[-COURSE_LENGTH:]


def decode_course(course: bytes) -> tuple[float, ...]:
    """Return the CPU usages of a course, percent, oldest first."""
    return tuple(value / 2 for value in course)


def encode_gaps(gaps: Iterable[float]) -> str:
    """Return the times between reports (seconds) as JSON."""
    return _encode([round(gap, 3) for gap in gaps])


def decode_gaps(text: str) -> tuple[float, ...]:
    """Return the times between reports, seconds, oldest first."""
    return tuple(json.loads(text))
