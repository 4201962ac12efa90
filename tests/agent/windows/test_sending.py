"""agent.ps1 and the receiver's answers, its proxies, and what .NET says in other languages."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.agent.receiver import OK, Receiver, trouble
from tests.agent.windows.machine import Windows
from tests.agent.windows.test_settings import KEY


def send(windows: Windows, url: str, **environ: str) -> str:
    """Send a report; return what it said if that failed."""
    ended = windows.run("test", AGENTMON_URL=url, AGENTMON_KEY=KEY, **environ)
    assert ended.code == (1 if ended.err else 0)
    assert ended.err.count("\n") <= 1
    assert KEY not in ended.err
    return ended.err or ended.out[0]


def test_it_tells_its_version_and_platform(windows: Windows, receiver: Receiver) -> None:
    assert "took the report" in send(windows, receiver.url)
    assert windows.call("$Version").out == ["0.2.0"]
    agent = windows.call("(Get-Request 'http://m').UserAgent").out
    assert agent == ["agentmon-agent/0.2.0 (powershell; windows)"]


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (404, trouble("Agent key not found"), "does not know this key (404)"),
        (422, trouble("Поле cpu_usage: слишком велико"), "refused the report (422): Поле cpu_usage: слишком велико"),
        (422, b'{"status": "error", "message": "\\u043d\\u0435\\u0442 \\"x\\""}', '(422): нет "x"'),
        (422, b'{"status": "error", "message": "a\\u001b[31mb\\u202ec"}', "(422): a [31mb c"),
        (500, b"", "answered 500"),
        (200, b"<html>some other server</html>", "answered 200"),
        (200, b'["ok"]', "answered 200"),
        (302, b"", "answered 302"),
    ],
)
def test_each_refusal_is_one_line_in_any_language(
    windows: Windows, receiver: Receiver, status: int, body: bytes, word: str
) -> None:
    receiver.says(status, body)
    assert word in send(windows, receiver.url)


@pytest.mark.parametrize(("asked", "calls"), [("7", 2), ("31", 1)])
def test_a_short_retry_after_is_heeded_once(windows: Windows, receiver: Receiver, asked: str, calls: int) -> None:
    receiver.answers = [(503, trouble("disk full"), {"Retry-After": asked}), (200, OK, {})]
    send(windows, receiver.url)
    assert len(receiver.bodies) == calls


def test_a_cause_has_a_name_that_is_the_same_in_every_language(windows: Windows) -> None:
    said = send(windows, "http://127.0.0.1:1")
    assert "did not answer: Connect" in said or "did not answer: ConnectionRefused" in said


@contextmanager
def dripping(every_s: float) -> Iterator[str]:
    """A server whose answer comes a byte at a time and never ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        ended = threading.Event()

        def drip() -> None:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
                    while not ended.wait(every_s):
                        connection.sendall(b" ")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def test_an_answer_that_drips_has_one_deadline(windows: Windows) -> None:
    quick = windows.root / "quick.ps1"
    quick.write_text(windows.script.read_text().replace("$Deadline = 20", "$Deadline = 3"))
    began = time.monotonic()
    with dripping(0.1) as url:
        ended = windows.ask(script=str(quick), env={"AGENTMON_URL": url, "AGENTMON_KEY": KEY})
    assert (ended.code, "did not answer: Timeout" in ended.err) == (1, True)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(("before", "after"), [("0", 0), ("192", 192 + 3072), ("3072", 3072), ("15360", 15360)])
def test_tls_1_2_is_added_only_where_an_older_default_lacks_it(windows: Windows, before: str, after: int) -> None:
    words = f"""[Net.ServicePointManager]::SecurityProtocol = {before}
    Set-Protocol; [int] [Net.ServicePointManager]::SecurityProtocol; [Net.ServicePointManager]::SecurityProtocol = 0"""
    assert windows.call(words).out == [str(after)]


@pytest.mark.parametrize(
    ("url", "exceptions", "direct"),
    [
        ("http://127.0.0.1:8420", "127.0.0.1:8420", True),
        ("http://127.0.0.1:8420", "127.0.0.1:9000", False),
        ("http://10.1.2.3:8420", "10.0.0.0/8", True),
        ("http://11.1.2.3:8420", "10.0.0.0/8", False),
        ("http://192.168.5.9", "192.168.4.0/23", True),
        ("http://192.168.6.9", "192.168.4.0/23", False),
        ("http://monitor.example", "10.0.0.0/8", False),
        ("http://monitor.example", "localhost, .example", True),
        ("http://monitor.example", "*.example", True),
        ("http://myexample", "example", False),
        ("http://MONITOR.example:8420", "monitor.EXAMPLE:8420", True),
        ("http://[fd00::7]:8420", "fd00::/8", True),
        ("http://[fd00::7]:8420", "[fd00::7]:8420", True),
        ("http://[fd00::7]:8420", "fd00::7", True),
        ("http://[fe80::7]:8420", "fd00::/8", False),
        ("http://m", "*", True),
        ("http://m", "m/8, 10.0.0.0/x,,/", False),
    ],
)
def test_no_proxy_knows_ports_and_networks(windows: Windows, url: str, exceptions: str, direct: bool) -> None:
    out = windows.call(f"Select-Proxy '{url}' 'http://proxy:3128' '' '{exceptions}'").out
    assert out == ["direct" if direct else "http://proxy:3128"]


def test_http_goes_through_a_proxy(windows: Windows, receiver: Receiver) -> None:
    send(windows, "http://receiver.invalid:8420", HTTP_PROXY=receiver.url)
    assert receiver.paths == ["http://receiver.invalid:8420/agent/report"]


def stand_in_for_curl(windows: Windows, body: str) -> None:
    """Put a curl.exe where Windows has its own."""
    program = windows.root / "Windows/System32/curl.exe"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >{windows.root}/argv\ncat >{windows.root}/body\n{body}\n')
    program.chmod(0o755)


def test_a_pin_goes_by_way_of_curl_and_the_key_by_its_standard_input(windows: Windows) -> None:
    headers = "HTTP/1.1 200 Connection established\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n"
    stand_in_for_curl(windows, f"printf '{headers}'; echo '{OK.decode()}'")
    said = send(windows, "https://m:8420", AGENTMON_PIN="sha256//YWJj=")
    assert "took the report" in said
    argv, body = (windows.root / "argv").read_text(), (windows.root / "body").read_text()
    assert "-k --pinnedpubkey sha256//YWJj=" in argv
    assert "--max-time 20" in argv and "agentmon-agent/0.2.0 (powershell; windows)" in argv
    assert (KEY in argv, f'"agent_key":"{KEY}"' in body) == (False, True)


def test_what_curl_complains_of_is_told(windows: Windows) -> None:
    complaint = "curl: (90) SSL: public key does not match pinned public key"
    stand_in_for_curl(windows, f"echo '{complaint}'; exit 90")
    said = send(windows, "https://m:8420", AGENTMON_PIN="sha256//YWJj=")
    assert "did not answer: (90) SSL: public key does not match" in said


def test_a_busy_receiver_behind_curl_is_heeded(windows: Windows) -> None:
    answer = "HTTP/1.1 503 Busy\\r\\nRetry-After: 3\\r\\n\\r\\n" + trouble("disk full").decode()
    stand_in_for_curl(windows, f"printf '{answer}'")
    ended = windows.run("test", AGENTMON_URL="https://m", AGENTMON_KEY=KEY, AGENTMON_CA="C:\\ca.pem")
    assert "cannot take a report now (503): disk full" in ended.err
    assert "sleep 3" in ended.calls
    assert "--cacert C:\\ca.pem --ssl-no-revoke" in (windows.root / "argv").read_text()
