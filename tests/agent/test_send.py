"""Each answer of a receiver as the psutil agent understands it."""

import socket
import tomllib
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agent
from agent.config import AgentSettings
from agent.send import VERSION, Answer, Outcome, outcome_of, retry_after_s, send, user_agent
from tests.agent.receiver import OK, Receiver, trouble

KEY = "amk_" + "secret00" * 5
REPORT: dict[str, object] = {"cpu_usage": 1.5, "hostname": "wéb"}


def call(url: str, timeout_s: float = 5) -> Outcome:
    return send(AgentSettings(url, KEY, use_proxies=False), REPORT, timeout_s)


def test_an_accepted_report_arrived_whole_with_its_key(receiver: Receiver) -> None:
    assert call(receiver.url).accepted
    assert receiver.bodies == [{"agent_key": KEY, **REPORT}]
    assert receiver.paths == ["/agent/report"]


def test_the_agents_version_is_that_of_the_package() -> None:
    project = tomllib.loads(Path(agent.__path__[0]).parent.joinpath("pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


@pytest.mark.parametrize(("name", "system"), [("Linux", "linux"), ("Darwin", "macos")])
def test_a_report_tells_the_agents_version_and_system(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str, system: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: name)
    user_agent.cache_clear()
    assert call(receiver.url).accepted
    user_agent.cache_clear()
    assert receiver.user_agents == [f"agentmon-agent/{VERSION} (psutil; {system})"]


@pytest.mark.parametrize(
    ("status", "body", "answer", "word"),
    [
        (404, trouble("Agent key not found"), Answer.UNKNOWN_KEY, "does not know this key"),
        (422, trouble("cpu_usage out of bounds"), Answer.REFUSED, "cpu_usage out of bounds"),
        (429, trouble("too many"), Answer.LATER, "too many"),
        (503, trouble("disk full"), Answer.LATER, "disk full"),
        (413, trouble("too large"), Answer.UNEXPECTED, "413"),
        (400, b"", Answer.UNEXPECTED, "https"),
        (500, b"<html>", Answer.UNEXPECTED, "500"),
        (200, b"<html>some other server", Answer.UNEXPECTED, "200"),
        (200, b"[" * 60_000, Answer.UNEXPECTED, "200"),
    ],
)
def test_each_answer_is_told_apart(receiver: Receiver, status: int, body: bytes, answer: Answer, word: str) -> None:
    receiver.says(status, body)
    outcome = call(receiver.url)
    assert outcome.answer is answer
    assert word in outcome.message


def test_a_refusal_names_the_fields(receiver: Receiver) -> None:
    receiver.says(422, b'{"status": "error", "message": "invalid", "errors": {"cpu_usage": ["at most 100"]}}')
    assert call(receiver.url).message.endswith("invalid; cpu_usage: at most 100")


def test_retry_after_is_read(receiver: Receiver) -> None:
    receiver.says(503, trouble("later"), Retry_After="7")
    assert call(receiver.url).retry_after_s == 7


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.says(302, Location=receiver.url + "/elsewhere")
    assert call(receiver.url).answer is Answer.UNEXPECTED
    assert receiver.paths == ["/agent/report"]


def test_what_a_receiver_says_cannot_steer_a_terminal_nor_repeat_the_key(receiver: Receiver) -> None:
    receiver.says(422, trouble(f"\x1b[31m\n\u202e{KEY}" + "x" * 1000))
    message = call(receiver.url).message
    assert message.isprintable()
    assert KEY not in message
    assert len(message) <= 300


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        outcome = call(url)
    assert outcome == Outcome(Answer.UNREACHABLE, f"no answer from {url}: Connection refused")


def test_a_receiver_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        outcome = call(url, 0.1)
    assert outcome == Outcome(Answer.UNREACHABLE, f"no answer from {url}: timed out")


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
def test_a_host_that_cannot_be_is_unreachable(host: str) -> None:
    assert call(f"http://{host}").answer is Answer.UNREACHABLE


def test_proxy_variables_hold_but_not_where_they_are_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", receiver.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert send(AgentSettings("http://monitor.example", KEY), REPORT).accepted
    assert receiver.paths == ["http://monitor.example/agent/report"]
    assert call(receiver.url).accepted
    assert receiver.paths[1:] == ["/agent/report"]


def test_retry_after_as_a_date_is_taken_by_the_receivers_own_clock() -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert retry_after_s("Wed, 21 Oct 2015 07:29:30 GMT", date) == 90
    assert retry_after_s("Wed, 21 Oct 2015 07:27:00 GMT", date) == 0
    assert retry_after_s(date, None) is None
    assert retry_after_s("soon", date) is None


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_answer_raises(status: int, body: bytes) -> None:
    assert outcome_of(status, Message(), body).accepted == (status == 200 and body == OK)
