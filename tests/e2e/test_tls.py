"""`serve --tls-cert --tls-key` as a user meets it: HTTPS, one line for what is wrong, renewal without a restart."""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tls import TlsFiles
from tests.certificates import make_pair
from tests.e2e.harness import PATIENCE_S, Served, Station, make_report, send, wait_for


def options(files: TlsFiles) -> tuple[str, ...]:
    return "--tls-cert", str(files.cert), "--tls-key", str(files.key)


@pytest.fixture
def secured(station: Station) -> Iterator[Served]:
    """A receiver with a certificate of its own that names 127.0.0.1, which also monitors its machine."""
    files = make_pair("127.0.0.1").write(station.folder)
    with station.serving(*options(files), "--self") as served:
        yield served


def connect(served: Served, cafile: Path) -> http.client.HTTPSConnection:
    """Connect as a client that trusts one certificate."""
    context = ssl.create_default_context(cafile=cafile)
    return http.client.HTTPSConnection("127.0.0.1", served.port, timeout=PATIENCE_S, context=context)


def reporting(station: Station) -> list[str]:
    """Return who has reported."""
    return [monitor["name"] for monitor in station.status()["monitors"] if monitor["last_report_at"]]


def test_reports_health_self_and_renewal_over_one_receiver(secured: Served) -> None:
    station, folder = secured.station, secured.station.folder
    (key,) = station.create("web-1")
    assert f"listening on https://127.0.0.1:{secured.port}" in secured.said()
    assert "no other machine can reach it" in secured.said()
    old = folder / "old.pem"
    old.write_bytes((folder / "cert.pem").read_bytes())
    connection = connect(secured, old)
    assert send(connection, make_report(key)) == (200, {"status": "ok"})
    connection.request("GET", "/healthz")
    assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    wait_for("this machine's own report", lambda: len(reporting(station)) == 2)

    make_pair("127.0.0.1", key=2).write(folder)
    wait_for("the renewal", lambda: "took over the renewed certificate" in secured.said())
    assert send(connection, make_report(key)) == (200, {"status": "ok"})
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(secured, old).connect()
    fresh = connect(secured, folder / "cert.pem")
    assert send(fresh, make_report(key)) == (200, {"status": "ok"})
    for each in (connection, fresh):
        each.close()
    assert "Traceback" not in secured.said()


def test_the_psutil_agent_takes_a_self_signed_certificate_by_cacert(secured: Served) -> None:
    station = secured.station
    key_file = station.folder / "agent.key"
    key_file.touch(0o600)
    key_file.write_text(station.create("psutil")[0], encoding="ascii")
    where = ("--url", f"https://127.0.0.1:{secured.port}", "--key-file", str(key_file), "--once")
    assert station.run("agent", *where).returncode == 1
    assert station.run("agent", *where, "--cacert", str(station.folder / "cert.pem")).returncode == 0
    wait_for("the refusal in the log", lambda: "TLS handshake failed" in secured.said())


def test_a_public_url_of_another_scheme_is_a_proxys_and_has_no_pin(station: Station) -> None:
    files = make_pair("127.0.0.1").write(station.folder)
    with station.serving(*options(files), "--public-url", "http://monitor.example.org/m/"):
        made = station.ok("monitor", "create", "a")
        assert "curl -fsSL http://monitor.example.org/m/agent.sh)" in made
        assert "Only this machine" not in made


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_files_that_are_not_there_end_in_one_line(station: Station, missing: str) -> None:
    files = make_pair("127.0.0.1").write(station.folder)
    (station.folder / missing).unlink()
    done = station.run("serve", "--port", "0", *options(files))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"agentmon: cannot read {station.folder / missing}: No such file or directory\n"
    assert not station.database.exists()


@pytest.mark.parametrize("given", [0, 2])
def test_a_certificate_without_a_key_is_wrong_usage(station: Station, given: int) -> None:
    files = make_pair("127.0.0.1").write(station.folder)
    done = station.run("serve", "--port", "0", *options(files)[given : given + 2])
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs --tls-" in done.stderr


def test_environment_and_configuration_name_the_files_too_and_the_line_is_right_before_anyone_serves(
    station: Station,
) -> None:
    files = make_pair("127.0.0.1").write(station.folder)
    config = station.folder / "config.toml"
    config.write_text(f'[serve]\nhost = "127.0.0.1"\ntls_cert = "{files.cert}"\ntls_key = "{files.key}"\n', "utf-8")
    made = station.ok("--config", str(config), "monitor", "create", "a")
    assert "https://127.0.0.1:8420 --pin sha256//" in made
    files.key.unlink()
    done = station.run("--config", str(config), "monitor", "create", "b")
    assert (done.returncode, "cannot read" in done.stdout) == (0, True)
    done = station.run("serve", "--port", "0", AGENTMON_SERVE_TLS_CERT=str(files.cert))
    assert done.returncode == 2
