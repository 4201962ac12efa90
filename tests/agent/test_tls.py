"""Receivers over TLS, and proxies on the way, as both agents take them."""

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from agent.config import AgentSettings
from agent.send import Answer, Outcome, send
from tests.agent.receiver import Receiver, running
from tests.agent.shells import Box, make_box

KEY = "amk_" + "secret00" * 5


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """A private CA."""
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate."""
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return path


@contextmanager
def over_tls(ca: trustme.CA, name: str, expired: datetime | None = None) -> Iterator[Receiver]:
    """Run a receiver with a certificate of the private CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, not_after=expired).configure_cert(context)
    with running(context) as server:
        yield server


@pytest.fixture
def secured(ca: trustme.CA) -> Iterator[Receiver]:
    """A receiver whose certificate is right."""
    with over_tls(ca, "127.0.0.1") as server:
        yield server


@pytest.fixture(params=["dash", "bash"], ids=["curl", "wget"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    """A machine for agent.sh with a client that can check certificates."""
    return make_box(request.param, tmp_path)


def ours(url: str, ca_file: Path | None = None) -> Outcome:
    return send(AgentSettings(url, KEY, ca_file), {"cpu_usage": 1}, 5)


def theirs(box: Box, url: str, **environ: str) -> str:
    """Return what agent.sh says on stderr: nothing, if the report was taken."""
    done = box.run(environ=environ, AGENTMON_URL=url, AGENTMON_KEY=KEY)
    assert (done.returncode == 0) is (done.stderr == "")
    assert KEY not in done.stderr
    return done.stderr


def test_a_named_ca_is_trusted(secured: Receiver, ca_file: Path, box: Box) -> None:
    assert ours(secured.url, ca_file).accepted
    assert theirs(box, secured.url, AGENTMON_CA=str(ca_file)) == ""
    assert [body["agent_key"] for body in secured.bodies] == [KEY, KEY]


def test_an_unknown_ca_is_not_trusted_and_the_key_stays_here(secured: Receiver, box: Box) -> None:
    outcome = ours(secured.url)
    assert outcome.answer is Answer.UNREACHABLE
    assert "not trusted" in outcome.message
    assert "--cacert" in outcome.message
    assert "certificate" in theirs(box, secured.url)
    assert secured.bodies == []


def test_a_named_ca_is_the_only_one_trusted(secured: Receiver, tmp_path: Path, box: Box) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    assert "not trusted" in ours(secured.url, other).message
    assert "certificate" in theirs(box, secured.url, AGENTMON_CA=str(other))
    assert secured.bodies == []


def test_a_certificate_for_another_name_is_told_apart(ca: trustme.CA, ca_file: Path, box: Box) -> None:
    with over_tls(ca, "monitor.example") as strange:
        assert "for another name" in ours(strange.url, ca_file).message
        assert re.search("certificate|name", theirs(box, strange.url, AGENTMON_CA=str(ca_file)))
        assert strange.bodies == []


def test_a_certificate_out_of_its_time_is_told_apart(ca: trustme.CA, ca_file: Path, box: Box) -> None:
    with over_tls(ca, "127.0.0.1", expired=datetime(2001, 1, 1)) as late:
        assert "expired" in ours(late.url, ca_file).message
        assert "expired" in theirs(box, late.url, AGENTMON_CA=str(ca_file))
        assert late.bodies == []


def test_a_receiver_that_speaks_no_tls_is_told_in_words(receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    said = ours(url).message
    assert said.startswith(f"no answer from {url}: no TLS with it: ")
    assert said.endswith(": does it speak https, or http alone?")


def test_a_renewed_ca_file_is_read_again(secured: Receiver, ca: trustme.CA, tmp_path: Path) -> None:
    path = tmp_path / "renewed.pem"
    trustme.CA().cert_pem.write_to_path(path)
    assert not ours(secured.url, path).accepted
    ca.cert_pem.write_to_path(path)
    os.utime(path, (0, 0))
    assert ours(secured.url, path).accepted


def test_https_goes_through_a_proxy_unread(
    secured: Receiver, receiver: Receiver, ca_file: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", receiver.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ours(secured.url, ca_file).accepted
    assert theirs(box, secured.url, AGENTMON_CA=str(ca_file), https_proxy=receiver.url) == ""
    assert receiver.paths == [secured.url.removeprefix("https://")] * 2
    assert (len(secured.bodies), receiver.bodies) == (2, [])


def test_no_proxy_leads_past_the_proxy(
    secured: Receiver, receiver: Receiver, ca_file: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = {"https_proxy": receiver.url, "no_proxy": "127.0.0.1"}
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    assert ours(secured.url, ca_file).accepted
    assert theirs(box, secured.url, AGENTMON_CA=str(ca_file), **proxies) == ""
    assert receiver.paths == []


def test_http_goes_through_a_proxy(receiver: Receiver, box: Box) -> None:
    url = "http://monitor.example"
    assert theirs(box, url, http_proxy=receiver.url) == ""
    assert receiver.paths == [f"{url}/agent/report"]


def test_the_wget_of_busybox_which_posts_through_no_proxy_is_not_believed(receiver: Receiver, tmp_path: Path) -> None:
    said = theirs(make_box("busybox", tmp_path), "http://monitor.example", http_proxy=receiver.url)
    assert "not what an agentmon receiver says" in said or "proxy" in said
    assert receiver.bodies == []
