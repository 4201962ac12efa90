"""What an agent does after a call: how long it waits, and whether that is worth a line.

Nothing is kept for later: the receiver stamps reports when they arrive, so an old one would lie about its time.
Whatever happened, the next call carries a fresh report, and there is never more than one.
"""

from dataclasses import dataclass

from agent.send import Answer, Outcome

FIRST_RETRY_S = 5.0
LONGEST_ASKED_S = 3600.0
"""A `Retry-After` beyond this is some proxy's, and not heeded in full."""

REPEAT_AFTER_S = 3600.0
"""A failure that lasts is said again after this."""


@dataclass(frozen=True, slots=True)
class Course:
    """How the calls went so far; `said_at` is the monotonic time when `said` was last put in words."""

    failures: int = 0
    said: str | None = None
    said_at: float = 0.0


def wait_s(outcome: Outcome, failures: int, interval_s: float, elapsed_s: float, chance: float) -> float:
    """Return the seconds to wait before the next report.

    `failures` counts those in a row, this one included; `elapsed_s` is what making and sending this report took;
    `chance` is random, 0 to 1, and keeps a fleet from coming back in the same second. An answer that repeating
    cannot change (accepted, unknown key, refused) waits for the interval; a receiver that is away is tried again
    sooner, doubling up to the interval; `Retry-After` is heeded.
    """
    if outcome.answer in (Answer.ACCEPTED, Answer.UNKNOWN_KEY, Answer.REFUSED):
        return max(min(1.0, interval_s), interval_s - elapsed_s)
    if outcome.retry_after_s is not None:
        return max(1.0, min(outcome.retry_after_s, LONGEST_ASKED_S)) + chance * min(FIRST_RETRY_S, interval_s)
    doubled = FIRST_RETRY_S * 2.0 ** min(failures - 1, 32)
    return min(interval_s, doubled) * (0.5 + 0.5 * chance)


def after(course: Course, outcome: Outcome, now: float) -> tuple[Course, str | None]:
    """Return the course with this outcome in it, and the line to say, if there is news.

    The first answer, each other one and the end of a trouble are news; a trouble that lasts is, once an hour.
    """
    failures = 0 if outcome.accepted else course.failures + 1
    lasting = not outcome.accepted and now - course.said_at >= REPEAT_AFTER_S
    if outcome.message == course.said and not lasting:
        return Course(failures, course.said, course.said_at), None
    return Course(failures, outcome.message, now), outcome.message
