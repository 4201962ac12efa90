"""What silence says of a server: pure functions from what is known and a clock to a status.

Times are seconds on the receiver's listening clock (`server.listening`), which starts at zero with the receiver:
a server not heard since then has been silent since then, however long ago its last report is.
"""

from store.live import Live
from store.models import Status

STALE = frozenset({Status.LATE, Status.DOWN})


def judge(live: Live, listening_s: float) -> Status:
    """Return a monitor's status after `listening_s` seconds of the receiver's listening."""
    monitor = live.monitor
    if monitor.status is Status.PAUSED:
        return Status.PAUSED
    if monitor.last_report_at is None:
        return Status.PENDING
    silence_s = listening_s - (live.heard_s or 0.0)
    by_silence = _by_silence(live, silence_s)
    # Not heard since the receiver started: its silence is older than this clock, so nothing takes the verdict of
    # the run before back but a report.
    if live.heard_s is None and monitor.status in STALE and by_silence is not Status.DOWN:
        return monitor.status
    return by_silence


def _by_silence(live: Live, silence_s: float) -> Status:
    policy, interval_s = live.monitor.policy, live.monitor.interval_s
    if silence_s >= policy.down_s(interval_s):
        return Status.DOWN
    if silence_s > policy.late_s(interval_s):
        return Status.LATE
    return Status.DEGRADED if live.monitor.breaches else Status.UP
