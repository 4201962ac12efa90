"""A server's status and facts in words, as lines of text for the server and key screens."""

from rich.cells import cell_len
from rich.text import Text

from store.agents import is_old
from store.models import AgentInfo, Monitor, Status
from store.policy import Breach
from store.wording import agent_words, reading_words, update_words, value_words
from tui import draw, look
from tui.action import AS_BUILT, Keys
from tui.keymap import shown_key

_LABEL_CELLS = 10

SHARED_FOR_MS = 3_600_000
"""How long after two machines were last seen to use one key that is still said."""


def status_line(monitor: Monitor, now: int) -> Text:
    """Return the status, since when, for how long, and until when if that is known."""
    line = Text(no_wrap=True)
    line.append(f"{draw.STATUS_GLYPH[monitor.status]} {monitor.status.value}", look.current.status[monitor.status])
    line.append(f" since {draw.local_time(monitor.status_since)}")
    line.append(f", for {draw.duration((now - monitor.status_since) / 1000)}")
    if monitor.status is Status.PAUSED:
        until = monitor.paused_until
        line.append(", until resumed" if until is None else f", until {draw.local_time(until)}")
    return line


def report_line(monitor: Monitor, now: int) -> Text:
    """Return when and from where the last report came, and how often they come."""
    if monitor.last_report_at is None:
        return Text("no report yet", style=look.current.dim, no_wrap=True)
    line = Text(f"last report {age(monitor, now)} ago", no_wrap=True)
    if monitor.address:
        line.append(f" from {draw.safe(monitor.address, 64)}")
    if monitor.interval_s is not None:
        line.append(f", every {draw.duration(round(monitor.interval_s))}", look.current.dim)
    return line


def age(monitor: Monitor, now: int) -> str:
    """Return how long ago the last report came."""
    at = monitor.last_report_at
    return draw.ago(None if at is None else (now - at) / 1000)


def head(monitor: Monitor, now: int, width: int) -> Text:
    """Return the top of the server screen: name with tags and note as far as there is room, status, last report."""
    name = Text(draw.safe(monitor.name, 64), "bold", no_wrap=True)
    if monitor.tags:
        name.append(
            "  " + " ".join(f"#{draw.safe(tag)}" for tag in monitor.tags), f"not bold {look.current.soft}".strip()
        )
    if monitor.note:
        name.append(f"  {draw.safe(monitor.note, width)}", f"not bold {look.current.dim}".strip())
    name.truncate(width, overflow="ellipsis")
    return Text("\n").join([name, status_line(monitor, now), report_line(monitor, now)])


def breach_words(breach: Breach, now: int) -> str:
    """Return a broken limit in words: "CPU 93%, critical from 90%, for 12m"."""
    value, limit = value_words(breach.metric, breach.value), value_words(breach.metric, breach.limit)
    lasted = draw.ago((now - breach.since) / 1000)
    return f"{reading_words(breach.metric, breach.mount)} {value}, {breach.level.value} from {limit}, for {lasted}"


def breach_lines(monitor: Monitor, now: int, width: int, most: int) -> list[Text]:
    """Return why a server is degraded in at most `most` lines; those that find no room are named on the last one."""
    if monitor.status is not Status.DEGRADED:
        return []
    lines = []
    for breach in monitor.breaches[:most]:
        style = look.current.level[draw.SEVERITY_LEVEL[breach.level]]
        lines.append(Text(f"{draw.STATUS_GLYPH[Status.DEGRADED]} {breach_words(breach, now)}", style, no_wrap=True))
    rest = [reading_words(breach.metric, breach.mount) for breach in monitor.breaches[most:]]
    if rest and lines:
        lines[-1].append(f"; also {', '.join(rest)}", f"not bold {look.current.dim}")
        lines[-1].truncate(width, overflow="ellipsis")
    return lines


def rotation(monitor: Monitor, now: int) -> str:
    """Return in words that a new key has not been used yet; empty if none waits."""
    if monitor.rotated_at is None:
        return ""
    ago = draw.ago((now - monitor.rotated_at) / 1000)
    used = " and is used" if monitor.old_key_used else ""
    return f"new key not used yet, rotated {ago} ago; the old one still works{used}"


def shared(monitor: Monitor, now: int) -> str:
    """Return in words that two machines use the monitor's key; empty if they do not, as far as was seen lately."""
    if monitor.shared_at is None or now - monitor.shared_at >= SHARED_FOR_MS:
        return ""
    ago = draw.ago((now - monitor.shared_at) / 1000)
    return f"two machines use this key, seen {ago} ago: give each a monitor of its own"


def old_agent(monitor: Monitor) -> str:
    """Return in words that the monitor's agent is old and what to do about it; empty if it is not."""
    agent = monitor.agent
    return f"agent {agent.version} is old: {update_words(agent)}" if agent and is_old(agent) else ""


def notes(monitor: Monitor, now: int, width: int, most: int) -> Text:
    """Return what is to be known of a server beside its status in at most `most` lines, the worst first."""
    loud, quiet = look.current.level["warn"], look.current.status[Status.PENDING]
    pairs = [(shared(monitor, now), loud), (rotation(monitor, now), quiet), (old_agent(monitor), quiet)]
    said = [Text(draw.fit(text, width).rstrip(), style, no_wrap=True) for text, style in pairs if text]
    return Text("\n").join([*breach_lines(monitor, now, width, max(most - len(said), 1)), *said][:most])


def settings(monitor: Monitor) -> str:
    """Return in words what is set for this server alone."""
    own = monitor.settings
    parts = [
        f"{label} after {draw.duration(float(own[key]))}"
        for key, label in (("late_after", "late"), ("down_after", "down"))
        if key in own
    ]
    others = len(own) - len(parts)
    if others:
        parts.append("1 limit of its own" if others == 1 else f"{others} limits of its own")
    return " · ".join(parts) if parts else "defaults"


def fact(label: str, value: str | None, width: int) -> Text:
    """Return a label and a value from outside, cut to `width` cells."""
    line = Text().append(draw.fit(label, _LABEL_CELLS), look.current.dim)
    line.append(draw.fit(draw.safe(value) if value else draw.NONE, width - _LABEL_CELLS))
    return line


def _short_fact(label: str, value: str | None, width: int) -> Text:
    """Return the same no longer than its value, so that something can be said behind it."""
    return fact(label, value, min(_LABEL_CELLS + cell_len(draw.safe(value or draw.NONE)), width))


def _hinted(line: Text, hint: str, width: int) -> Text:
    """Return a line with a hint behind it, as far as `width` cells allow."""
    return line.append(draw.fit("  " + hint, max(width - line.cell_len, 0)), look.current.dim)


def _host(monitor: Monitor) -> tuple[str | None, str | None, str | None]:
    report = monitor.report
    return (report.hostname, report.os, report.kernel) if report else (None, None, None)


def _kernel(kernel: str | None, agent: AgentInfo | None, width: int) -> Text:
    """Return the kernel, and the agent behind it, which has no line of its own: small screens have none to spare."""
    if agent is None:
        return fact("kernel", kernel, width)
    return _hinted(_short_fact("kernel", kernel, width), f"agent {agent_words(agent)}", width)


def facts(monitor: Monitor, agent_key: str, hint: str, width: int, keys: Keys = AS_BUILT) -> Text:
    """Return the host's facts, its agent, the deviating settings and the key (as far as it may be seen): five lines."""
    host, system, kernel = _host(monitor)
    words = settings(monitor)
    limits = f"{shown_key('show_limits', keys)} shows all limits"
    lines = [
        fact("host", host, width),
        fact("system", system, width),
        _kernel(kernel, monitor.agent, width),
        _hinted(_short_fact("settings", words, width), limits, width),
        _hinted(fact("agent key", agent_key, _LABEL_CELLS + len(agent_key)), hint, width),
    ]
    return Text("\n").join(lines)


def received_line(monitor: Monitor | None, now: int) -> Text:
    """Return whether a monitor's agent has reported yet: what one waits for after installing it."""
    if monitor is None or monitor.last_report_at is None:
        glyph, style = draw.STATUS_GLYPH[Status.PENDING], look.current.status[Status.PENDING]
        return Text(f"{glyph} waiting for the first report…", style=style)
    shown = age(monitor, now)
    line = Text(f"{draw.STATUS_GLYPH[Status.UP]} received ", style=look.current.status[Status.UP])
    line.append(f"{shown[:-1]} {shown[-1]} ago")
    return line.append(f" from {draw.safe(monitor.address, 64)}") if monitor.address else line


def refused_hint(refused: int) -> Text:
    """Return what points to the refused reports, if there were any lately; they may be those that one waits for."""
    if not refused:
        return Text()
    return Text.assemble(
        ("Reports were refused in the last minutes: ", look.current.status[Status.DEGRADED]),
        ("!", look.current.key),
        (" shows why.", look.current.status[Status.DEGRADED]),
    )
