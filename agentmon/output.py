"""What the commands print: times, values and JSON in the forms that scripts rely on."""

import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from typing import Any

import click

from store.agents import is_old
from store.errors import AgentmonError
from store.events import Event
from store.models import AgentInfo, Monitor, Report, Sample
from store.text import safe_text
from store.when import zoned
from store.wording import sentence

MAX_LINE = 10_000
"""Characters of a line for people."""


def iso_time(at: int | None) -> str | None:
    """Return UTC milliseconds as ISO 8601, e.g. `2026-01-31T23:59:59.999Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_zone(utc: bool) -> tzinfo | None:
    """Return the zone in which a command shows times to people: None is this machine's own."""
    return UTC if utc else None


def in_zone(iso: str, zone: tzinfo | None) -> str:
    """Return a time that `iso_time` made as people are shown it."""
    return zoned(round(datetime.fromisoformat(iso).timestamp() * 1000), zone)


def print_json(value: Any) -> None:
    """Print one line of ASCII JSON."""
    click.echo(json.dumps(value))


async def print_json_list(rows: AsyncIterator[Any]) -> None:
    """Print a list as ASCII JSON, an element a line, as its elements come."""
    separator = "["
    async for row in rows:
        click.echo(separator + json.dumps(row), nl=False)
        separator = ",\n "
    click.echo("[]" if separator == "[" else "]")


def say(text: str) -> None:
    """Print a line for people, safe for their terminal."""
    click.echo(safe_text(text, MAX_LINE))


def report_fields(report: Report | None) -> dict[str, Any]:
    """Return a report's fields by their names on the wire, all `None` if there is no report."""
    if report is None:
        return dict.fromkeys(Report.__dataclass_fields__) | {"disk_usage": None}
    return asdict(report)


def sample_fields(sample: Sample) -> dict[str, Any]:
    """Return a stored report as `history --step raw --json` shows it."""
    return {"at": iso_time(sample.at), **report_fields(sample.report)}


def monitor_fields(monitor: Monitor, now: int) -> dict[str, Any]:
    """Return a monitor as `status --json` shows it; a mount has `full_in_s` if it will be full one day."""
    last = monitor.last_report_at
    fields = report_fields(monitor.report)
    for mount in fields["disk_usage"] or []:
        if mount["mount"] in monitor.full_at:
            mount["full_in_s"] = max(0, monitor.full_at[mount["mount"]] - now) / 1000
    return {
        "id": monitor.id,
        "name": monitor.name,
        "status": monitor.status.value,
        "since": iso_time(monitor.status_since),
        "last_report_at": iso_time(last),
        "silence_s": None if last is None else max(0, now - last) / 1000,
        **fields,
        "network_rx_rate": monitor.network_rx_rate,
        "network_tx_rate": monitor.network_tx_rate,
        "tags": list(monitor.tags),
        "note": monitor.note or None,
        "breaches": [asdict(breach) | {"since": iso_time(breach.since)} for breach in monitor.breaches],
    }


def settings_fields(monitor: Monitor) -> dict[str, Any]:
    """Return what is set on a monitor and what was learned of it."""
    return {
        "created_at": iso_time(monitor.created_at),
        "paused_until": iso_time(monitor.paused_until),
        "down_after": monitor.settings.get("down_after"),
        "late_after": monitor.settings.get("late_after"),
        "settings": dict(monitor.settings),
        "interval_s": monitor.interval_s,
        "address": monitor.address,
        "agent": agent_fields(monitor.agent),
        "rotated_at": iso_time(monitor.rotated_at),
        "old_key_used": monitor.old_key_used,
        "shared_at": iso_time(monitor.shared_at),
    }


def agent_fields(agent: AgentInfo | None) -> dict[str, Any] | None:
    """Return what sent a monitor's last report, `None` if that was no agent of ours."""
    return None if agent is None else asdict(agent) | {"old": is_old(agent)}


def event_fields(event: Event) -> dict[str, Any]:
    """Return an event as `events --json` shows it."""
    detail = dict(event.detail)
    if detail.get("since") is not None:
        detail["since"] = iso_time(detail["since"])
    return {
        "id": event.id,
        "at": iso_time(event.at),
        "kind": event.kind.value,
        "monitor": event.monitor,
        "monitor_id": event.monitor_id,
        "text": sentence(event),
        "detail": detail,
    }


def in_words(error: Exception) -> str:
    """Return what a person can make of an error that a command ends with."""
    if isinstance(error, UnicodeEncodeError):
        return "an argument holds bytes that are no text in this locale"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


@contextmanager
def keys_shown(done: str, names: Iterable[str]) -> Iterator[None]:
    """Print keys that were just made, `done` says how ("created"); if that fails, say how to see them.

    Raises `AgentmonError` then: what was made stays, since by now it may be in use.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        drop_stdout()
        shown = " ".join(shlex.quote(safe_text(name)) for name in names)
        raise AgentmonError(
            f"{done}, but standard output cannot be written ({in_words(error)}); to see the key:"
            f" agentmon monitor key NAME ({shown})"
        ) from error


def require_stdout() -> None:
    """Raise `AgentmonError` if standard output was closed: a key that is made now would never be seen."""
    if (
        getattr(sys.stdout, "name", None) == os.devnull
    ):  # see `agentmon.cli`; what a shell redirects there has another name
        raise AgentmonError("standard output is closed: nobody would see the key")


def drop_stdout() -> None:
    """Forget what could not be written, so that Python does not try again, and complain, at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
