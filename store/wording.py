"""Events in words, the same wherever they are told: console, command line, alerts."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from store.agents import is_old
from store.durations import duration
from store.events import Event, EventKind
from store.models import AgentInfo
from store.text import safe_text

METRIC_WORDS = {"cpu": "CPU", "iowait": "iowait", "memory": "memory", "swap": "swap", "load": "load"}

MAX_MOUNT_SHOWN = 80
"""Characters of a path."""

KIND_WORDS = {kind: kind.value.replace("_", " ") for kind in EventKind}
"""What an event is called in one or two words."""


WAYS_BACK = "use a fixed lease, a name in public_url, or the install lines again"
"""What to do about a receiver that has another address than its agents know."""


def reading_words(metric: str, mount: str | None) -> str:
    """Return what a reading is called: "CPU", "disk /var"; a long path is cut, so that there is room for its value."""
    return METRIC_WORDS.get(metric, metric) if mount is None else f"{metric} {safe_text(mount, MAX_MOUNT_SHOWN)}"


def value_words(metric: str, value: float) -> str:
    """Return a reading with its unit: "93%", "4.2"."""
    return f"{value:.1f}" if metric == "load" else f"{value:.0f}%" if value >= 10 else f"{value:.1f}%"


def agent_words(agent: AgentInfo) -> str:
    """Return what an agent is called: "0.2.0 (sh, linux)", with ", old" behind it if it is."""
    return f"{agent.version} ({agent.kind}, {agent.system}){', old' if is_old(agent) else ''}"


def update_words(agent: AgentInfo) -> str:
    """Return what to do about an old agent: it never updates itself."""
    return "upgrade agentmon on it" if agent.kind == "psutil" else "paste the install line again"


def sentence(event: Event) -> str:
    """Return what happened, without the monitor's name: "up again, was down for 12m"."""
    return _WORDS[event.kind](event.detail)


def _since(seconds: float | None) -> str:
    return "" if not seconds else f" for {duration(seconds)}"


def _up(detail: Mapping[str, Any]) -> str:
    if detail["was"] == "pending":
        return "first report: up"
    if detail["for_s"] is None:
        return "up again"
    return f"up again, was down for {duration(detail['for_s'])}"


def _degraded(detail: Mapping[str, Any]) -> str:
    metric, value = detail["metric"], value_words(detail["metric"], detail["value"])
    words = f"{reading_words(metric, detail['mount'])} {value}{_since(detail['for_s'])}"
    return f"{words}, {detail['level']} from {value_words(metric, detail['limit'])}"


def recovery(detail: Mapping[str, Any]) -> str:
    """Return how a reading is fine again, by the detail of that event: "CPU back at 12%"."""
    metric, value = detail["metric"], detail["value"]
    if value is None:
        now = "is reported no more"
    elif value >= detail["limit"]:  # it is the limit that went away
        now = f"{value_words(metric, value)} is no longer too high"
    else:
        now = f"back at {value_words(metric, value)}"
    return f"{reading_words(metric, detail['mount'])} {now}"


def _recovered(detail: Mapping[str, Any]) -> str:
    limit = value_words(detail["metric"], detail["limit"])
    return f"{recovery(detail)}, was beyond {limit}{_since(detail['for_s'])}"


def _shared(detail: Mapping[str, Any]) -> str:
    hostnames, addresses = detail["hostnames"], detail["addresses"]
    who = hostnames if len(set(hostnames)) > 1 else addresses
    return f"two machines use its key: {' and '.join(safe_text(str(each)) for each in who)}"


def _paused(detail: Mapping[str, Any]) -> str:
    return "paused until resumed" if detail["for_s"] is None else f"paused for {duration(detail['for_s'])}"


def _resumed(detail: Mapping[str, Any]) -> str:
    by_itself = ", as its time was over" if detail["by_itself"] else ""
    return f"resumed after {duration(detail['for_s'])}{by_itself}"


def _set(detail: Mapping[str, Any]) -> str:
    def words(value: Any) -> str:
        return "default" if value is None else value if isinstance(value, str) else f"{value:g}"

    shown = [f"{safe_text(key)}={words(value)}" for key, value in detail["settings"].items()]
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return f"set {', '.join(shown[:5])}{more}"


def _silence(detail: Mapping[str, Any]) -> str:
    head = f"no reports from anyone for {duration(detail['silence_s'])}, all {detail['monitors']} are silent:"
    if "before" not in detail:
        return f"{head} is it this machine's network?"
    before, now = safe_text(detail["before"]), safe_text(str(detail["address"]))
    return f"{head} this receiver was {before} when they last reported and is {now} now; {WAYS_BACK}"


def _renamed(detail: Mapping[str, Any]) -> str:
    before = safe_text(detail["before"])
    if detail.get("normalised"):
        return f"renamed by agentmon, was '{before}': spaces and the form of accents no longer tell names apart"
    return f"renamed, was {before}"


def _edited(detail: Mapping[str, Any]) -> str:
    parts = []
    if "tags" in detail:
        parts.append(f"tags now {safe_text(', '.join(detail['tags']))}" if detail["tags"] else "tags removed")
    if "note" in detail:
        parts.append("note changed" if detail["note"] else "note removed")
    return "; ".join(parts)


def _clock_set(detail: Mapping[str, Any]) -> str:
    if detail["says"] is not None:
        says = datetime.fromtimestamp(detail["says"] / 1000, UTC)
        return f"this machine's clock says {says:%Y-%m-%d %H:%M} UTC: not believed until it is set"
    by = duration(round(abs(detail["by_s"])))
    if detail["by_s"] > 0:
        return f"this machine's clock was set forward by {by}"
    return f"this machine's clock was set back by {by}; what was stored ahead of it was moved back"


def _started(detail: Mapping[str, Any]) -> str:
    if detail["off_s"] is None:
        return "receiver started for the first time"
    how = "it had ended without notice" if detail["killed"] else "it was off"
    return f"receiver started, {how} for {duration(detail['off_s'])}"


_WORDS: dict[EventKind, Callable[[Mapping[str, Any]], str]] = {
    EventKind.UP: _up,
    EventKind.DOWN: lambda d: f"down, silent for {duration(d['silence_s'])}",
    EventKind.DEGRADED: _degraded,
    EventKind.RECOVERED: _recovered,
    EventKind.REBOOTED: lambda d: f"rebooted, {duration(d['silence_s'])} after its last report",
    EventKind.SILENCE: _silence,
    EventKind.REPORTS_AGAIN: lambda d: f"reports arrive again, after {duration(d['for_s'])} without any",
    EventKind.SHARED_KEY: _shared,
    EventKind.KEY_ROTATED: lambda _: "key rotated; the old one works until the first report with the new one",
    EventKind.OLD_KEY_USED: lambda d: f"still reports with the old key, from {safe_text(str(d['address']))}",
    EventKind.NEW_KEY_USED: lambda d: f"uses the new key; the old one has ended, {duration(d['for_s'])} after rotation",
    EventKind.CREATED: lambda _: "created",
    EventKind.RENAMED: _renamed,
    EventKind.EDITED: _edited,
    EventKind.DELETED: lambda _: "deleted",
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.SET: _set,
    EventKind.RECEIVER_STARTED: _started,
    EventKind.RECEIVER_STOPPED: lambda d: f"receiver stopped, it ran for {duration(d['for_s'])}",
    EventKind.RECEIVER_MOVED: lambda d: (
        f"this receiver was {safe_text(d['before'])} and is {safe_text(str(d['address']))} now; its agents still"
        f" report to the old address: {WAYS_BACK}"
    ),
    EventKind.CLOCK_SET: _clock_set,
}
