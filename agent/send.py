"""One report, one HTTP call, and what the receiver said to it."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import IO

from agent.collect import Report
from agent.config import AgentSettings

TIMEOUT_S = 20.0
"""For each step of a call: connecting, and every wait for the receiver's next bytes."""

MAX_ANSWER = 64 * 1024
MAX_SAID = 300


class Answer(StrEnum):
    """How a call can end."""

    ACCEPTED = "accepted"
    UNKNOWN_KEY = "unknown key"
    REFUSED = "refused"
    LATER = "later"
    UNREACHABLE = "unreachable"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call; `message` is one line of plain words, safe for a terminal and without the key.

    `retry_after_s` is what the receiver asked for with LATER, if it did.
    """

    answer: Answer
    message: str
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the report is stored."""
        return self.answer is Answer.ACCEPTED


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET, or the key at a stranger's: neither is followed."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def send(settings: AgentSettings, report: Report, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Post one report and return how that ended; no failure of the network raises."""
    body = json.dumps({"agent_key": settings.key, **report}).encode("ascii")
    request = urllib.request.Request(
        settings.url + "/agent/report",
        data=body,
        headers={"Content-Type": "application/json", "User-Agent": "agentmon-agent"},
    )
    try:
        with _opener(settings).open(request, timeout=timeout_s) as answer:
            outcome = outcome_of(answer.status, answer.headers, answer.read(MAX_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            outcome = _refusal(error)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        outcome = Outcome(Answer.UNREACHABLE, f"no answer: {reason_of(error)}")
    return Outcome(outcome.answer, _one_line(settings, outcome.message), outcome.retry_after_s)


def _opener(settings: AgentSettings) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=settings.cacert) if settings.url.startswith("https:") else None
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect(), urllib.request.HTTPSHandler(context=context)]
    if not settings.use_proxies:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def _refusal(error: urllib.error.HTTPError) -> Outcome:
    try:
        body = error.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException):
        body = b""
    return outcome_of(error.code, error.headers, body)


def outcome_of(status: int, headers: Message, body: bytes) -> Outcome:
    """Return what an HTTP answer means (the table of answers in the report API)."""
    said = _json_object(body)
    message = _said(said)
    if status == 200 and said.get("status") == "ok":
        return Outcome(Answer.ACCEPTED, "the receiver took the report")
    if status == 404:
        why = "its monitor was deleted or the key rotated"
        return Outcome(Answer.UNKNOWN_KEY, f"the receiver does not know this key (404): {why}")
    if status == 422:
        return Outcome(Answer.REFUSED, f"the receiver refused the report (422): {message}")
    if status in (429, 503):
        after = retry_after_s(headers.get("Retry-After"), headers.get("Date"))
        return Outcome(Answer.LATER, f"the receiver cannot take a report now ({status}): {message}", after)
    return Outcome(Answer.UNEXPECTED, f"answered {status}, which is not what an agentmon receiver says: {message}")


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _said(said: dict[str, object]) -> str:
    """The receiver's message and, of a refusal, the fields with what is wrong with each."""
    message = said.get("message")
    errors = said.get("errors")
    text = message if isinstance(message, str) else "without a word"
    if not isinstance(errors, dict):
        return text
    fields = (f"{name}: {', '.join(map(str, why))}" for name, why in errors.items() if isinstance(why, list))
    return "; ".join((text, *fields))


def retry_after_s(value: str | None, date: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header; a point in time is taken relative to the answer's own `Date`."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(date or "")).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds)


def reason_of(error: BaseException) -> str:
    """Return an error of the network in words, without the wrapping that urllib puts around it."""
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {inner.verify_message}"
    if isinstance(inner, TimeoutError):
        return "timed out"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return str(inner) or type(inner).__name__


def _one_line(settings: AgentSettings, text: str) -> str:
    """Strip what could steer a terminal, and the key, should a strange receiver echo it."""
    printable = "".join(char if char.isprintable() else " " for char in text.replace(settings.key, "[key]"))
    return printable if len(printable) <= MAX_SAID else printable[: MAX_SAID - 1] + "…"
