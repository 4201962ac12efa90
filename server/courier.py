"""The courier: a process that delivers one message and ends.

A process of its own, since Apprise takes a third of a second of CPU and 44 MB to load, and since what hangs in it (a
service, a name server, a user's command) can be killed. It reads its errand as JSON from standard input, where no
process list shows its secrets, and prints an answer: why it failed, if it did, in words that hold none of them.
"""

import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from server.channel_urls import encoding_hint
from server.masking import masked_complaint, masked_url
from store.text import safe_text

if TYPE_CHECKING:
    import apprise

NAME = "agentmon"
READ_TIMEOUT_S = 15.0
"""Apprise gives up after 4 s, and the message then comes twice from a service that is merely slow."""

NICENESS = 10
"""Loading Apprise shall not take the processor from reports."""

SPARE_S = 10.0
"""How much longer than its errand may take a courier lives whose receiver stands still."""

LAST_WORDS_S = 0.5
"""How long to read what a command that has ended said, when what it left running keeps the pipe open."""

KEPT_WORDS = 4_096
MAX_REASON = 160
NOT_TAKEN = "the service did not take it"

ENDINGS = (
    (r"refused", "connection refused"),
    (r"timed? ?out", "the service did not answer in time"),
    (r"resol|getaddrinfo|name or service not known|no address associated", "the name of its host cannot be resolved"),
    (r"certificate", "its certificate cannot be trusted"),
    (r"no route|unreachable", "there is no way to its host"),
    (r"reset|aborted|disconnected|eof occurred", "the connection broke"),
    (r"authenticat|credentials", "the login was refused"),
)
"""What Apprise's log is searched for, and what is said of it: its own words may hold addresses and tokens."""


def main() -> None:
    """Do the errand on standard input and print the answer."""
    signal.pthread_sigmask(
        signal.SIG_SETMASK, ()
    )  # the receiver's thread has blocked some, and a command may need them
    threading.Thread(target=_end_with_receiver, daemon=True).start()
    errand = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, errand["limit_s"] + SPARE_S)
    answer = run(errand)
    print(json.dumps(answer), flush=True)
    os._exit(0 if answer.get("problem") is None else 1)  # no thread that still runs shall hold it up


def _end_with_receiver() -> None:
    """End, with all that was started, once nobody can hear the answer: the next receiver delivers the message anew."""
    poll = select.poll()
    poll.register(sys.stdout, 0)  # a hang-up is reported unasked
    poll.poll()
    _give_up()


def _give_up(*_: object) -> None:
    os.killpg(0, signal.SIGKILL)


def run(errand: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to an errand: `problem`, None if all went well; for one that only checks, see `check`."""
    if "check" in errand:
        return check(errand["check"])
    if errand["kind"] == "command":
        return {"problem": run_command(errand["address"], errand["content"])}
    os.nice(NICENESS)
    return {"problem": send(errand["address"], errand["content"])}


def run_command(command: str, content: Mapping[str, Any]) -> str | None:
    """Run a command in a shell with the content as JSON on its standard input; returns why it failed.

    It stays in the courier's process group, so that whoever kills that kills all of it.
    """
    try:
        process = subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except OSError as error:
        return f"it cannot be started: {error.strerror}"
    assert process.stdin is not None
    assert process.stderr is not None
    words: deque[int] = deque(maxlen=KEPT_WORDS)
    listener = threading.Thread(target=_listen, args=(process.stderr, words), daemon=True)
    listener.start()
    data = json.dumps(content).encode() + b"\n"
    threading.Thread(target=_tell, args=(process.stdin, data), daemon=True).start()
    code = process.wait()
    listener.join(LAST_WORDS_S)
    return (
        None
        if code == 0
        else _exit_words(code, masked_complaint(bytes(tuple(words)).decode(errors="replace"), command))
    )


def _tell(pipe: IO[bytes], data: bytes) -> None:
    with suppress(BrokenPipeError), pipe:  # it need not read it
        pipe.write(data)


def _listen(pipe: IO[bytes], words: deque[int]) -> None:
    with pipe:
        while data := os.read(pipe.fileno(), 65_536):
            words.extend(data)


def _exit_words(code: int, said: str) -> str:
    how = f"exit code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}"
    lines = said.strip().splitlines()
    return f"{how}: {safe_text(lines[-1].strip(), MAX_REASON)}" if lines else how


def send(url: str, content: Mapping[str, Any]) -> str | None:
    """Send the content to an Apprise URL; returns why that failed."""
    try:
        import apprise
    except ImportError:
        return "Apprise is not installed"
    with apprise_log() as records:
        service = make_service(url)
        if service is None:
            return url_problem(url, records)
        sender = apprise.Apprise()
        sender.add(service)
        sent = sender.notify(
            title=content["title"],
            body=content["body"],
            notify_type=_notify_type(content),
            body_format=apprise.NotifyFormat.TEXT,
        )
    return None if sent else reason(records)


def _notify_type(content: Mapping[str, Any]) -> "apprise.NotifyType":
    from apprise import NotifyType

    if content["state"] == "problem":
        return NotifyType.FAILURE if content["level"] == "critical" else NotifyType.WARNING
    return NotifyType.SUCCESS if content["state"] == "over" else NotifyType.INFO


def make_service(url: str) -> "apprise.NotifyBase | None":
    """Return Apprise's service for a URL, None if there is none (its log says why)."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id=NAME,
        app_desc=NAME,
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    if not isinstance(service, apprise.NotifyBase):
        return None
    service.socket_read_timeout = max(service.socket_read_timeout, READ_TIMEOUT_S)
    if service.overflow_mode is apprise.OverflowMode.UPSTREAM:
        # A service that refuses what is too long would refuse it for ever; better it has the beginning.
        service.overflow_mode = apprise.OverflowMode.TRUNCATE
    return service


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def apprise_log() -> "Iterator[list[logging.LogRecord]]":
    """Collect what Apprise logs, and let none of it out: there are secrets in it."""
    handler = _Collector()
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield handler.records
    finally:
        logger.removeHandler(handler)


def reason(records: list[logging.LogRecord]) -> str:
    """Return why a service failed, from what Apprise logged, in our own words."""
    said = [
        record.getMessage()
        for record in records
        if record.levelno >= logging.WARNING or "exception" in record.getMessage()[:40].lower()
    ]
    if code := re.search(r"\berror=([1-5]\d\d)\b", " ".join(said)):
        return f"HTTP {code[1]}"
    for pattern, words in ENDINGS:
        if any(re.search(pattern, each, re.IGNORECASE) for each in said):
            return words
    return NOT_TAKEN


def check(url: str) -> dict[str, Any]:
    """Return what is to be known of an Apprise URL: `service`, and `shown`, the URL without secrets; or the problem."""
    try:
        import apprise  # noqa: F401 - whether it is there
    except ImportError:
        return {"problem": "Apprise is not installed"}
    with apprise_log() as records:
        service = make_service(url)
        if service is None:
            return {"problem": url_problem(url, records)}
        private_url: Any = service.url
        return {"service": safe_text(str(service.service_name)), "shown": masked_url(private_url(privacy=True))}


def url_problem(url: str, records: list[logging.LogRecord]) -> str:
    """Return what is wrong with a URL that Apprise does not take, without repeating more than its scheme."""
    from apprise.manager_plugins import NotificationManager

    manager: Any = NotificationManager
    scheme = re.match(r"([a-z][a-z0-9]{1,20})://", url, re.IGNORECASE)
    if scheme is None:
        return "that is no URL of a service, such as ntfy://TOPIC or mailto://USER:PASSWORD@HOST"
    name = scheme[1].lower()
    if name in ("http", "https"):
        return f"for a web hook write json{name.removeprefix('http')}:// in place of {name}://"
    if name not in manager():
        return f"Apprise knows no service {name}://"
    if any("is disabled" in record.getMessage() for record in records):
        return f"Apprise needs another package or system for {name}://"
    hint = encoding_hint(url)
    return f"that is no complete {name}:// URL" + (f"; {hint}" if hint else "")


if __name__ == "__main__":
    main()
