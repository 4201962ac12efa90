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
from functools import lru_cache
from pathlib import Path

from agent.collect import Report
from agent.config import AgentSettings
from agent.system import this_system

VERSION = "0.2.0"
"""That of the package, which a test compares: looking it up there costs a megabyte for as long as an agent runs."""

TIMEOUT_S = 20.0
"""For each step of a call: connecting, and every wait for the receiver's next bytes."""

MAX_ANSWER = 64 * 1024
MAX_SAID = 300

WRONG_NAME = (62, 64)
WRONG_TIME = (9, 10)
"""OpenSSL's codes (X509_V_ERR_*) for a certificate of another host or address, not valid yet, and expired."""

NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""OpenSSL's words, old and new, for bytes that are no TLS, such as an answer over plain http."""


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


def send(settings: AgentSettings, report: Report, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Post one report and return how that ended; no failure of the network raises."""
    body = json.dumps({"agent_key": settings.key, **report}).encode("ascii")
    request = urllib.request.Request(
        settings.url + "/agent/report",
        data=body,
        headers={"Content-Type": "application/json", "User-Agent": user_agent()},
    )
    try:
        with _opener(settings).open(request, timeout=timeout_s) as answer:
            outcome = outcome_of(answer.status, answer.headers, answer.read(MAX_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            outcome = _refusal(error)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        outcome = Outcome(Answer.UNREACHABLE, f"no answer from {settings.url}: {reason_of(error)}")
    return Outcome(outcome.answer, _one_line(settings, outcome.message), outcome.retry_after_s)


@lru_cache(maxsize=1)
def user_agent() -> str:
    """Return what the receiver shows of this agent: its version, its kind and its system."""
    return f"agentmon-agent/{VERSION} (psutil; {this_system()})"


def _opener(settings: AgentSettings) -> urllib.request.OpenerDirector:
    """Assemble what a call needs and no more: `build_opener` would read all CAs for the plainest call.

    Redirects are not followed: a redirected POST would arrive as a GET, or the key at a stranger's.
    """
    proxies = urllib.request.getproxies() if settings.use_proxies else {}
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    if settings.url.startswith("https:") or proxies.get("http", "").startswith("https:"):
        opener.add_handler(urllib.request.HTTPSHandler(context=_trust(settings)))
    return opener


def _trust(settings: AgentSettings) -> ssl.SSLContext:
    """Return what tells whether to trust a receiver, made anew when the CA's file has been renewed."""
    if settings.trust is not None:
        return settings.trust()
    cacert = settings.cacert
    return _context(cacert, cacert.stat().st_mtime_ns if cacert else 0)


@lru_cache(maxsize=1)
def _context(cacert: Path | None, _changed_ns: int) -> ssl.SSLContext:
    # Reading a system's CAs takes 20 ms and 4 MB: too dear for each report.
    return ssl.create_default_context(cafile=cacert)


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
    if status == 400:
        return Outcome(Answer.UNEXPECTED, "the receiver did not understand the call (400): is its URL one with https?")
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
        return _distrust(inner)
    if isinstance(inner, ssl.SSLError):
        hint = ": does it speak https, or http alone?" if inner.reason in NO_TLS else ""
        return f"no TLS with it: {(inner.reason or 'unknown reason').replace('_', ' ').lower()}{hint}"
    if isinstance(inner, TimeoutError):
        return "timed out"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return str(inner) or type(inner).__name__


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in WRONG_NAME:
        return "its certificate is for another name than the one in the URL"
    if error.verify_code in WRONG_TIME:
        return f"{error.verify_message}: renew it, or set the clock of this machine right"
    return f"its certificate is not trusted ({error.verify_message}): name its CA with --cacert or AGENTMON_CA"


def _one_line(settings: AgentSettings, text: str) -> str:
    """Strip what could steer a terminal, and the key, should a strange receiver echo it."""
    printable = "".join(char if char.isprintable() else " " for char in text.replace(settings.key, "[key]"))
    return printable if len(printable) <= MAX_SAID else printable[: MAX_SAID - 1] + "…"
